//! The accounts in memory: they name the winner.
//!
//! 1. An account is read from the file when an event comes for it, and forgotten once its row [says all](row::fits).
//! 2. What an event changes is queued under the lock of its account, so that rows are written in the order of events.
//! 3. A reply whose row is not durable yet waits for it. A reservation of a request that only reads has none.
//! 4. Of the attempts that a payment's requests gave back, the latest [`CANCELLED`] are remembered. They cost their client nothing, so
//!    that there may be any number. A reserve comes before its release here: both are carried out in the order in which one
//!    process calls.

use super::file::{Change, File, Row};
use super::queue::{Job, Queue};
use super::waiting::Waiting;
use super::{Clock, row};
use crate::error::{StoreError, StoreErrorKind};
use crate::revoke::Revocation;
use crate::{Account, DoubtfulUse, PaymentUses};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use l402_core::ledger::{AttemptId, Event, Now, Reply, Safety, Standing, StoreTime};
use l402_core::{PaymentHash, UnixSeconds};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::oneshot;

const SHARDS: usize = 32;

/// How many cancelled attempts of a payment are remembered.
pub(super) const CANCELLED: usize = 1_000;

#[derive(Debug)]
pub(super) struct Memory {
    shards: Vec<Mutex<Shard>>,
    file: Arc<File>,
    queue: Queue,
    clock: Clock,
    horizon: AtomicU64,
    is_closed: AtomicBool,
    failure: OnceLock<String>,
}

type Shard = HashMap<PaymentHash, Live>;

/// An account in memory.
#[derive(Debug)]
struct Live {
    account: Account,
    /// What stands in the file, or is queued for it.
    row: Option<Row>,
    /// Whether that is among the open ones.
    is_open: bool,
    /// How many rows of it are queued.
    queued: usize,
}

/// A reply, and when it may be told.
pub(super) type Answer = (Reply, Option<oneshot::Receiver<()>>);

impl Memory {
    pub(super) fn new(file: Arc<File>, queue: Queue, clock: Clock) -> Result<Self, StoreError> {
        let horizon = AtomicU64::new(file.horizon()?.get());
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Ok(Self { shards, file, queue, clock, horizon, is_closed: AtomicBool::new(false), failure: OnceLock::new() })
    }

    /// Ends the leases that a predecessor left in the file.
    pub(super) fn end_leases(&self) -> Result<(), StoreError> {
        let now = self.now().time;
        let mut changes = Vec::new();
        for payment in self.file.open_payments()? {
            let Some(mut account) = self.file.account(&payment)? else { continue };
            account.pass(now);
            changes.push(Change { payment, was_open: true, row: Row::of(&account) });
        }
        if changes.is_empty() { Ok(()) } else { self.file.write(&changes) }
    }

    /// Carries out an event.
    pub(super) fn apply(
        &self,
        payment: &PaymentHash,
        attempt: &AttemptId,
        event: &Event,
    ) -> Result<Answer, StoreError> {
        self.is_whole()?;
        let mut shard = self.shard(payment);
        let now = self.now();
        let live = match shard.entry(*payment) {
            Entry::Occupied(place) => place.into_mut(),
            Entry::Vacant(place) => place.insert(self.load(payment, now.time, event)?),
        };
        let reply = live.account.apply(now, attempt, event);
        live.account.forget_cancelled(CANCELLED);
        let done = self.queue_if_changed(payment, live, may_be_told(&reply, event));
        if live.can_be_forgotten() {
            shard.remove(payment);
        }
        Ok((reply, done))
    }

    pub(super) fn now(&self) -> Now {
        Now { time: self.clock.time(), horizon: UnixSeconds::new(self.horizon.load(Ordering::Acquire)) }
    }

    /// Returns what is known of a payment.
    pub(super) fn uses(&self, payment: &PaymentHash) -> Result<Option<PaymentUses>, StoreError> {
        self.look(payment, Account::uses)
    }

    /// Returns uses in doubt.
    pub(super) fn doubtful(&self, most: usize) -> Result<Vec<DoubtfulUse>, StoreError> {
        let mut doubtful = Vec::new();
        for payment in self.file.open_payments()? {
            if doubtful.len() >= most {
                break;
            }
            let left = most - doubtful.len();
            doubtful.extend(self.look(&payment, |account| of_account(payment, account, left))?.unwrap_or_default());
        }
        Ok(doubtful)
    }

    /// Does what time alone does to the accounts in memory, and queues the deletion of rows whose time is over.
    pub(super) fn sweep(&self, most: usize) -> Result<oneshot::Receiver<usize>, StoreError> {
        self.is_whole()?;
        let now = self.now().time;
        for shard in &self.shards {
            lock(shard).retain(|payment, live| {
                live.account.pass(now);
                self.queue_if_changed(payment, live, Told::Whenever);
                !live.can_be_forgotten()
            });
        }
        let (done, receiver) = oneshot::channel();
        self.queue.push(Job::Sweep { now, most, done });
        Ok(receiver)
    }

    /// Queues an entry of the deny-list.
    pub(super) fn revoke(&self, revocation: Revocation) -> Result<oneshot::Receiver<()>, StoreError> {
        self.is_whole()?;
        let (done, receiver) = oneshot::channel();
        self.queue.push(Job::Revoke(revocation, done));
        Ok(receiver)
    }

    /// Takes notice that rows were written.
    pub(super) fn written(&self, changes: &[Change]) {
        for change in changes {
            let mut shard = self.shard(&change.payment);
            let Some(live) = shard.get_mut(&change.payment) else { continue };
            live.queued = live.queued.saturating_sub(1);
            if live.can_be_forgotten() {
                shard.remove(&change.payment);
            }
        }
    }

    /// Takes notice that rows were deleted.
    pub(super) fn swept(&self, payments: &[PaymentHash], horizon: UnixSeconds) {
        self.horizon.fetch_max(horizon.get(), Ordering::AcqRel);
        for payment in payments {
            let mut shard = self.shard(payment);
            if shard.get(payment).is_some_and(|live| live.queued == 0) {
                shard.remove(payment);
            }
        }
    }

    /// Ends the store: a write failed.
    pub(super) fn fail(&self, error: &StoreError) {
        let cause = core::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
        self.failure.set(cause).unwrap_or_default();
        self.close();
    }

    pub(super) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    /// Why nothing is carried out any more.
    pub(super) fn failure(&self) -> StoreError {
        match self.failure.get() {
            Some(cause) => StoreError::with_source(StoreErrorKind::Failed, cause.as_str()),
            None => StoreError::new(StoreErrorKind::Failed),
        }
    }

    pub(super) fn is_whole(&self) -> Result<(), StoreError> {
        if self.is_closed.load(Ordering::Acquire) { Err(self.failure()) } else { Ok(()) }
    }

    /// Returns how many accounts are in memory.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Reads how an account stands by now. What time alone does need not be written at once: it is done again, however often the row
    /// is read.
    fn look<T>(&self, payment: &PaymentHash, read: impl FnOnce(&Account) -> T) -> Result<Option<T>, StoreError> {
        self.is_whole()?;
        let mut shard = self.shard(payment);
        let now = self.now().time;
        if let Some(live) = shard.get_mut(payment) {
            live.account.pass(now);
            return Ok(Some(read(&live.account)));
        }
        let account = self.file.account(payment)?;
        drop(shard);
        Ok(account.map(|mut account| {
            account.pass(now);
            read(&account)
        }))
    }

    /// Reads an account, or begins one.
    fn load(&self, payment: &PaymentHash, now: StoreTime, event: &Event) -> Result<Live, StoreError> {
        let Some(mut account) = self.file.account(payment)? else {
            let ends_at = match event {
                Event::Reserve(reserve) => reserve.ends_at,
                _ => UnixSeconds::new(now.millis() / 1_000),
            };
            return Ok(Live { account: Account::new(ends_at), row: None, is_open: false, queued: 0 });
        };
        let is_open = row::is_open(&account);
        // What time alone did need not be written: it is done again, however often the row is read.
        account.pass(now);
        let row = Row::of(&account);
        Ok(Live { account, row, is_open, queued: 0 })
    }

    fn queue_if_changed(&self, payment: &PaymentHash, live: &mut Live, told: Told) -> Option<oneshot::Receiver<()>> {
        if told == Told::Unwritten && live.row.is_none() {
            return None; // what is reserved by those who only read is all there is
        }
        let row = Row::of(&live.account);
        if row == live.row {
            // It changed nothing, but what it rests on may be on its way.
            let rests = told == Told::Durable && live.queued > 0;
            return rests.then(|| self.queue.wait());
        }
        let was_open = core::mem::replace(&mut live.is_open, row.as_ref().is_some_and(|row| row.is_open));
        live.row.clone_from(&row);
        live.queued += 1;
        let change = Change { payment: *payment, was_open, row };
        if told == Told::Whenever {
            self.queue.push(Job::Write(change, None));
            return None;
        }
        let (waiting, receiver) = Waiting::new();
        self.queue.push(Job::Write(change, Some(waiting)));
        Some(receiver)
    }

    fn shard(&self, payment: &PaymentHash) -> MutexGuard<'_, Shard> {
        let number = usize::from(payment.as_bytes()[0]) % SHARDS;
        lock(self.shards.get(number).expect("a remainder is smaller"))
    }
}

impl Live {
    fn can_be_forgotten(&self) -> bool {
        self.queued == 0 && row::fits(&self.account)
    }
}

/// When a reply may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// At once, unless it changed the row itself.
    AtOnce,
    /// The same; a reservation of a request that only reads has no part in the row.
    Unwritten,
    /// Once all that the reply rests on is durable.
    Durable,
    /// Nobody waits.
    Whenever,
}

const fn may_be_told(reply: &Reply, event: &Event) -> Told {
    match (reply, event) {
        (Reply::Reserved { .. }, Event::Reserve(reserve)) if matches!(reserve.safety, Safety::Safe) => Told::Unwritten,
        (Reply::Refused(_) | Reply::Renewed, _) => Told::AtOnce,
        _ => Told::Durable,
    }
}

/// The uses of a payment that are in doubt, at most so many.
fn of_account(payment: PaymentHash, account: &Account, most: usize) -> Vec<DoubtfulUse> {
    let in_doubt = account.open().filter(|(_, attempt)| matches!(attempt.standing, Standing::InDoubt { .. }));
    let ends_at = account.ends_at();
    let uses = in_doubt.map(|(id, attempt)| DoubtfulUse { payment, attempt: *id, number: attempt.number, ends_at });
    uses.take(most).collect()
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

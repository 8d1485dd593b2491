//! The store: the record of the payment with [`Account`], a clock, and what of it is on the disk.

use crate::book::Book;
use crate::chance::Chance;
use crate::plan::StoreKind;
use crate::watch::Watched;
use core::time::Duration;
use l402_core::ledger::{AttemptId, Event, Now, Record, Refused, Reply, Resolution, Safety, Standing, StoreTime};
use l402_core::{PaymentHash, UnixSeconds};
use l402_ledger::{DoubtfulUse, PaymentUses, StoreError, StoreErrorKind};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// When runs begin.
pub(crate) const START: UnixSeconds = UnixSeconds::new(1_800_000_000);

/// A store that several gateways share, or that is a part of one.
pub(crate) struct Store {
    kind: StoreKind,
    started: Instant,
    book: Arc<Book>,
    state: Mutex<State>,
}

struct State {
    payments: BTreeMap<PaymentHash, Watched>,
    disk: BTreeMap<PaymentHash, Watched>,
    /// What is on its way to the disk, in order.
    writes: VecDeque<(PaymentHash, Watched)>,
    /// How many writes there were, with those on their way.
    written: u64,
    horizon: UnixSeconds,
    /// How often it crashed.
    life: u64,
    is_away: bool,
    /// How far its clock is ahead.
    ahead: Duration,
    chance: Chance,
}

/// A write that a reply waits for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Write {
    life: u64,
    number: u64,
}

impl Store {
    pub(crate) fn new(kind: StoreKind, book: Arc<Book>, chance: Chance) -> Self {
        let state = State {
            payments: BTreeMap::new(),
            disk: BTreeMap::new(),
            writes: VecDeque::new(),
            written: 0,
            horizon: UnixSeconds::new(0),
            life: 0,
            is_away: false,
            ahead: Duration::ZERO,
            chance,
        };
        Self { kind, started: Instant::now(), book, state: Mutex::new(state) }
    }

    /// Carries out an event. The reply may be told once the write is done.
    pub(crate) fn apply(
        &self,
        payment: &PaymentHash,
        attempt: &AttemptId,
        event: &Event,
    ) -> Result<(Reply, Option<Write>), StoreError> {
        let mut state = self.reachable()?;
        let now = Now { time: self.clock(&state), horizon: state.horizon };
        let ends_at = match event {
            Event::Reserve(reserve) => reserve.ends_at,
            _ => UnixSeconds::new(now.time.millis() / 1_000),
        };
        let mut watched = state.payments.remove(payment).unwrap_or_else(|| Watched::new(ends_at));
        let reply = watched.apply(&self.book, now, attempt, event);
        if reply == Reply::Refused(Refused::Ended) && watched.is_new() {
            return Ok((reply, None));
        }
        state.payments.insert(*payment, watched.clone());
        let write = (self.kind == StoreKind::Embedded).then(|| state.write(*payment, watched));
        let at_once = match (&reply, event) {
            (Reply::Reserved { .. }, Event::Reserve(reserve)) => reserve.safety == Safety::Safe,
            (Reply::Refused(_) | Reply::Renewed, _) => true,
            _ => false,
        };
        Ok((reply, write.filter(|_| !at_once)))
    }

    /// Waits for the disk; an error where the store crashed meanwhile.
    pub(crate) async fn sync(&self, write: Write) -> Result<(), StoreError> {
        let takes = self.state().chance.millis(0, 20);
        tokio::time::sleep(takes).await;
        let mut state = self.state();
        if state.life != write.life {
            return Err(StoreError::new(StoreErrorKind::Failed));
        }
        while state.written - state.writes.len() as u64 <= write.number {
            state.write_one();
        }
        Ok(())
    }

    /// The program that has the store ends, and begins again: some of what was on its way to the disk is there, some is not.
    pub(crate) fn crash(&self) {
        let mut state = self.state();
        let most = state.writes.len() as u64;
        for _ in 0..state.chance.below(most + 1) {
            state.write_one();
        }
        state.writes.clear();
        state.life += 1;
        state.payments = state.disk.clone();
        let now = self.clock(&state);
        state.payments.values_mut().for_each(|watched| watched.end_leases(&self.book, now));
    }

    pub(crate) fn set_away(&self, is_away: bool) {
        self.state().is_away = is_away;
    }

    /// Moves the clock.
    pub(crate) fn set_ahead(&self, ahead: Duration) {
        self.state().ahead = ahead;
    }

    pub(crate) fn life(&self) -> u64 {
        self.state().life
    }

    pub(crate) fn now(&self) -> Result<Now, StoreError> {
        let state = self.reachable()?;
        Ok(Now { time: self.clock(&state), horizon: state.horizon })
    }

    pub(crate) fn uses(&self, payment: &PaymentHash) -> Result<Option<PaymentUses>, StoreError> {
        let mut state = self.reachable()?;
        let now = self.clock(&state);
        let watched = state.payments.get_mut(payment);
        Ok(watched.map(|watched| {
            watched.pass(&self.book, now);
            watched.account.uses()
        }))
    }

    /// What is known of a payment, with what those who watch know of it.
    pub(crate) fn watched(&self, payment: &PaymentHash) -> Option<Watched> {
        let mut state = self.state();
        let now = self.clock(&state);
        let watched = state.payments.get_mut(payment)?;
        watched.pass(&self.book, now);
        Some(watched.clone())
    }

    /// Returns what an attempt has drawn, as far as it is on the disk too.
    pub(crate) fn drawn(&self, payment: &PaymentHash, attempt: &AttemptId) -> u64 {
        let state = self.state();
        let place = if self.kind == StoreKind::Embedded { &state.disk } else { &state.payments };
        let attempt = place.get(payment).and_then(|watched| watched.account.attempt(attempt));
        let committed = attempt.filter(|attempt| matches!(attempt.standing, Standing::Committed { .. }));
        committed.map_or(0, |attempt| attempt.amount)
    }

    /// Tells whether an attempt is committed, on the disk too.
    pub(crate) fn is_committed(&self, payment: &PaymentHash, attempt: &AttemptId) -> bool {
        let state = self.state();
        let place = if self.kind == StoreKind::Embedded { &state.disk } else { &state.payments };
        let attempt = place.get(payment).and_then(|watched| watched.account.attempt(attempt));
        attempt.is_some_and(|attempt| matches!(attempt.standing, Standing::Committed { .. }))
    }

    /// A person decides about a doubt, if there is one.
    pub(crate) fn decide(&self, payment: &PaymentHash, resolution: Resolution) {
        let Some(watched) = self.watched(payment) else { return };
        let mut attempts = watched.account.attempts();
        let doubtful = attempts.find(|(_, attempt)| matches!(attempt.standing, Standing::InDoubt { .. }));
        if let Some((id, _)) = doubtful {
            drop(self.apply(payment, id, &Event::Resolve(resolution))); // the store may be away
        }
    }

    pub(crate) fn doubtful(&self, most: usize) -> Result<Vec<DoubtfulUse>, StoreError> {
        let state = self.reachable()?;
        let of_all = state.payments.iter().flat_map(|(payment, watched)| {
            let ends_at = watched.account.ends_at();
            let attempts = watched.account.attempts();
            let in_doubt = attempts.filter(|(_, attempt)| matches!(attempt.standing, Standing::InDoubt { .. }));
            in_doubt.map(move |(id, attempt)| DoubtfulUse {
                payment: *payment,
                attempt: *id,
                number: attempt.number,
                ends_at,
            })
        });
        Ok(of_all.take(most).collect())
    }

    pub(crate) fn sweep(&self, most: usize) -> Result<usize, StoreError> {
        let mut state = self.reachable()?;
        let now = self.clock(&state);
        let over = state.payments.iter().filter(|(_, watched)| watched.account.is_over(now));
        let over: Vec<_> = over.map(|(payment, watched)| (*payment, watched.account.ends_at())).take(most).collect();
        for (payment, ends_at) in &over {
            state.horizon = state.horizon.max(*ends_at);
            state.payments.remove(payment);
            state.disk.remove(payment);
        }
        Ok(over.len())
    }

    /// Records of tokens were deleted that end so long after the beginning.
    pub(crate) fn raise_horizon(&self, time: Duration) {
        self.state().horizon = START.saturating_add(time.as_secs());
    }

    fn clock(&self, state: &State) -> StoreTime {
        StoreTime::from(START).after(self.started.elapsed()).after(state.ahead)
    }

    fn reachable(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.state();
        if state.is_away { Err(StoreError::new(StoreErrorKind::Unavailable)) } else { Ok(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Queues what a payment comes to, without what is never written.
    fn write(&mut self, payment: PaymentHash, watched: Watched) -> Write {
        self.writes.push_back((payment, watched.without_safe_reservations()));
        self.written += 1;
        Write { life: self.life, number: self.written - 1 }
    }

    fn write_one(&mut self) {
        if let Some((payment, watched)) = self.writes.pop_front() {
            self.disk.insert(payment, watched);
        }
    }
}

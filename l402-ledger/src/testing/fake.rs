//! A store in memory.

use crate::account::Account;
use crate::error::{StoreError, StoreErrorKind};
use crate::future::BoxFuture;
use crate::rates::{Bucket, SharedRates, Taken};
use crate::revoke::{Revocation, Revocations};
use crate::settlements::SharedSettlements;
use crate::store::{DoubtfulUse, LedgerStore, PaymentUses};
use core::time::Duration;
use l402_core::ledger::{AttemptId, Event, Now, Refused, Reply, SKEW, Standing, StoreTime};
use l402_core::{PaymentHash, UnixSeconds};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A store in memory, with a clock that stands still until it is moved. Clones are the same store.
#[derive(Debug, Clone, Default)]
pub struct FakeStore(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    accounts: BTreeMap<PaymentHash, Account>,
    revocations: Revocations,
    settlements: BTreeMap<PaymentHash, (Vec<u8>, UnixSeconds)>,
    rates: BTreeMap<(PaymentHash, String), u64>,
    now: Now,
    is_away: bool,
    is_busy: bool,
    loses: usize,
    asked: usize,
}

impl Default for State {
    fn default() -> Self {
        let now = Now { time: StoreTime::from(UnixSeconds::new(1_800_000_000)), horizon: UnixSeconds::new(0) };
        Self {
            accounts: BTreeMap::new(),
            settlements: BTreeMap::new(),
            rates: BTreeMap::new(),
            revocations: Revocations { version: 0, entries: Vec::new() },
            now,
            is_away: false,
            is_busy: false,
            loses: 0,
            asked: 0,
        }
    }
}

impl FakeStore {
    /// Begins empty, in 2027.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves the clock on.
    pub fn pass(&self, time: Duration) {
        let mut state = self.state();
        state.now.time = state.now.time.after(time);
    }

    /// Moves the clock back.
    pub fn turn_back(&self, time: Duration) {
        let mut state = self.state();
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        state.now.time = StoreTime::from_millis(state.now.time.millis().saturating_sub(millis));
    }

    /// Fails every call from now on, or no more.
    pub fn set_away(&self, is_away: bool) {
        self.state().is_away = is_away;
    }

    /// Has too much to do for every call from now on, or no more.
    pub fn set_busy(&self, is_busy: bool) {
        self.state().is_busy = is_busy;
    }

    /// Carries out the next so many events, but loses their replies.
    pub fn lose_replies(&self, count: usize) {
        self.state().loses = count;
    }

    /// Returns how many events it was asked for since this was called last.
    pub fn asked(&self) -> usize {
        core::mem::take(&mut self.state().asked)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reachable(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.state();
        if state.is_away {
            return Err(StoreError::new(StoreErrorKind::Unavailable));
        }
        if state.is_busy { Err(StoreError::new(StoreErrorKind::Busy)) } else { Ok(state) }
    }
}

impl LedgerStore for FakeStore {
    async fn apply(&self, payment: &PaymentHash, attempt: AttemptId, event: Event) -> Result<Reply, StoreError> {
        let mut state = self.reachable()?;
        state.asked += 1;
        let now = state.now;
        let reply = match (event, state.accounts.get_mut(payment)) {
            (_, Some(account)) => account.apply(now, &attempt, &event),
            (Event::Reserve(reserve), None) => {
                let mut account = Account::new(reserve.ends_at);
                let reply = account.apply(now, &attempt, &event);
                if reply != Reply::Refused(Refused::Ended) {
                    state.accounts.insert(*payment, account);
                }
                reply
            }
            (_, None) => {
                let mut account = Account::new(UnixSeconds::new(now.time.millis() / 1_000));
                let reply = account.apply(now, &attempt, &event);
                state.accounts.insert(*payment, account);
                reply
            }
        };
        if state.loses > 0 {
            state.loses -= 1;
            return Err(StoreError::new(StoreErrorKind::Unavailable));
        }
        Ok(reply)
    }

    async fn now(&self) -> Result<Now, StoreError> {
        Ok(self.reachable()?.now)
    }

    async fn uses(&self, payment: &PaymentHash) -> Result<Option<PaymentUses>, StoreError> {
        let mut state = self.reachable()?;
        let now = state.now.time;
        Ok(state.accounts.get_mut(payment).map(|account| {
            account.pass(now);
            account.uses()
        }))
    }

    async fn doubtful(&self, most: usize) -> Result<Vec<DoubtfulUse>, StoreError> {
        let mut state = self.reachable()?;
        let now = state.now.time;
        state.accounts.values_mut().for_each(|account| account.pass(now));
        let of_all = state.accounts.iter().flat_map(|(payment, account)| {
            let in_doubt =
                account.attempts().filter(|(_, attempt)| matches!(attempt.standing, Standing::InDoubt { .. }));
            in_doubt.map(|(id, attempt)| DoubtfulUse {
                payment: *payment,
                attempt: *id,
                number: attempt.number,
                ends_at: account.ends_at(),
            })
        });
        Ok(of_all.take(most).collect())
    }

    async fn revoke(&self, revocation: Revocation) -> Result<(), StoreError> {
        let mut state = self.reachable()?;
        let Revocations { version, entries } = &mut state.revocations;
        *version += 1;
        match entries.iter_mut().find(|entry| entry.what == revocation.what) {
            Some(entry) => entry.until = entry.until.max(revocation.until),
            None => entries.push(revocation),
        }
        Ok(())
    }

    async fn revocations(&self, seen: Option<u64>) -> Result<Option<Revocations>, StoreError> {
        let state = self.reachable()?;
        Ok(if seen == Some(state.revocations.version) { None } else { Some(state.revocations.clone()) })
    }

    async fn sweep(&self, most: usize) -> Result<usize, StoreError> {
        let mut state = self.reachable()?;
        let now = state.now.time;
        let over = state.accounts.iter().filter(|(_, account)| account.is_over(now));
        let over: Vec<_> = over.map(|(payment, account)| (*payment, account.ends_at())).take(most).collect();
        state.revocations.entries.retain(|entry| StoreTime::from(entry.until).after(SKEW) > now);
        for (payment, ends_at) in &over {
            state.now.horizon = state.now.horizon.max(*ends_at);
            state.accounts.remove(payment);
        }
        Ok(over.len())
    }

    fn settlements(&self) -> Option<Arc<dyn SharedSettlements>> {
        Some(Arc::new(self.clone()))
    }

    fn rates(&self) -> Option<Arc<dyn SharedRates>> {
        Some(Arc::new(self.clone()))
    }
}

impl SharedRates for FakeStore {
    fn take<'a>(&'a self, payment: &'a PaymentHash, buckets: &'a [Bucket]) -> BoxFuture<'a, Result<Taken, StoreError>> {
        Box::pin(async move {
            let mut state = self.reachable()?;
            let (now, mut full) = (state.now.time.millis().saturating_mul(1_000), Vec::new());
            for (position, bucket) in buckets.iter().enumerate() {
                let key = (*payment, bucket.name().to_owned());
                match bucket.take(state.rates.get(&key).copied().unwrap_or(0), now) {
                    Ok(after) => full.push((key, after)),
                    Err(wait) => return Ok(Taken::No { bucket: position, wait: Duration::from_micros(wait) }),
                }
            }
            state.rates.extend(full);
            Ok(Taken::Yes)
        })
    }
}

impl SharedSettlements for FakeStore {
    fn put<'a>(
        &'a self,
        payment: &'a PaymentHash,
        record: &'a [u8],
        ends_at: UnixSeconds,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let mut state = self.reachable()?;
            let now = state.now.time.millis() / 1_000;
            state.settlements.retain(|_, (_, end)| end.get() > now);
            let end = state.settlements.get(payment).map_or(ends_at, |(_, end)| ends_at.max(*end));
            if end.get() > now {
                state.settlements.insert(*payment, (record.to_vec(), end));
            }
            Ok(())
        })
    }

    fn get<'a>(&'a self, payment: &'a PaymentHash) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async move {
            let state = self.reachable()?;
            let found = state.settlements.get(payment);
            Ok(found.filter(|(_, end)| StoreTime::from(*end) > state.now.time).map(|(record, _)| record.clone()))
        })
    }
}

//! The record of one payment in memory.

use crate::store::PaymentUses;
use core::cmp::Reverse;
use l402_core::ledger::{
    Attempt, AttemptId, Event, Fingerprint, IdempotencyKey, Now, Record, Reply, SKEW, Standing, StoreTime, Tally, pass,
    step,
};
use l402_core::{CounterKey, UnixSeconds};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// The record of one payment in memory, on which [`step`] works. It stands behind the embedded store, and beside the others in
/// their tests: whatever language a store is written in, it must say what this says.
///
/// A bundle of 100,000 uses remembers as many attempts: what a step looks for has an index, and so has what a store writes down
/// after it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    ends_at: UnixSeconds,
    tallies: BTreeMap<CounterKey, Tally>,
    numbers: Numbers,
    /// Attempts that are reserved or in doubt.
    open: BTreeMap<AttemptId, Box<Attempt>>,
    /// The others: those that committed, and those that were cancelled.
    settled: BTreeMap<AttemptId, Box<Attempt>>,
    /// Attempts that committed, the latest first.
    committed: BTreeSet<(Reverse<StoreTime>, AttemptId)>,
    /// Attempts that were cancelled, the oldest first.
    cancelled: BTreeSet<(StoreTime, AttemptId)>,
    due: BTreeSet<(StoreTime, AttemptId)>,
    /// Attempts that are reserved or in doubt, by the client's key.
    held: BTreeSet<(IdempotencyKey, AttemptId)>,
    /// Attempts that are in doubt, by their fingerprint.
    doubtful: BTreeSet<(Fingerprint, AttemptId)>,
}

/// The numbers of the uses: those that were given back, and the next one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Numbers {
    spare: BTreeSet<u32>,
    next: u32,
}

impl Account {
    /// Begins the record of a payment whose tokens end then.
    pub const fn new(ends_at: UnixSeconds) -> Self {
        Self {
            ends_at,
            tallies: BTreeMap::new(),
            numbers: Numbers { spare: BTreeSet::new(), next: 0 },
            open: BTreeMap::new(),
            settled: BTreeMap::new(),
            committed: BTreeSet::new(),
            cancelled: BTreeSet::new(),
            due: BTreeSet::new(),
            held: BTreeSet::new(),
            doubtful: BTreeSet::new(),
        }
    }

    /// Carries out what an attempt asks.
    pub fn apply(&mut self, now: Now, attempt: &AttemptId, event: &Event) -> Reply {
        if let Event::Reserve(reserve) = event {
            self.ends_at = self.ends_at.max(reserve.ends_at);
        }
        step(self, now, attempt, event)
    }

    /// Does what time alone does, such as ending leases.
    pub fn pass(&mut self, now: StoreTime) {
        pass(self, now);
    }

    /// Returns when the tokens of the payment end.
    pub const fn ends_at(&self) -> UnixSeconds {
        self.ends_at
    }

    /// Tells whether the record may be deleted at a time.
    pub fn is_over(&self, now: StoreTime) -> bool {
        StoreTime::from(self.ends_at).after(SKEW) <= now
    }

    /// Returns the counters.
    pub fn uses(&self) -> PaymentUses {
        let tallies = self.tallies.iter().map(|(key, tally)| (*key, *tally)).collect();
        PaymentUses { ends_at: self.ends_at, tallies }
    }

    /// Returns the attempts that are remembered.
    pub fn attempts(&self) -> impl Iterator<Item = (&AttemptId, &Attempt)> {
        self.open().chain(self.settled.iter().map(|(id, attempt)| (id, &**attempt)))
    }

    /// Returns the attempts that are reserved or in doubt.
    pub(crate) fn open(&self) -> impl Iterator<Item = (&AttemptId, &Attempt)> {
        self.open.iter().map(|(id, attempt)| (id, &**attempt))
    }

    /// Returns the attempts that committed, the latest first.
    #[cfg(feature = "embedded")]
    pub(crate) fn committed(&self) -> impl ExactSizeIterator<Item = (&AttemptId, &Attempt)> {
        self.committed.iter().map(|(_, id)| (id, &**self.settled.get(id).expect("an index names what is there")))
    }

    /// Tells whether attempts are remembered that were cancelled.
    #[cfg(feature = "embedded")]
    pub(crate) fn has_cancelled(&self) -> bool {
        !self.cancelled.is_empty()
    }

    /// Forgets attempts that were cancelled, the oldest first, until so many are left. A reserve of one that is forgotten would be
    /// granted: this is for a store that knows that none can come so late.
    #[cfg(feature = "embedded")]
    pub(crate) fn forget_cancelled(&mut self, most: usize) {
        while self.cancelled.len() > most
            && let Some((_, id)) = self.cancelled.first().copied()
        {
            self.remove_attempt(&id);
        }
    }

    /// Returns the numbers of the uses.
    #[cfg(feature = "embedded")]
    pub(crate) const fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// Begins with what was kept elsewhere.
    #[cfg(feature = "embedded")]
    pub(crate) fn restore(
        ends_at: UnixSeconds,
        tallies: impl IntoIterator<Item = (CounterKey, Tally)>,
        numbers: Numbers,
        attempts: impl IntoIterator<Item = (AttemptId, Attempt)>,
    ) -> Self {
        let mut account = Self { tallies: tallies.into_iter().collect(), numbers, ..Self::new(ends_at) };
        for (id, attempt) in attempts {
            account.set_attempt(&id, attempt);
        }
        account
    }

    fn find(&self, id: &AttemptId) -> Option<(AttemptId, Attempt)> {
        self.attempt(id).map(|attempt| (*id, attempt))
    }
}

impl Record for Account {
    fn tally(&self, key: &CounterKey) -> Option<Tally> {
        self.tallies.get(key).copied()
    }

    fn set_tally(&mut self, key: &CounterKey, tally: Tally) {
        match self.tallies.entry(*key) {
            Entry::Occupied(place) if tally.is_untouched() => drop(place.remove()),
            place => *place.or_insert(tally) = tally,
        }
    }

    fn branches(&self) -> usize {
        self.tallies.len() - usize::from(self.tallies.contains_key(&CounterKey::SALE))
    }

    fn attempt(&self, id: &AttemptId) -> Option<Attempt> {
        self.open.get(id).or_else(|| self.settled.get(id)).map(|attempt| **attempt)
    }

    fn set_attempt(&mut self, id: &AttemptId, attempt: Attempt) {
        self.remove_attempt(id);
        self.due.extend(attempt.due_at().map(|due_at| (due_at, *id)));
        let place = match attempt.standing {
            Standing::Reserved { .. } | Standing::InDoubt { .. } => {
                self.held.extend(attempt.key.map(|key| (key, *id)));
                &mut self.open
            }
            Standing::Committed { .. } | Standing::Cancelled { .. } => &mut self.settled,
        };
        place.insert(*id, Box::new(attempt));
        match attempt.standing {
            Standing::InDoubt { .. } => {
                self.doubtful.extend(attempt.fingerprint.map(|fingerprint| (fingerprint, *id)));
            }
            Standing::Committed { at } => {
                self.committed.insert((Reverse(at), *id));
            }
            Standing::Cancelled { at } => {
                self.cancelled.insert((at, *id));
            }
            Standing::Reserved { .. } => {}
        }
    }

    fn remove_attempt(&mut self, id: &AttemptId) {
        let Some(attempt) = self.open.remove(id).or_else(|| self.settled.remove(id)) else { return };
        match attempt.standing {
            Standing::Committed { at } => self.committed.remove(&(Reverse(at), *id)),
            Standing::Cancelled { at } => self.cancelled.remove(&(at, *id)),
            Standing::Reserved { .. } | Standing::InDoubt { .. } => false,
        };
        if let Some(due_at) = attempt.due_at() {
            self.due.remove(&(due_at, *id));
        }
        if let Some(key) = attempt.key {
            self.held.remove(&(key, *id));
        }
        if let Some(fingerprint) = attempt.fingerprint {
            self.doubtful.remove(&(fingerprint, *id));
        }
    }

    fn holder(&self, key: &IdempotencyKey) -> Option<(AttemptId, Attempt)> {
        let (held, id) = self.held.range((*key, FIRST)..).next()?;
        if held == key { self.find(id) } else { None }
    }

    fn doubtful(&self, fingerprint: &Fingerprint) -> Option<(AttemptId, Attempt)> {
        let (doubtful, id) = self.doubtful.range((*fingerprint, FIRST)..).next()?;
        if doubtful == fingerprint { self.find(id) } else { None }
    }

    fn due(&self, now: StoreTime) -> Option<(AttemptId, Attempt)> {
        let (due_at, id) = self.due.first()?;
        if *due_at <= now { self.find(id) } else { None }
    }

    fn take_number(&mut self) -> u32 {
        self.numbers.take()
    }

    fn return_number(&mut self, number: u32) {
        self.numbers.give_back(number);
    }
}

#[cfg(feature = "embedded")]
impl Numbers {
    pub(crate) const fn new(spare: BTreeSet<u32>, next: u32) -> Self {
        Self { spare, next }
    }

    pub(crate) const fn spare(&self) -> &BTreeSet<u32> {
        &self.spare
    }

    /// Returns the first number that was never taken.
    pub(crate) const fn next(&self) -> u32 {
        self.next
    }
}

impl Numbers {
    fn take(&mut self) -> u32 {
        self.spare.pop_first().unwrap_or_else(|| {
            let number = self.next;
            self.next = self.next.saturating_add(1);
            number
        })
    }

    pub(crate) fn give_back(&mut self, number: u32) {
        self.spare.insert(number);
        while self.next.checked_sub(1).is_some_and(|last| self.spare.remove(&last)) {
            self.next -= 1;
        }
    }
}

/// The lowest of all attempts.
const FIRST: AttemptId = AttemptId::from_bytes([0; 16]);

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(feature = "embedded")]
    use crate::testing::conformance::event;
    #[cfg(feature = "embedded")]
    use core::time::Duration;
    use l402_core::ledger::{Counted, DoubtRule, Idempotence, Reserve, Safety};
    use l402_core::{Counter, Counters};
    #[cfg(feature = "embedded")]
    use proptest::prelude::*;

    #[cfg(feature = "embedded")]
    proptest! {
        #[test]
        fn what_is_open_and_what_committed_is_known_without_a_look_at_all(
            events in prop::collection::vec((0..8u8, event(), 0..300_000u64), 0..60)
        ) {
            let mut account = Account::new(UnixSeconds::new(4_102_444_800));
            let mut now = Now { time: StoreTime::from_millis(1_800_000_000_000), horizon: UnixSeconds::new(0) };
            for (id, event, passed) in events {
                now.time = now.time.after(Duration::from_millis(passed));
                account.apply(now, &AttemptId::from_bytes([id; 16]), &event);
                let (mut open, mut committed, mut cancelled) = (vec![], vec![], vec![]);
                for (id, attempt) in account.attempts() {
                    match attempt.standing {
                        Standing::Reserved { .. } | Standing::InDoubt { .. } => open.push(id),
                        Standing::Committed { at } => committed.push((Reverse(at), id)),
                        Standing::Cancelled { at } => cancelled.push((at, *id)),
                    }
                }
                committed.sort_unstable();
                prop_assert!(account.open().map(|(id, _)| id).eq(open));
                prop_assert!(account.committed().map(|(id, _)| id).eq(committed.iter().map(|(_, id)| *id)));
                cancelled.sort_unstable();
                prop_assert!(account.cancelled.iter().eq(&cancelled));
                prop_assert_eq!(account.has_cancelled(), !cancelled.is_empty());
                let (attempts, mut fewer) = (account.attempts().count(), account.clone());
                fewer.forget_cancelled(2);
                prop_assert_eq!(fewer.attempts().count(), attempts - cancelled.len().saturating_sub(2));
                prop_assert!(cancelled.iter().rev().take(2).all(|(_, id)| fewer.attempt(id).is_some()));
            }
        }
    }

    #[test]
    fn s1_what_was_given_back_is_said_to_be_left() {
        let (now, ends_at) = (Now { time: StoreTime::default(), horizon: UnixSeconds::new(0) }, UnixSeconds::new(1));
        let mut counters = Counters::default();
        counters.add(Counter { key: CounterKey::SALE, limit: 3 }).unwrap();
        let (safety, idempotence, doubt) = (Safety::Safe, Idempotence::Once, DoubtRule::Hold);
        let reserve =
            Reserve { counters, amount: 1, ends_at, safety, idempotence, fingerprint: None, key: None, doubt };
        let released = Reply::Released { cost_a_use: false, remaining: 3 };
        let committed = Reply::Committed { is_spent: false, remaining: 3 };
        for (event, expected) in [
            (Event::Release(Counted::No), released),
            (Event::TakeBack, released),
            (Event::Commit { amount: 0 }, committed),
        ] {
            let (mut account, attempt) = (Account::new(ends_at), AttemptId::from_bytes([1; 16]));
            account.apply(now, &attempt, &Event::Reserve(reserve));
            // The counter is untouched again, and forgotten.
            assert_eq!(account.apply(now, &attempt, &event), expected);
        }
    }
}

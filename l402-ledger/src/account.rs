//! The record of one payment in memory.

use crate::store::PaymentUses;
use l402_core::ledger::{
    Attempt, AttemptId, Fingerprint, IdempotencyKey, Now, Record, Reply, Standing, StoreTime, Tally, pass, step,
};
use l402_core::ledger::{Event, SKEW};
use l402_core::{CounterKey, UnixSeconds};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The record of one payment in memory, on which [`step`] works. It stands behind the embedded store, and beside the others in
/// their tests: whatever language a store is written in, it must say what this says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    ends_at: UnixSeconds,
    tallies: BTreeMap<CounterKey, Tally>,
    attempts: BTreeMap<AttemptId, Attempt>,
    /// Numbers that were given back.
    spare: Vec<u32>,
    next: u32,
}

impl Account {
    /// Begins the record of a payment whose tokens end then.
    pub const fn new(ends_at: UnixSeconds) -> Self {
        Self { ends_at, tallies: BTreeMap::new(), attempts: BTreeMap::new(), spare: Vec::new(), next: 0 }
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
        self.attempts.iter()
    }

    fn find(&self, is_it: impl Fn(&Attempt) -> bool) -> Option<(AttemptId, Attempt)> {
        self.attempts.iter().find(|(_, attempt)| is_it(attempt)).map(|(id, attempt)| (*id, *attempt))
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
        self.attempts.get(id).copied()
    }

    fn set_attempt(&mut self, id: &AttemptId, attempt: Attempt) {
        self.attempts.insert(*id, attempt);
    }

    fn remove_attempt(&mut self, id: &AttemptId) {
        self.attempts.remove(id);
    }

    fn holder(&self, key: &IdempotencyKey) -> Option<(AttemptId, Attempt)> {
        let holds = |attempt: &Attempt| {
            matches!(attempt.standing, Standing::Reserved { .. } | Standing::InDoubt { .. })
                && attempt.key.as_ref() == Some(key)
        };
        self.find(holds)
    }

    fn doubtful(&self, fingerprint: &Fingerprint) -> Option<(AttemptId, Attempt)> {
        let is_it = |attempt: &Attempt| {
            matches!(attempt.standing, Standing::InDoubt { .. }) && attempt.fingerprint.as_ref() == Some(fingerprint)
        };
        self.find(is_it)
    }

    fn due(&self, now: StoreTime) -> Option<(AttemptId, Attempt)> {
        self.find(|attempt| attempt.is_due(now))
    }

    fn take_number(&mut self) -> u32 {
        let lowest = self.spare.iter().enumerate().min_by_key(|(_, number)| **number).map(|(at, _)| at);
        if let Some(at) = lowest {
            return self.spare.swap_remove(at);
        }
        let number = self.next;
        self.next = self.next.saturating_add(1);
        number
    }

    fn return_number(&mut self, number: u32) {
        self.spare.push(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::ledger::{Counted, DoubtRule, Idempotence, Reserve, Safety};
    use l402_core::{Counter, Counters};

    #[test]
    fn s1_what_was_given_back_is_said_to_be_left() {
        let (now, ends_at) = (Now { time: StoreTime::default(), horizon: UnixSeconds::new(0) }, UnixSeconds::new(1));
        let mut counters = Counters::default();
        counters.add(Counter { key: CounterKey::SALE, limit: 3 }).unwrap();
        let (safety, idempotence, doubt) = (Safety::Safe, Idempotence::Once, DoubtRule::Hold);
        let reserve =
            Reserve { counters, amount: 1, ends_at, safety, idempotence, fingerprint: None, key: None, doubt };
        for event in [Event::Release(Counted::No), Event::TakeBack] {
            let (mut account, attempt) = (Account::new(ends_at), AttemptId::from_bytes([1; 16]));
            account.apply(now, &attempt, &Event::Reserve(reserve));
            // The counter is untouched again, and forgotten.
            let released = account.apply(now, &attempt, &event);
            assert_eq!(released, Reply::Released { cost_a_use: false, remaining: 3 });
        }
    }
}

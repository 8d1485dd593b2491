//! The store, and what it does without one of its guards.

use super::{Draws, Guard, SLICE};
use crate::scenario::{ENDS_AT, NOW};
use crate::state::id;
use l402_core::ledger::{
    Attempt, DoubtRule, Event, Idempotence, Now, Record, Reply, Reserve, Safety, Standing, StoreTime, Tally, pass,
};
use l402_core::{Counter, CounterKey, Counters, UnixSeconds};
use l402_ledger::Account;

/// What is asked of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Call {
    Reserve,
    Commit,
    /// So much in all.
    Draw(u64),
    /// So much in all, and no more.
    End(u64),
}

/// The record of the balance.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Store(Account);

impl Store {
    pub(super) const fn new() -> Self {
        Self(Account::new(ENDS_AT))
    }

    pub(super) fn tally(&self, draws: &Draws) -> Tally {
        self.0.tally(&CounterKey::SALE).unwrap_or(Tally::new(draws.balance))
    }

    pub(super) fn is_leased(&self, at: usize) -> bool {
        matches!(self.standing(at), Some(Standing::Reserved { .. }))
    }

    fn standing(&self, at: usize) -> Option<Standing> {
        self.0.attempt(&id(at)).map(|attempt| attempt.standing)
    }

    /// The clock passes the end of a lease.
    pub(super) fn lapse(&mut self, at: usize) {
        if let Some(attempt) = self.0.attempt(&id(at)) {
            let standing = Standing::Reserved { lease_ends: StoreTime::from(NOW) };
            self.0.set_attempt(&id(at), Attempt { standing, ..attempt });
            pass(&mut self.0, StoreTime::from(NOW));
        }
    }

    /// Carries out a call, as a store does that keeps all guards but one.
    pub(super) fn apply(&mut self, draws: &Draws, at: usize, call: Call) -> Reply {
        let known = self.0.attempt(&id(at));
        let reply = match (draws.without, call, known) {
            (Some(Guard::Totals), Call::Draw(_), Some(attempt)) => {
                self.step(draws, at, Call::Draw(attempt.amount + SLICE))
            }
            (Some(Guard::GivesBack), Call::End(_), Some(attempt)) => self.step(draws, at, Call::End(attempt.amount)),
            (Some(Guard::WhatIsLeft), Call::Draw(total), Some(attempt)) if self.is_committed(at) => {
                let mut tally = self.tally(draws);
                tally.committed += total.saturating_sub(attempt.amount);
                self.0.set_tally(&CounterKey::SALE, tally);
                self.0.set_attempt(&id(at), Attempt { amount: total.max(attempt.amount), ..attempt });
                Reply::Drawn { total, remaining: 0 }
            }
            _ => self.step(draws, at, call),
        };
        if let (Some(Guard::EndsForGood), Call::End(_), Some(attempt), Reply::Drawn { .. }) =
            (draws.without, call, self.0.attempt(&id(at)), &reply)
        {
            let standing = Standing::Committed { at: StoreTime::from(NOW) };
            self.0.set_attempt(&id(at), Attempt { standing, ..attempt });
        }
        reply
    }

    fn is_committed(&self, at: usize) -> bool {
        matches!(self.standing(at), Some(Standing::Committed { .. }))
    }

    fn step(&mut self, draws: &Draws, at: usize, call: Call) -> Reply {
        let event = match call {
            Call::Reserve => Event::Reserve(reserve(draws)),
            Call::Commit => Event::Commit { amount: 1 },
            Call::Draw(total) => Event::Draw { total, is_last: false },
            Call::End(total) => Event::Draw { total, is_last: true },
        };
        let now = Now { time: StoreTime::from(NOW), horizon: UnixSeconds::new(0) };
        self.0.apply(now, &id(at), &event)
    }
}

fn reserve(draws: &Draws) -> Reserve {
    let mut counters = Counters::default();
    counters.add(Counter { key: CounterKey::SALE, limit: draws.balance }).expect("there is room");
    Reserve {
        counters,
        amount: 1,
        ends_at: ENDS_AT,
        safety: Safety::Safe,
        idempotence: Idempotence::Once,
        fingerprint: None,
        key: None,
        doubt: DoubtRule::Hold,
    }
}

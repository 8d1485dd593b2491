//! The store: the record of the payment, and what a store does without one of its guards.

use crate::guard::Guard;
use crate::request::Call;
use crate::scenario::{ENDS_AT, NOW, Scenario};
use l402_core::ledger::{
    Attempt, AttemptId, DoubtCause, Event, Now, Record, Refused, Reply, Reserve, Resolution, Safety, Standing,
    StoreTime, Tally, pass,
};
use l402_core::{CounterKey, UnixSeconds};
use l402_ledger::Account;

/// The store's record of the payment, and what it forgot of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Store {
    pub(crate) account: Option<Account>,
    /// The latest end of a deleted record.
    horizon: UnixSeconds,
    /// How often the sale was committed in records that were deleted.
    pub(crate) committed_before: u64,
}

impl Store {
    pub(crate) const fn new() -> Self {
        Self { account: None, horizon: UnixSeconds::new(0), committed_before: 0 }
    }

    pub(crate) fn tally(&self, key: CounterKey) -> Option<Tally> {
        self.account.as_ref()?.tally(&key)
    }

    pub(crate) fn attempt(&self, id: &AttemptId) -> Option<Attempt> {
        self.account.as_ref()?.attempt(id)
    }

    /// Carries out a call, as a store does that keeps all guards but one.
    pub(crate) fn apply(&mut self, scenario: &Scenario, id: &AttemptId, call: Call, reserve: Reserve) -> Reply {
        if let Some(account) = &mut self.account {
            spoil_before(account, scenario, id, call, &reserve);
        }
        let call = match call {
            Call::Doubt if !scenario.keeps(Guard::UnknownDoubts) => Call::Release,
            Call::ReleaseTry if !scenario.keeps(Guard::TriesCost) => Call::Release,
            call => call,
        };
        let reply = self.step(id, &call.event(reserve));
        if let Some(account) = &mut self.account {
            spoil_after(account, scenario, id, &reply, &reserve);
        }
        reply
    }

    /// Asks for a use, as somebody else.
    pub(crate) fn reserve(mut self, id: &AttemptId, reserve: Reserve) -> Reply {
        self.step(id, &Event::Reserve(reserve))
    }

    /// A person decides.
    pub(crate) fn resolve(&mut self, scenario: &Scenario, id: &AttemptId, resolution: Resolution) -> Reply {
        let doubtful = self.attempt(id);
        let reply = self.step(id, &Event::Resolve(resolution));
        let stays = scenario.keeps(Guard::ResolutionStays) || resolution == Resolution::Unused;
        if let (false, Some(account), Some(attempt)) = (stays, &mut self.account, doubtful) {
            account.set_attempt(id, Attempt { standing: COMMITTED, ..attempt });
        }
        reply
    }

    fn step(&mut self, id: &AttemptId, event: &Event) -> Reply {
        let now = Now { time: StoreTime::from(NOW), horizon: self.horizon };
        if let Some(account) = &mut self.account {
            return account.apply(now, id, event);
        }
        let mut account = Account::new(ENDS_AT);
        let reply = account.apply(now, id, event);
        if reply != Reply::Refused(Refused::Ended) {
            self.account = Some(account);
        }
        reply
    }

    /// The clock passes the end of a lease.
    pub(crate) fn lapse(&mut self, scenario: &Scenario, id: &AttemptId) {
        let Some(account) = &mut self.account else { return };
        let Some(mut attempt) = account.attempt(id) else { return };
        let now = StoreTime::from(NOW);
        attempt.standing = Standing::Reserved { lease_ends: now };
        if !scenario.keeps(Guard::LapseDoubts) {
            attempt.safety = Safety::Safe;
        }
        account.set_attempt(id, attempt);
        pass(account, now);
    }

    /// The sale has ended long ago; its record is deleted. Then the clock is stepped back.
    pub(crate) fn sweep(&mut self, scenario: &Scenario) {
        self.committed_before += self.tally(CounterKey::SALE).map_or(0, |tally| tally.committed);
        self.account = None;
        if scenario.keeps(Guard::Horizon) {
            self.horizon = ENDS_AT;
        }
    }

    /// Forgets an attempt, as a store does after some time; one in doubt stays, and it makes no difference why it is.
    pub(crate) fn finish(&mut self, id: &AttemptId) {
        let Some(account) = &mut self.account else { return };
        match account.attempt(id) {
            Some(attempt @ Attempt { standing: Standing::InDoubt { .. }, .. }) => {
                let standing = Standing::InDoubt { cause: DoubtCause::Unknown, resolves: None };
                account.set_attempt(id, Attempt { standing, ..attempt });
            }
            Some(_) => account.remove_attempt(id),
            None => {}
        }
    }

    /// Forgets how often tokens were tried in vain.
    pub(crate) fn forget_tries(&mut self) {
        let Some(account) = &mut self.account else { return };
        if let Some(tally) = account.tally(&CounterKey::SALE) {
            account.set_tally(&CounterKey::SALE, Tally { tries: 0, ..tally });
        }
    }

    /// Gives attempts other names, and forgets which numbers uses had: nothing here depends on them.
    pub(crate) fn renew(&mut self, names: impl Fn(&AttemptId) -> AttemptId) {
        let Some(old) = &self.account else { return };
        let mut account = Account::new(ENDS_AT);
        for (key, tally) in old.uses().tallies {
            account.set_tally(&key, tally);
        }
        for (id, attempt) in old.attempts() {
            account.set_attempt(&names(id), Attempt { number: 0, ..*attempt });
        }
        self.account = Some(account);
    }
}

/// Prepares a record so that the step does what one without a guard would.
fn spoil_before(account: &mut Account, scenario: &Scenario, id: &AttemptId, call: Call, reserve: &Reserve) {
    let known = account.attempt(id);
    let keys: Vec<_> = reserve.counters.iter().map(|counter| counter.key).collect();
    let mut change = |change: &dyn Fn(&mut Tally)| {
        for key in &keys {
            let mut tally = account.tally(key).unwrap_or(Tally::new(scenario.uses));
            change(&mut tally);
            account.set_tally(key, tally);
        }
    };
    match (scenario.without, call, known) {
        (Some(Guard::CompareAndSet), Call::Commit, Some(attempt)) => {
            if let Standing::Cancelled { .. } = attempt.standing {
                change(&|tally| tally.committed += 1);
                account.set_attempt(id, Attempt { standing: COMMITTED, ..attempt });
            }
        }
        (Some(Guard::DoubtBarsCommit), Call::Commit, Some(attempt)) => {
            if let Standing::InDoubt { cause: DoubtCause::Unknown, resolves } = attempt.standing {
                let standing = Standing::InDoubt { cause: DoubtCause::Lapsed, resolves };
                account.set_attempt(id, Attempt { standing, ..attempt });
            }
        }
        (Some(Guard::ReleaseOnce), Call::ReleaseTry, Some(attempt)) => {
            if let Standing::Cancelled { .. } = attempt.standing {
                change(&|tally| tally.reserved += 1);
                account.set_attempt(id, Attempt { standing: RESERVED, ..attempt });
            }
        }
        (Some(Guard::ReservedIsTaken), Call::Reserve, None) => change(&|tally| tally.reserved = 0),
        _ => {}
    }
}

/// Undoes what a step without a guard would not have done.
fn spoil_after(account: &mut Account, scenario: &Scenario, id: &AttemptId, reply: &Reply, reserve: &Reserve) {
    let standing = account.attempt(id).map(|attempt| attempt.standing);
    match (scenario.without, standing) {
        (Some(Guard::Tombstones), Some(Standing::Cancelled { .. }))
        | (Some(Guard::CommitsRemembered), Some(Standing::Committed { .. })) => account.remove_attempt(id),
        (Some(Guard::AllOrNone), None) if matches!(reply, Reply::Refused(_)) => {
            for counter in reserve.counters.iter() {
                let mut tally = account.tally(&counter.key).unwrap_or(Tally::new(counter.limit));
                tally.reserved += u64::from(tally.free() > 0);
                account.set_tally(&counter.key, tally);
            }
        }
        _ => {}
    }
}

const COMMITTED: Standing = Standing::Committed { at: StoreTime::from_millis(NOW.get() * 1_000) };
const RESERVED: Standing = Standing::Reserved { lease_ends: StoreTime::from_millis(NOW.get() * 1_000 + 30_000) };

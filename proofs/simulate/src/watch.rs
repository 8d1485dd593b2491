//! A payment's record, and somebody who looks at each change of it: an accounting of its own, beside that of the ledger.

use crate::answer::Class;
use crate::book::{Book, Pages};
use l402_core::ledger::{
    Attempt, AttemptId, Counted, Event, Now, Record, Reply, Resolution, Safety, Standing, StoreTime,
};
use l402_core::{CounterKey, UnixSeconds};
use l402_ledger::Account;
use std::collections::BTreeMap;

/// A record that is watched.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    pub(crate) account: Account,
    /// Every attempt that was ever seen, those that the record has forgotten too.
    pub(crate) attempts: BTreeMap<AttemptId, Seen>,
    /// Tries that failed by the client's own doing, by the widest counter.
    tries: BTreeMap<CounterKey, u64>,
}

/// An attempt as it was last seen.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Seen {
    pub(crate) attempt: Attempt,
    /// It was in doubt, and counts as used by a decision.
    pub(crate) is_decided_used: bool,
    /// Somebody, or the route, has decided.
    pub(crate) is_decided: bool,
    /// Its use is gone because it was a third try.
    pub(crate) is_third_try: bool,
    /// It has drawn, and has said what it used.
    pub(crate) is_settled: bool,
}

impl Watched {
    pub(crate) const fn new(ends_at: UnixSeconds) -> Self {
        Self { account: Account::new(ends_at), attempts: BTreeMap::new(), tries: BTreeMap::new() }
    }

    pub(crate) fn is_new(&self) -> bool {
        self.attempts.is_empty()
    }

    /// Does what time alone does.
    pub(crate) fn pass(&mut self, book: &Book, now: StoreTime) {
        self.account.pass(now);
        self.look(&mut book.open(), now, None);
    }

    /// Carries out an event.
    pub(crate) fn apply(&mut self, book: &Book, now: Now, id: &AttemptId, event: &Event) -> Reply {
        self.pass(book, now.time);
        let before = self.account.attempt(id);
        let reply = self.account.apply(now, id, event);
        let mut pages = book.open();
        if *event == Event::Release(Counted::Yes) {
            self.tried(&mut pages, id, before, reply);
        }
        self.look(&mut pages, now.time, Some((id, event)));
        reply
    }

    /// What a predecessor has reserved has no holder any more.
    pub(crate) fn end_leases(&mut self, book: &Book, now: StoreTime) {
        let reserved = |attempt: &Attempt| matches!(attempt.standing, Standing::Reserved { .. });
        let all: Vec<_> = self.account.attempts().map(|(id, attempt)| (*id, *attempt)).collect();
        for (id, attempt) in all.into_iter().filter(|(_, attempt)| reserved(attempt)) {
            self.account.set_attempt(&id, Attempt { standing: Standing::Reserved { lease_ends: now }, ..attempt });
        }
        self.pass(book, now);
    }

    /// The same without the reservations of requests that only read, as if they had never been.
    pub(crate) fn without_safe_reservations(mut self) -> Self {
        let all: Vec<_> = self.account.attempts().map(|(id, attempt)| (*id, *attempt)).collect();
        for (id, attempt) in all {
            if attempt.safety == Safety::Unsafe || !matches!(attempt.standing, Standing::Reserved { .. }) {
                continue;
            }
            self.account.remove_attempt(&id);
            self.account.return_number(attempt.number);
            for key in attempt.counters.into_iter().flatten() {
                let mut tally = self.account.tally(&key).unwrap_or_default();
                tally.reserved = tally.reserved.saturating_sub(attempt.amount);
                self.account.set_tally(&key, tally);
            }
            self.attempts.remove(&id);
        }
        self
    }

    /// Counts a try, as the rule says it, and holds the reply against that.
    fn tried(&mut self, pages: &mut Pages, id: &AttemptId, before: Option<Attempt>, reply: Reply) {
        let Some(attempt) = before else { return };
        if !matches!(attempt.standing, Standing::Reserved { .. } | Standing::InDoubt { .. }) {
            return;
        }
        let Some(key) = attempt.counters.into_iter().flatten().next() else { return };
        let tries = self.tries.entry(key).or_default();
        *tries += 1;
        let is_third = tries.is_multiple_of(3);
        if !matches!(reply, Reply::Released { cost_a_use, .. } if cost_a_use == is_third) {
            pages.breaches.push(format!("{id}: try {tries} of its counter, and the store says {reply:?}"));
        }
        let is_right = pages.call_of(id).is_some_and(|(_, call)| call.class == Class::Tried || call.is_gone);
        if !is_right {
            pages.breaches.push(format!("{id}: counts as a try of its client, which did nothing"));
        }
        pages.note(if is_third { "third tries" } else { "tries" }, 0);
    }

    /// Looks at what has changed.
    fn look(&mut self, pages: &mut Pages, now: StoreTime, cause: Option<(&AttemptId, &Event)>) {
        for (id, attempt) in self.account.attempts() {
            let old = self.attempts.get(id).copied();
            let is_same = |old: Seen| (old.attempt.standing, old.attempt.amount) == (attempt.standing, attempt.amount);
            if old.is_some_and(is_same) {
                continue;
            }
            let own = cause.filter(|(caused, _)| *caused == id).map(|(_, event)| *event);
            let seen = changed(pages, id, old, attempt, now, own);
            self.attempts.insert(*id, seen);
        }
    }
}

/// Takes in that an attempt stands elsewhere, and says what is wrong with that.
fn changed(
    pages: &mut Pages,
    id: &AttemptId,
    old: Option<Seen>,
    attempt: &Attempt,
    now: StoreTime,
    cause: Option<Event>,
) -> Seen {
    let before = old.map(|old| old.attempt.standing);
    let (is_decided_used, is_decided, is_third_try, is_settled) = (false, false, false, false);
    let first = Seen { attempt: *attempt, is_decided_used, is_decided, is_third_try, is_settled };
    let mut seen = Seen { attempt: *attempt, ..old.unwrap_or(first) };
    let call = pages.call_of(id);
    let mut breach = |what: &str| pages.breaches.push(format!("{id}, call {call:?}: {what}"));
    match (attempt.standing, before) {
        (Standing::InDoubt { .. }, _) if attempt.safety == Safety::Safe => breach("reads, and is in doubt"),
        (Standing::Committed { .. } | Standing::Cancelled { .. }, Some(Standing::Committed { .. }))
            if let Some(Event::Draw { total, is_last }) = cause =>
        {
            seen.is_settled = is_last;
            if attempt.amount > total.max(old.map_or(0, |old| old.attempt.amount)) {
                breach("has drawn more than was asked for");
            }
        }
        (Standing::Committed { .. }, Some(Standing::Committed { .. } | Standing::Cancelled { .. })) => {
            breach("is committed after its end");
        }
        (Standing::Committed { .. }, _) => {
            let is_served = call.is_some_and(|(_, call)| call.class == Class::Served && call.is_answered);
            match cause {
                Some(Event::Commit { .. }) if is_served => {}
                Some(Event::Release(Counted::Yes)) => seen.is_third_try = true,
                _ => breach("is committed, and the upstream has not served it"),
            }
        }
        (Standing::InDoubt { .. } | Standing::Cancelled { .. }, Some(Standing::Committed { .. }))
            if call.is_some_and(|(_, call)| call.is_delivered()) =>
        {
            breach("is taken back, and its client was served");
        }
        _ => {}
    }
    if let (Some(Standing::InDoubt { resolves, .. }), Standing::Cancelled { .. }) = (before, attempt.standing) {
        let by_time = resolves.filter(|(time, _)| cause.is_none() && *time <= now).map(|(_, how)| how);
        let by_person = match cause {
            Some(Event::Resolve(how)) => Some(how),
            _ => None,
        };
        let decision = by_person.or(by_time);
        seen.is_decided |= decision.is_some();
        seen.is_decided_used |= decision == Some(Resolution::Used);
    }
    pages.note(name(seen, before.is_some()), call.map_or(0, |(number, _)| number));
    seen
}

/// What is counted.
fn name(seen: Seen, is_known: bool) -> &'static str {
    match seen.attempt.standing {
        Standing::Reserved { .. } if is_known => "leases renewed",
        Standing::Reserved { .. } => "uses reserved",
        _ if seen.is_settled => "balances settled",
        Standing::Committed { .. } => "uses committed",
        Standing::InDoubt { .. } => "uses in doubt",
        Standing::Cancelled { .. } if seen.is_decided => "doubts decided",
        Standing::Cancelled { .. } if is_known => "uses given back",
        Standing::Cancelled { .. } => "reservations overtaken",
    }
}

impl Seen {
    /// Its use is gone.
    pub(crate) const fn is_used(&self) -> bool {
        self.is_decided_used || matches!(self.attempt.standing, Standing::Committed { .. })
    }

    /// It holds a use, held one until somebody decided, or has used one up.
    pub(crate) const fn is_accounted_for(&self) -> bool {
        self.is_used() || self.is_settled || self.is_decided || self.is_in_doubt()
    }

    /// What it has taken from its counters for good.
    pub(crate) const fn charged(&self) -> u64 {
        if self.is_used() || self.is_settled { self.attempt.amount } else { 0 }
    }

    pub(crate) fn takes_from(&self, key: &CounterKey) -> bool {
        self.attempt.counters.iter().flatten().any(|taken| taken == key)
    }

    pub(crate) const fn is_in_doubt(&self) -> bool {
        matches!(self.attempt.standing, Standing::InDoubt { .. })
    }
}

//! One step of a payment's record: what every store does, atomically.

use super::attempt::{Attempt, AttemptId, DoubtCause, Idempotence, Resolution, Safety, Standing};
use super::event::{Counted, Event, Refused, Reply, Reserve};
use super::record::Record;
use super::room::room;
use super::tally::Tally;
use super::time::{Now, StoreTime};
use super::{LEASE, MAX_BRANCHES, SKEW, TRIES};
use crate::counter::{Counter, CounterKey, Counters};

/// Carries out what an attempt asks of a payment's record.
///
/// Leases that have ended, doubts that the route's rule resolves by now, and attempts that need no longer be remembered go
/// first. The result depends on nothing but the arguments.
pub fn step<R: Record>(record: &mut R, now: Now, id: &AttemptId, event: &Event) -> Reply {
    pass(record, now.time);
    let attempt = record.attempt(id);
    match *event {
        Event::Reserve(reserve) => self::reserve(record, now, id, attempt, &reserve),
        Event::Renew => renew(record, now.time, id, attempt),
        Event::Commit { amount } => commit(record, now.time, id, attempt, amount),
        Event::Release(counted) => release(record, now.time, id, attempt, counted),
        Event::Doubt => doubt(record, now.time, id, attempt),
        Event::TakeBack => take_back(record, now.time, id, attempt),
        Event::Resolve(resolution) => resolve(record, now.time, id, attempt, resolution),
        Event::Draw { total, is_last } => draw(record, now.time, id, attempt, (total, is_last)),
    }
}

/// Does what time alone does: leases that have ended, doubts that the route's rule resolves by now, and attempts that need no
/// longer be remembered. [`step`] begins with it; a store calls it before it says how things stand.
pub fn pass<R: Record>(record: &mut R, now: StoreTime) {
    while let Some((due, attempt)) = record.due(now) {
        end(record, now, &due, attempt);
    }
}

impl Attempt {
    /// Tells whether time alone changes it by now.
    pub fn is_due(&self, now: StoreTime) -> bool {
        self.due_at().is_some_and(|due_at| due_at <= now)
    }

    /// Returns when time alone changes it; [`None`] where only a person or another request does.
    pub fn due_at(&self) -> Option<StoreTime> {
        match self.standing {
            Standing::Reserved { lease_ends } => Some(lease_ends),
            Standing::InDoubt { resolves, .. } => resolves.map(|(time, _)| time),
            Standing::Committed { at } | Standing::Cancelled { at } => Some(at.after(SKEW)),
        }
    }

    fn keys(&self) -> impl Iterator<Item = CounterKey> + use<> {
        self.counters.into_iter().flatten()
    }
}

/// Ends what is due of one attempt.
fn end<R: Record>(record: &mut R, now: StoreTime, id: &AttemptId, attempt: Attempt) {
    match attempt.standing {
        Standing::Reserved { .. } if attempt.safety == Safety::Safe => {
            give_back(record, now, id, attempt);
        }
        Standing::Reserved { .. } => fall_into_doubt(record, now, id, attempt, DoubtCause::Lapsed),
        Standing::InDoubt { resolves: Some((_, Resolution::Used)), .. } => decide_used(record, now, id, attempt),
        Standing::InDoubt { .. } => {
            give_back(record, now, id, attempt);
        }
        Standing::Committed { .. } | Standing::Cancelled { .. } => record.remove_attempt(id),
    }
}

fn reserve<R: Record>(record: &mut R, now: Now, id: &AttemptId, known: Option<Attempt>, reserve: &Reserve) -> Reply {
    match known {
        Some(Attempt { standing: Standing::Reserved { .. }, number, .. }) => {
            return Reply::Reserved { number, remaining: remaining(record, &reserve.counters) };
        }
        Some(_) => return Reply::Refused(Refused::Cancelled),
        None => {}
    }
    if reserve.ends_at <= now.horizon || StoreTime::from(reserve.ends_at).after(SKEW) <= now.time {
        return Reply::Refused(Refused::Ended);
    }
    match same_request(record, reserve) {
        Ok(None) => {}
        Ok(Some((old, attempt))) => return take_over(record, now.time, (&old, attempt), id, reserve),
        Err(refused) => return Reply::Refused(refused),
    }
    if let Err(refused) = has_room(record, reserve) {
        return Reply::Refused(refused);
    }
    let mut counters = [None; Counters::MAX];
    for (place, counter) in counters.iter_mut().zip(reserve.counters.iter()) {
        let mut tally = record.tally(&counter.key).unwrap_or(Tally::new(counter.limit));
        tally.reserved = tally.reserved.saturating_add(reserve.amount);
        record.set_tally(&counter.key, tally);
        *place = Some(counter.key);
    }
    let Reserve { amount, safety, fingerprint, key, doubt, .. } = *reserve;
    let (number, standing) = (record.take_number(), Standing::Reserved { lease_ends: now.time.after(LEASE) });
    record.set_attempt(id, Attempt { counters, amount, number, safety, fingerprint, key, doubt, standing });
    Reply::Reserved { number, remaining: remaining(record, &reserve.counters) }
}

/// Looks for the same request under another attempt: one to take over, or a reason why there is no use for it.
fn same_request<R: Record>(record: &R, reserve: &Reserve) -> Result<Option<(AttemptId, Attempt)>, Refused> {
    let held = match (&reserve.key, &reserve.fingerprint) {
        (Some(key), _) => record.holder(key),
        (None, Some(fingerprint)) => record.doubtful(fingerprint),
        (None, None) => None,
    };
    let Some((id, attempt)) = held else { return Ok(None) };
    if attempt.fingerprint.is_none() || attempt.fingerprint != reserve.fingerprint {
        return Err(Refused::KeyHeld);
    }
    let is_repeatable = reserve.idempotence == Idempotence::Repeatable
        && attempt.amount == reserve.amount
        && attempt.keys().eq(reserve.counters.iter().map(|counter| counter.key));
    match attempt.standing {
        Standing::Reserved { .. } => Err(Refused::Busy),
        Standing::InDoubt { .. } if is_repeatable => Ok(Some((id, attempt))),
        _ => Err(Refused::InDoubt),
    }
}

/// Gives the use of a doubtful attempt to a repetition of the same request.
fn take_over<R: Record>(
    record: &mut R,
    now: StoreTime,
    (old, mut attempt): (&AttemptId, Attempt),
    id: &AttemptId,
    reserve: &Reserve,
) -> Reply {
    change(record, &attempt, |tally, amount| {
        tally.doubtful = tally.doubtful.saturating_sub(amount);
        tally.reserved = tally.reserved.saturating_add(amount);
    });
    record.set_attempt(old, Attempt { standing: Standing::Cancelled { at: now }, ..attempt });
    attempt.standing = Standing::Reserved { lease_ends: now.after(LEASE) };
    attempt.doubt = reserve.doubt;
    record.set_attempt(id, attempt);
    Reply::Reserved { number: attempt.number, remaining: remaining(record, &reserve.counters) }
}

/// Whether each counter has enough, and the record room for those that are new.
fn has_room<R: Record>(record: &R, reserve: &Reserve) -> Result<(), Refused> {
    room(&reserve.counters, reserve.amount, |key| record.tally(key))?;
    let is_new = |counter: &Counter| counter.key != CounterKey::SALE && record.tally(&counter.key).is_none();
    let new_branches = reserve.counters.iter().filter(is_new).count();
    if new_branches > 0 && record.branches().saturating_add(new_branches) > MAX_BRANCHES {
        return Err(Refused::TooManyBranches);
    }
    Ok(())
}

fn renew<R: Record>(record: &mut R, now: StoreTime, id: &AttemptId, known: Option<Attempt>) -> Reply {
    match known {
        Some(attempt @ Attempt { standing: Standing::Reserved { .. }, .. }) => {
            let standing = Standing::Reserved { lease_ends: now.after(LEASE) };
            record.set_attempt(id, Attempt { standing, ..attempt });
            Reply::Renewed
        }
        _ => Reply::Lost,
    }
}

fn commit<R: Record>(record: &mut R, now: StoreTime, id: &AttemptId, known: Option<Attempt>, amount: u64) -> Reply {
    let Some(attempt) = known else { return Reply::Lost };
    let remaining = match attempt.standing {
        Standing::Reserved { .. } | Standing::InDoubt { cause: DoubtCause::Lapsed, .. } => {
            use_up(record, now, id, attempt, amount)
        }
        Standing::Committed { .. } => left(record, &attempt),
        Standing::InDoubt { cause: DoubtCause::Unknown, .. } | Standing::Cancelled { .. } => return Reply::Lost,
    };
    let is_spent = |key| record.tally(&key).is_some_and(|tally| tally.committed >= tally.limit);
    Reply::Committed { is_spent: attempt.keys().any(is_spent), remaining }
}

fn release<R: Record>(
    record: &mut R,
    now: StoreTime,
    id: &AttemptId,
    known: Option<Attempt>,
    counted: Counted,
) -> Reply {
    let Some(attempt) = known else {
        // It overtook its reserve, which must not be granted any more.
        record.set_attempt(id, Attempt::cancelled(now));
        return Reply::Released { cost_a_use: false, remaining: 0 };
    };
    match attempt.standing {
        Standing::Reserved { .. } | Standing::InDoubt { .. } => {
            let cost_a_use = counted == Counted::Yes && is_third_try(record, &attempt);
            let remaining = if cost_a_use {
                use_up(record, now, id, attempt, attempt.amount)
            } else {
                give_back(record, now, id, attempt)
            };
            Reply::Released { cost_a_use, remaining }
        }
        Standing::Cancelled { .. } => Reply::Released { cost_a_use: false, remaining: left(record, &attempt) },
        Standing::Committed { .. } => Reply::Lost,
    }
}

/// Counts a try on the widest counter, which is that of the sale where it is counted: a holder can make any number of narrower ones.
fn is_third_try<R: Record>(record: &mut R, attempt: &Attempt) -> bool {
    let Some(key) = attempt.keys().next() else { return false };
    let Some(mut tally) = record.tally(&key) else { return false };
    tally.tries = tally.tries.saturating_add(1);
    let is_third = tally.tries >= TRIES;
    if is_third {
        tally.tries = 0;
    }
    record.set_tally(&key, tally);
    is_third
}

fn doubt<R: Record>(record: &mut R, now: StoreTime, id: &AttemptId, known: Option<Attempt>) -> Reply {
    let Some(attempt) = known else { return Reply::Lost };
    match attempt.standing {
        Standing::Reserved { .. } | Standing::InDoubt { cause: DoubtCause::Lapsed, .. } => {
            fall_into_doubt(record, now, id, attempt, DoubtCause::Unknown);
            Reply::InDoubt
        }
        Standing::InDoubt { .. } => Reply::InDoubt,
        Standing::Committed { .. } | Standing::Cancelled { .. } => Reply::Lost,
    }
}

fn take_back<R: Record>(record: &mut R, now: StoreTime, id: &AttemptId, known: Option<Attempt>) -> Reply {
    let Some(attempt) = known else {
        record.set_attempt(id, Attempt::cancelled(now));
        return Reply::Released { cost_a_use: false, remaining: 0 };
    };
    let remaining = match (attempt.standing, attempt.safety) {
        (Standing::Cancelled { .. }, _) => left(record, &attempt),
        (_, Safety::Unsafe) => {
            fall_into_doubt(record, now, id, attempt, DoubtCause::Unknown);
            return Reply::InDoubt;
        }
        (_, Safety::Safe) => give_back(record, now, id, attempt),
    };
    Reply::Released { cost_a_use: false, remaining }
}

fn resolve<R: Record>(
    record: &mut R,
    now: StoreTime,
    id: &AttemptId,
    known: Option<Attempt>,
    resolution: Resolution,
) -> Reply {
    match (known, resolution) {
        (Some(attempt @ Attempt { standing: Standing::InDoubt { .. }, .. }), Resolution::Used) => {
            decide_used(record, now, id, attempt);
        }
        (Some(attempt @ Attempt { standing: Standing::InDoubt { .. }, .. }), Resolution::Unused) => {
            give_back(record, now, id, attempt);
        }
        _ => return Reply::Lost,
    }
    Reply::Resolved
}

/// Takes more for an attempt that is committed. One that has ended holds nothing any more, so that an event which comes late cannot
/// take from the counters again.
fn draw<R: Record>(
    record: &mut R,
    now: StoreTime,
    id: &AttemptId,
    known: Option<Attempt>,
    (total, is_last): (u64, bool),
) -> Reply {
    let Some(attempt @ Attempt { standing: Standing::Committed { .. }, amount: taken, .. }) = known else {
        return Reply::Lost;
    };
    let amount = match total.checked_sub(taken) {
        Some(more) => taken.saturating_add(more.min(left(record, &attempt))),
        None if is_last => total,
        None => taken, // it was sent before another that has taken more
    };
    let remaining = change(record, &attempt, |tally, _| {
        let_go(tally, &attempt);
        tally.committed = tally.committed.saturating_add(amount);
    });
    let standing = if is_last { Standing::Cancelled { at: now } } else { Standing::Committed { at: now } };
    record.set_attempt(id, Attempt { amount, standing, ..attempt });
    Reply::Drawn { total: amount, remaining }
}

/// Takes what the attempt holds off its counters, wherever it stands.
fn let_go(tally: &mut Tally, attempt: &Attempt) {
    let held = match attempt.standing {
        Standing::Reserved { .. } => &mut tally.reserved,
        Standing::InDoubt { .. } => &mut tally.doubtful,
        Standing::Committed { .. } => &mut tally.committed,
        Standing::Cancelled { .. } => return,
    };
    *held = held.saturating_sub(attempt.amount);
}

fn give_back<R: Record>(record: &mut R, now: StoreTime, id: &AttemptId, attempt: Attempt) -> u64 {
    let left = change(record, &attempt, |tally, _| let_go(tally, &attempt));
    record.return_number(attempt.number);
    record.set_attempt(id, Attempt { standing: Standing::Cancelled { at: now }, ..attempt });
    left
}

fn use_up<R: Record>(record: &mut R, now: StoreTime, id: &AttemptId, attempt: Attempt, amount: u64) -> u64 {
    let amount = amount.min(attempt.amount);
    let left = change(record, &attempt, |tally, _| {
        let_go(tally, &attempt);
        tally.committed = tally.committed.saturating_add(amount);
    });
    record.set_attempt(id, Attempt { amount, standing: Standing::Committed { at: now }, ..attempt });
    left
}

/// A doubt is over: its use is gone, and the attempt holds it no more. So its gateway, which may still ask for what it has had no
/// reply to, cannot take the decision back.
fn decide_used<R: Record>(record: &mut R, now: StoreTime, id: &AttemptId, attempt: Attempt) {
    use_up(record, now, id, attempt, attempt.amount);
    record.set_attempt(id, Attempt { standing: Standing::Cancelled { at: now }, ..attempt });
}

fn fall_into_doubt<R: Record>(record: &mut R, now: StoreTime, id: &AttemptId, attempt: Attempt, cause: DoubtCause) {
    change(record, &attempt, |tally, amount| {
        let_go(tally, &attempt);
        tally.doubtful = tally.doubtful.saturating_add(amount);
    });
    let standing = Standing::InDoubt { cause, resolves: attempt.doubt.from(now) };
    record.set_attempt(id, Attempt { standing, ..attempt });
}

/// Changes the counters of an attempt, and returns what is left of the one that has least: a counter of which all is free again
/// may be forgotten with this.
fn change<R: Record>(record: &mut R, attempt: &Attempt, change: impl Fn(&mut Tally, u64)) -> u64 {
    let mut left = None;
    for key in attempt.keys() {
        if let Some(mut tally) = record.tally(&key) {
            change(&mut tally, attempt.amount);
            left = Some(left.map_or(tally.free(), |least: u64| least.min(tally.free())));
            record.set_tally(&key, tally);
        }
    }
    left.unwrap_or(0)
}

/// What is left of the counter that has least.
fn remaining<R: Record>(record: &R, counters: &Counters) -> u64 {
    let left = counters.iter().map(|counter| record.tally(&counter.key).map_or(counter.limit, |tally| tally.free()));
    left.min().unwrap_or(0)
}

/// The same of an attempt's counters; 0 where none is remembered.
fn left<R: Record>(record: &R, attempt: &Attempt) -> u64 {
    attempt.keys().filter_map(|key| record.tally(&key)).map(|tally| tally.free()).min().unwrap_or(0)
}

impl Attempt {
    /// One that never held a use.
    const fn cancelled(at: StoreTime) -> Self {
        Self {
            counters: [None; Counters::MAX],
            amount: 0,
            number: 0,
            safety: Safety::Safe,
            fingerprint: None,
            key: None,
            doubt: super::attempt::DoubtRule::Hold,
            standing: Standing::Cancelled { at },
        }
    }
}

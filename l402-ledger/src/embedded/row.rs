//! What the file keeps of an account, and how it stands there.
//!
//! 1. A reservation of a request that only reads is not kept: after a crash its use, and the number of its use, are available.
//!    No lease is kept either: whoever reads a reservation from the file knows that its holder is gone.
//! 2. What was cancelled is not kept. It refuses a reserve that comes late, and none comes from a program that has ended.
//! 3. Of the attempts that committed, the latest [`COMMITTED`] are kept, so that a token of one use need not stay in memory for a
//!    commit that is repeated. An account with more of them [stays there](fits) until they are forgotten.
//! 4. The first byte is the version. Numbers are LEB128, keys are bytes, and a flag byte says what is there.

use super::wire::{Reader, RowError, Writer};
use crate::Account;
use crate::account::Numbers;
use core::time::Duration;
use l402_core::ledger::{
    Attempt, AttemptId, DoubtCause, DoubtRule, Fingerprint, IdempotencyKey, Resolution, Safety, Standing, StoreTime,
    Tally,
};
use l402_core::{CounterKey, Counters, UnixSeconds};
use std::collections::BTreeMap;

/// How many committed attempts of a payment are kept.
const COMMITTED: usize = 4;

const VERSION: u8 = 1;

/// Tells whether an account can be forgotten once its row is written: all of it stands there, and nobody is at work on it.
pub(super) fn fits(account: &Account) -> bool {
    let is_held = |attempt: &Attempt| matches!(attempt.standing, Standing::Reserved { .. });
    account.committed().len() <= COMMITTED
        && !account.has_cancelled()
        && !account.open().any(|(_, attempt)| is_held(attempt))
}

/// Tells whether an account has attempts that a person may have to decide about.
pub(super) fn is_open(account: &Account) -> bool {
    account.open().any(|(_, attempt)| is_kept(attempt))
}

/// Writes the row of an account; [`None`] where there is nothing to keep.
pub(super) fn encode(account: &Account) -> Option<Vec<u8>> {
    let (tallies, numbers) = without_safe(account);
    let attempts = kept(account);
    if tallies.is_empty() && attempts.is_empty() && numbers.next() == 0 {
        return None;
    }
    let mut row = Writer::default();
    row.byte(VERSION);
    row.number(account.ends_at().get());
    row.count(tallies.len());
    for (key, tally) in &tallies {
        write_key(&mut row, key);
        for number in [tally.limit, tally.committed, tally.reserved, tally.doubtful, u64::from(tally.tries)] {
            row.number(number);
        }
    }
    row.number(numbers.next().into());
    row.count(numbers.spare().len());
    numbers.spare().iter().for_each(|number| row.number((*number).into()));
    row.count(attempts.len());
    for (id, attempt) in attempts {
        write_attempt(&mut row, id, attempt);
    }
    Some(row.finish())
}

/// Reads a row. What was reserved then has no lease any more.
pub(super) fn decode(row: &[u8]) -> Result<Account, RowError> {
    let mut row = Reader::new(row);
    if row.byte()? != VERSION {
        return Err(RowError::TooNew);
    }
    let ends_at = UnixSeconds::new(row.number()?);
    let tallies = row.list(read_tally)?;
    let next = row.small()?;
    let spare = row.list(Reader::small)?;
    let attempts = row.list(read_attempt)?;
    row.end()?;
    Ok(Account::restore(ends_at, tallies, Numbers::new(spare.into_iter().collect(), next), attempts))
}

/// Reads only the end of a row.
pub(super) fn ends_at(row: &[u8]) -> Option<UnixSeconds> {
    let mut row = Reader::new(row);
    row.byte().ok()?;
    row.number().ok().map(UnixSeconds::new)
}

/// The counters and numbers as if each reservation of a request that only reads had been given back.
fn without_safe(account: &Account) -> (BTreeMap<CounterKey, Tally>, Numbers) {
    let mut tallies: BTreeMap<_, _> = account.uses().tallies.into_iter().collect();
    let mut numbers = account.numbers().clone();
    for (_, attempt) in account.open().filter(|(_, attempt)| !is_kept(attempt)) {
        numbers.give_back(attempt.number);
        for key in attempt.counters.iter().flatten() {
            if let Some(tally) = tallies.get_mut(key) {
                tally.reserved = tally.reserved.saturating_sub(attempt.amount);
            }
        }
    }
    tallies.retain(|_, tally| !tally.is_untouched());
    (tallies, numbers)
}

fn kept(account: &Account) -> Vec<(&AttemptId, &Attempt)> {
    account.open().filter(|(_, attempt)| is_kept(attempt)).chain(account.committed().take(COMMITTED)).collect()
}

/// Whether an attempt that is reserved or in doubt has a part in the row.
fn is_kept(attempt: &Attempt) -> bool {
    !matches!((attempt.standing, attempt.safety), (Standing::Reserved { .. }, Safety::Safe))
}

fn write_key(row: &mut Writer, key: &CounterKey) {
    row.byte(u8::from(*key != CounterKey::SALE));
    if *key != CounterKey::SALE {
        row.bytes(key.as_bytes());
    }
}

fn read_key(row: &mut Reader<'_>) -> Result<CounterKey, RowError> {
    match row.byte()? {
        0 => Ok(CounterKey::SALE),
        1 => row.bytes().map(CounterKey::from_bytes),
        _ => Err(RowError::Damaged),
    }
}

fn read_tally(row: &mut Reader<'_>) -> Result<(CounterKey, Tally), RowError> {
    let key = read_key(row)?;
    let (limit, committed, reserved, doubtful) = (row.number()?, row.number()?, row.number()?, row.number()?);
    let tries = row.small()?.try_into().map_err(|_| RowError::Damaged)?;
    Ok((key, Tally { limit, committed, reserved, doubtful, tries }))
}

/// What the flag byte of an attempt says.
mod flag {
    pub(super) const UNSAFE: u8 = 1;
    pub(super) const FINGERPRINT: u8 = 1 << 1;
    pub(super) const KEY: u8 = 1 << 2;
    pub(super) const RULE: u8 = 1 << 3;
    pub(super) const RULE_USED: u8 = 1 << 4;
    pub(super) const RESOLVES: u8 = 1 << 5;
    pub(super) const RESOLVES_USED: u8 = 1 << 6;
}

/// What the byte after it says.
mod standing {
    pub(super) const RESERVED: u8 = 0;
    pub(super) const LAPSED: u8 = 1;
    pub(super) const UNKNOWN: u8 = 2;
    pub(super) const COMMITTED: u8 = 3;
}

fn write_attempt(row: &mut Writer, id: &AttemptId, attempt: &Attempt) {
    let (standing, time, resolves) = match attempt.standing {
        Standing::Reserved { .. } => (standing::RESERVED, None, None),
        Standing::InDoubt { cause: DoubtCause::Lapsed, resolves } => (standing::LAPSED, None, resolves),
        Standing::InDoubt { cause: DoubtCause::Unknown, resolves } => (standing::UNKNOWN, None, resolves),
        Standing::Committed { at } | Standing::Cancelled { at } => (standing::COMMITTED, Some(at), None),
    };
    // One that committed and only reads never looks at the rest again.
    let is_done = standing == standing::COMMITTED && attempt.safety == Safety::Safe;
    let (fingerprint, key) = if is_done { (None, None) } else { (attempt.fingerprint, attempt.key) };
    let rule = match attempt.doubt {
        DoubtRule::After(time, resolution) if !is_done => Some((time, resolution)),
        _ => None,
    };
    let says = |flag, says| if says { flag } else { 0 };
    row.bytes(id.as_bytes());
    row.byte(
        says(flag::UNSAFE, attempt.safety == Safety::Unsafe)
            | says(flag::FINGERPRINT, fingerprint.is_some())
            | says(flag::KEY, key.is_some())
            | says(flag::RULE, rule.is_some())
            | says(flag::RULE_USED, matches!(rule, Some((_, Resolution::Used))))
            | says(flag::RESOLVES, resolves.is_some())
            | says(flag::RESOLVES_USED, matches!(resolves, Some((_, Resolution::Used)))),
    );
    row.byte(standing);
    row.number(attempt.number.into());
    row.number(attempt.amount);
    row.count(attempt.counters.iter().flatten().count());
    attempt.counters.iter().flatten().for_each(|key| write_key(row, key));
    if let Some(fingerprint) = fingerprint {
        row.bytes(fingerprint.as_bytes());
    }
    if let Some(key) = key {
        row.bytes(key.as_bytes());
    }
    let after = rule.map(|(time, _)| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let times = [after, resolves.map(|(time, _)| time.millis()), time.map(StoreTime::millis)];
    times.into_iter().flatten().for_each(|time| row.number(time));
}

fn read_attempt(row: &mut Reader<'_>) -> Result<(AttemptId, Attempt), RowError> {
    let id = AttemptId::from_bytes(row.bytes()?);
    let (flags, standing) = (row.byte()?, row.byte()?);
    let says = |flag| flags & flag != 0;
    let resolution = |flag| if says(flag) { Resolution::Used } else { Resolution::Unused };
    let (number, amount) = (row.small()?, row.number()?);
    let keys = row.list(read_key)?;
    if keys.len() > Counters::MAX {
        return Err(RowError::Damaged);
    }
    let mut counters = [None; Counters::MAX];
    counters.iter_mut().zip(keys).for_each(|(place, key)| *place = Some(key));
    let fingerprint = says(flag::FINGERPRINT).then(|| row.bytes().map(Fingerprint::from_bytes)).transpose()?;
    let key = says(flag::KEY).then(|| row.bytes().map(IdempotencyKey::from_bytes)).transpose()?;
    let rule = says(flag::RULE).then(|| row.number().map(Duration::from_millis)).transpose()?;
    let doubt = rule.map_or(DoubtRule::Hold, |time| DoubtRule::After(time, resolution(flag::RULE_USED)));
    let resolves = says(flag::RESOLVES).then(|| row.number().map(StoreTime::from_millis)).transpose()?;
    let resolves = resolves.map(|time| (time, resolution(flag::RESOLVES_USED)));
    let standing = match standing {
        standing::RESERVED => Standing::Reserved { lease_ends: StoreTime::from_millis(0) },
        standing::LAPSED => Standing::InDoubt { cause: DoubtCause::Lapsed, resolves },
        standing::UNKNOWN => Standing::InDoubt { cause: DoubtCause::Unknown, resolves },
        standing::COMMITTED => Standing::Committed { at: StoreTime::from_millis(row.number()?) },
        _ => return Err(RowError::Damaged),
    };
    let safety = if says(flag::UNSAFE) { Safety::Unsafe } else { Safety::Safe };
    Ok((id, Attempt { counters, amount, number, safety, fingerprint, key, doubt, standing }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::conformance::event;
    use l402_core::ledger::{Event, Idempotence, Now, Reserve, SKEW};
    use proptest::prelude::*;

    const NOW: Now = Now { time: StoreTime::from_millis(1_800_000_000_000), horizon: UnixSeconds::new(0) };

    fn after(events: &[(u8, Event)]) -> Account {
        let mut account = Account::new(UnixSeconds::new(4_102_444_800));
        for (id, event) in events {
            account.apply(NOW, &AttemptId::from_bytes([*id; 16]), event);
        }
        account
    }

    fn events() -> impl Strategy<Value = Vec<(u8, Event)>> {
        prop::collection::vec((0..8u8, event()), 0..40)
    }

    fn reserves() -> impl Strategy<Value = Vec<Reserve>> {
        let reserve = event().prop_filter_map("another event", |event| match event {
            // One that takes a doubtful use over leaves a cancelled attempt.
            Event::Reserve(reserve) => Some(Reserve { idempotence: Idempotence::Once, ..reserve }),
            _ => None,
        });
        prop::collection::vec(reserve, 0..=COMMITTED)
    }

    proptest! {
        #[test]
        fn a_row_is_read_back(events in events()) {
            if let Some(row) = encode(&after(&events)) {
                let again = decode(&row).unwrap();
                prop_assert_eq!(encode(&again), Some(row.clone()));
                prop_assert_eq!(ends_at(&row), Some(again.ends_at()));
                prop_assert!(decode(&row[..row.len() - 1]).is_err(), "it ends too early");
            }
        }

        /// An account that was forgotten and read again says what it would have said.
        #[test]
        fn what_fits_can_be_forgotten(before in events(), last in reserves(), then in events()) {
            let mut account = after(&before);
            // What was cancelled is forgotten, and what was held is in doubt; then a few are settled.
            let now = Now { time: NOW.time.after(3 * SKEW), ..NOW };
            for times in 1..=3 {
                account.pass(NOW.time.after(times * SKEW));
            }
            for (id, reserve) in (10..).zip(last) {
                account.apply(now, &AttemptId::from_bytes([id; 16]), &Event::Reserve(reserve));
                account.apply(now, &AttemptId::from_bytes([id; 16]), &Event::Commit { amount: 1 });
            }
            prop_assert!(fits(&account));
            let Some(row) = encode(&account) else {
                prop_assert!(account.uses().tallies.is_empty());
                return Ok(());
            };
            let mut again = decode(&row).unwrap();
            for (id, event) in then {
                let id = AttemptId::from_bytes([if id < 4 { id } else { id + 6 }; 16]);
                prop_assert_eq!(again.apply(now, &id, &event), account.apply(now, &id, &event));
            }
            prop_assert_eq!(again.uses(), account.uses());
        }

        #[test]
        fn whatever_stands_there_is_read_or_refused(row in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = decode(&[&[VERSION][..], &row].concat());
        }
    }

    #[test]
    fn another_version_is_told_apart() {
        assert_eq!(decode(&[VERSION + 1, 0, 0, 0, 0, 0]).unwrap_err(), RowError::TooNew);
        assert_eq!(decode(&[]).unwrap_err(), RowError::Damaged);
    }

    #[test]
    fn a_token_of_one_use_takes_less_than_50_bytes() {
        let events = [Event::Reserve(crate::testing::reserve(1)), Event::Commit { amount: 1 }];
        let row = encode(&after(&events.map(|event| (1, event)))).unwrap();
        assert!(row.len() < 50, "{}", row.len());
    }
}

//! What the functions of the database are asked, and what they say.

use l402_core::ledger::{
    Counted, DoubtRule, Event, Idempotence, Refused, Reply, Reserve, Resolution, Safety, StoreTime,
};

/// The arguments of `reserve`, as PostgreSQL knows them. It has no unsigned numbers; none of these needs the last bit.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) counters: Vec<u8>,
    pub(super) limits: Vec<i64>,
    pub(super) amount: i64,
    pub(super) ends_at: i64,
    pub(super) is_unsafe: bool,
    pub(super) is_repeatable: bool,
    pub(super) fingerprint: Option<Vec<u8>>,
    pub(super) key: Option<Vec<u8>>,
    pub(super) doubt_after: Option<i64>,
    pub(super) doubt_used: bool,
}

impl From<&Reserve> for Asked {
    fn from(reserve: &Reserve) -> Self {
        let (doubt_after, doubt_used) = match reserve.doubt {
            DoubtRule::Hold => (None, false),
            DoubtRule::After(time, resolution) => (
                Some(i64::try_from(time.as_millis()).unwrap_or(MOST_MILLIS).min(MOST_MILLIS)),
                resolution == Resolution::Used,
            ),
        };
        Self {
            counters: reserve.counters.iter().flat_map(|counter| *counter.key.as_bytes()).collect(),
            limits: reserve.counters.iter().map(|counter| signed(counter.limit)).collect(),
            amount: signed(reserve.amount),
            ends_at: signed(reserve.ends_at.get()),
            is_unsafe: reserve.safety == Safety::Unsafe,
            is_repeatable: reserve.idempotence == Idempotence::Repeatable,
            fingerprint: reserve.fingerprint.map(|fingerprint| fingerprint.as_bytes().to_vec()),
            key: reserve.key.map(|key| key.as_bytes().to_vec()),
            doubt_after,
            doubt_used,
        }
    }
}

/// The number of an event, and its amount, for `settle`. A reservation has its own function.
pub(super) const fn settled(event: &Event) -> (i16, u64) {
    match event {
        Event::Reserve(_) => (0, 0),
        Event::Renew => (1, 0),
        Event::Commit { amount } => (2, *amount),
        Event::Release(Counted::No) => (3, 0),
        Event::Release(Counted::Yes) => (4, 0),
        Event::Doubt => (5, 0),
        Event::TakeBack => (6, 0),
        Event::Resolve(Resolution::Used) => (7, 0),
        Event::Resolve(Resolution::Unused) => (8, 0),
        Event::Draw { total, is_last: false } => (10, *total),
        Event::Draw { total, is_last: true } => (11, *total),
    }
}

/// Reads `{kind, a, b, time}`; [`None`] where it is something else.
pub(super) fn read(reply: &[i64]) -> Option<(Reply, StoreTime)> {
    let &[kind, a, b, time] = reply else { return None };
    let amount = u64::try_from(a).ok()?;
    let reply = match kind {
        0 => Reply::Reserved { number: u32::try_from(a).ok()?, remaining: u64::try_from(b).ok()? },
        1 => Reply::Renewed,
        2 => Reply::Committed { remaining: amount, is_spent: b != 0 },
        3 => Reply::Released { remaining: amount, cost_a_use: b != 0 },
        4 => Reply::InDoubt,
        5 => Reply::Resolved,
        6 => Reply::Lost,
        7 => Reply::Drawn { total: amount, remaining: u64::try_from(b).ok()? },
        10 => Reply::Refused(Refused::Busy),
        11 => Reply::Refused(Refused::InDoubt),
        12 => Reply::Refused(Refused::Spent),
        13 => Reply::Refused(Refused::KeyHeld),
        14 => Reply::Refused(Refused::Ended),
        15 => Reply::Refused(Refused::TooManyBranches),
        16 => Reply::Refused(Refused::Cancelled),
        _ => return None,
    };
    Some((reply, StoreTime::from_millis(u64::try_from(time).ok()?)))
}

/// The same number, or the highest that PostgreSQL has.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Longer than any doubt, and short enough to be added to a time.
const MOST_MILLIS: i64 = 1 << 53;

#[cfg(test)]
mod tests {
    use super::*;
    use core::time::Duration;

    #[test]
    fn what_is_not_a_reply_is_none() {
        for reply in
            [&[][..], &[0, 0, 0], &[8, 0, 0, 0], &[17, 0, 0, 0], &[0, -1, 0, 0], &[2, 0, 0, -1], &[0, 1 << 32, 0, 0]]
        {
            assert_eq!(read(reply), None, "{reply:?}");
        }
        assert_eq!(
            read(&[2, 7, 1, 9]),
            Some((Reply::Committed { remaining: 7, is_spent: true }, StoreTime::from_millis(9)))
        );
    }

    #[test]
    fn numbers_beyond_those_of_postgresql_are_its_highest() {
        let reserve = Reserve {
            amount: u64::MAX,
            doubt: DoubtRule::After(Duration::MAX, Resolution::Used),
            counters: l402_core::Counters::default(),
            ends_at: l402_core::UnixSeconds::new(u64::MAX),
            safety: Safety::Safe,
            idempotence: Idempotence::Once,
            fingerprint: None,
            key: None,
        };
        let asked = Asked::from(&reserve);
        assert_eq!((asked.amount, asked.ends_at, asked.doubt_after), (i64::MAX, i64::MAX, Some(1 << 53)));
    }
}

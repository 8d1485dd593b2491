//! What goes to a script and what comes back.
//!
//! Numbers travel in eight bytes, big-endian. None is above [`EXACT`], since Lua counts in floating point.

use super::error::unread;
use crate::error::{StoreError, StoreErrorKind};
use crate::store::{DoubtfulUse, PaymentUses};
use l402_core::ledger::{
    AttemptId, Counted, DoubtRule, Event, Idempotence, Now, Refused, Reply, Reserve, Resolution, SKEW, Safety,
    StoreTime, Tally,
};
use l402_core::{CounterKey, PaymentHash, UnixSeconds};
use redis::{FromRedisValue, Value, from_redis_value};

/// The first number of a reply, and other numbers that stand for something.
pub(super) mod code {
    pub(crate) const RESERVED: u8 = 1;
    pub(crate) const REFUSED: u8 = 2;
    pub(crate) const RENEWED: u8 = 3;
    pub(crate) const COMMITTED: u8 = 4;
    pub(crate) const RELEASED: u8 = 5;
    pub(crate) const IN_DOUBT: u8 = 6;
    pub(crate) const RESOLVED: u8 = 7;
    pub(crate) const LOST: u8 = 8;
    pub(crate) const DAMAGED: u8 = 9;
    pub(crate) const DRAWN: u8 = 10;
    pub(crate) const USED: u8 = 1;
    pub(crate) const UNUSED: u8 = 2;
}

/// The highest number that Lua counts exactly.
const EXACT: u64 = (1 << 53) - 1;

/// The latest end and the longest wait: added to the present time, they stay exact in milliseconds.
pub(super) const LATEST: u64 = EXACT / 1_000 - SKEW.as_secs();

/// Returns what the script of an event is given beside the payment and the attempt.
pub(super) fn arguments(event: &Event) -> Vec<Vec<u8>> {
    match event {
        Event::Reserve(reserve) => of_reserve(reserve),
        Event::Commit { amount } => vec![limited(*amount).to_string().into()],
        Event::Release(counted) => vec![vec![if *counted == Counted::Yes { b'1' } else { b'0' }]],
        Event::Resolve(resolution) => vec![code_of_resolution(*resolution).to_string().into()],
        Event::Draw { total, is_last } => vec![limited(*total).to_string().into(), vec![b'0' + u8::from(*is_last)]],
        Event::Renew | Event::Doubt | Event::TakeBack => vec![],
    }
}

fn of_reserve(reserve: &Reserve) -> Vec<Vec<u8>> {
    let (after, rule) = match reserve.doubt {
        DoubtRule::Hold => (0, 0),
        DoubtRule::After(time, resolution) => (time.as_millis(), code_of_resolution(resolution)),
    };
    let after = u64::try_from(after).unwrap_or(u64::MAX).min(LATEST * 500);
    let mut numbers = Vec::with_capacity(27);
    // One more than any limit can be: such an amount is never granted.
    numbers.extend(reserve.amount.min(EXACT + 1).to_be_bytes());
    numbers.extend(end(reserve.ends_at).to_be_bytes());
    numbers.push(u8::from(reserve.safety == Safety::Unsafe));
    numbers.push(u8::from(reserve.idempotence == Idempotence::Repeatable));
    numbers.extend(after.to_be_bytes());
    numbers.push(rule);
    let mut counters = Vec::with_capacity(24);
    for counter in reserve.counters.iter() {
        counters.extend(counter.key.as_bytes());
        counters.extend(limited(counter.limit).to_be_bytes());
    }
    let fingerprint = reserve.fingerprint.map(|fingerprint| fingerprint.as_bytes().to_vec());
    let key = reserve.key.map(|key| key.as_bytes().to_vec());
    vec![numbers, fingerprint.unwrap_or_default(), key.unwrap_or_default(), counters]
}

/// Returns the end of a token as scripts can count with it.
pub(super) fn end(ends_at: UnixSeconds) -> u64 {
    ends_at.get().min(LATEST)
}

fn limited(number: u64) -> u64 {
    number.min(EXACT)
}

const fn code_of_resolution(resolution: Resolution) -> u8 {
    match resolution {
        Resolution::Used => code::USED,
        Resolution::Unused => code::UNUSED,
    }
}

/// The number of a refusal in a reply.
pub(super) fn code_of_refusal(refused: Refused) -> u128 {
    REFUSALS.iter().position(|other| *other == refused).unwrap_or(REFUSALS.len()) as u128
}

const REFUSALS: [Refused; 7] = [
    Refused::Spent,
    Refused::Busy,
    Refused::InDoubt,
    Refused::KeyHeld,
    Refused::Ended,
    Refused::TooManyBranches,
    Refused::Cancelled,
];

/// Reads the reply of a transition.
pub(super) fn reply(value: Value) -> Result<Reply, StoreError> {
    let numbers: Vec<u64> = from_redis_value(value).map_err(unread)?;
    let number = |at| numbers.get(at).copied().unwrap_or(0);
    Ok(match u8::try_from(number(0)).unwrap_or(0) {
        code::RESERVED => Reply::Reserved { number: u32::try_from(number(1)).map_err(unread)?, remaining: number(2) },
        code::REFUSED => {
            let refused = usize::try_from(number(1)).ok().and_then(|at| REFUSALS.get(at));
            Reply::Refused(*refused.ok_or(Unreadable).map_err(unread)?)
        }
        code::RENEWED => Reply::Renewed,
        code::COMMITTED => Reply::Committed { remaining: number(1), is_spent: number(2) == 1 },
        code::RELEASED => Reply::Released { cost_a_use: number(1) == 1, remaining: number(2) },
        code::IN_DOUBT => Reply::InDoubt,
        code::DRAWN => Reply::Drawn { total: number(1), remaining: number(2) },
        code::RESOLVED => Reply::Resolved,
        code::LOST => Reply::Lost,
        code::DAMAGED => return Err(StoreError::new(StoreErrorKind::Damaged)),
        _ => return Err(unread(Unreadable)),
    })
}

/// Reads the counters of a payment.
pub(super) fn uses(value: Value) -> Result<Option<PaymentUses>, StoreError> {
    let parts: Vec<Value> = from_redis_value(value).map_err(unread)?;
    let mut parts = parts.into_iter();
    let Some(ends_at) = parts.next() else { return Ok(None) };
    let ends_at = UnixSeconds::new(from_redis_value(ends_at).map_err(unread)?);
    let mut tallies = vec![];
    while let (Some(key), Some(tally)) = (parts.next(), parts.next()) {
        tallies.push((CounterKey::from_bytes(bytes(key)?), read_tally(&bytes(tally)?)));
    }
    tallies.sort_by_key(|(key, _)| *key);
    Ok(Some(PaymentUses { ends_at, tallies }))
}

fn read_tally(text: &[u8; 33]) -> Tally {
    Tally {
        limit: number(text, 0),
        committed: number(text, 8),
        reserved: number(text, 16),
        doubtful: number(text, 24),
        tries: text[32],
    }
}

/// Reads one page of open uses: how many it has, and those in doubt, with the time since when they are listed.
pub(super) fn open_uses(value: Value, now: StoreTime) -> Result<(usize, Vec<(u64, DoubtfulUse)>), StoreError> {
    type Entry = (Vec<u8>, f64, Option<Vec<u8>>, Option<Vec<u8>>);
    let entries: Vec<Entry> = from_redis_value(value).map_err(unread)?;
    let count = entries.len();
    let mut found = vec![];
    for (member, since, row, attempt) in entries {
        let (Some(row), Some(attempt)) = (row, attempt) else { continue };
        let (Some((payment, id)), Some(head)) = (member.split_first_chunk(), attempt.first_chunk()) else {
            return Err(unread(Unreadable));
        };
        let id = id.try_into().map_err(unread)?;
        if is_in_doubt(head, now) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds since 1970")]
            found.push((
                since as u64,
                DoubtfulUse {
                    payment: PaymentHash::from_bytes(*payment),
                    attempt: AttemptId::from_bytes(id),
                    number: u32::from_be_bytes(*head[18..].first_chunk().ok_or(Unreadable).map_err(unread)?),
                    ends_at: UnixSeconds::new(number(row.first_chunk::<8>().ok_or(Unreadable).map_err(unread)?, 0)),
                },
            ));
        }
    }
    Ok((count, found))
}

/// Reads how many rows of a shard were deleted, and the horizon that it waits for.
pub(super) fn swept(value: Value) -> Result<(usize, u64), StoreError> {
    let (count, waits_for) = pair(value)?;
    Ok((usize::try_from(count).map_err(unread)?, waits_for))
}

/// Reads the clock and the horizon.
pub(super) fn now(value: Value) -> Result<Now, StoreError> {
    let (millis, horizon) = pair(value)?;
    Ok(Now { time: StoreTime::from_millis(millis), horizon: UnixSeconds::new(horizon) })
}

/// Reads two numbers; where they are negative, a horizon is missing.
fn pair(value: Value) -> Result<(u64, u64), StoreError> {
    let (one, other): (i64, i64) = from_redis_value(value).map_err(unread)?;
    u64::try_from(one).ok().zip(u64::try_from(other).ok()).ok_or_else(|| StoreError::new(StoreErrorKind::Damaged))
}

/// Tells whether an attempt is in doubt by now, though nobody may have asked since its lease ended. These are the first bytes
/// of `ATTEMPT` in `lua/record.lua`.
fn is_in_doubt(head: &[u8; 23], now: StoreTime) -> bool {
    let (standing, time, resolves_to, is_unsafe) = (head[0], number(head, 1), head[9], head[22] == 1);
    match standing {
        1 => is_unsafe && time <= now.millis(),
        2 | 3 => resolves_to == 0 || time > now.millis(),
        _ => false,
    }
}

fn number<const LEN: usize>(text: &[u8; LEN], at: usize) -> u64 {
    text.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn bytes<const LEN: usize>(value: Value) -> Result<[u8; LEN], StoreError> {
    let bytes = Vec::<u8>::from_redis_value(value).map_err(unread)?;
    bytes.try_into().map_err(|_| unread(Unreadable))
}

/// A script replied with what no version of it does.
#[derive(Debug)]
pub(super) struct Unreadable;

impl core::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("unexpected reply of a script")
    }
}

impl core::error::Error for Unreadable {}

//! Whether there is a use for a request.

use super::event::Refused;
use super::tally::Tally;
use crate::counter::{CounterKey, Counters};

/// Looks whether each counter has enough, without taking any of it. Returns what is left of the counter that has least.
///
/// # Errors
/// [`Refused::Spent`], [`Refused::InDoubt`] or [`Refused::Busy`].
///
/// ```
/// use l402_core::ledger::{Refused, Tally, room};
/// use l402_core::{Counter, CounterKey, Counters};
///
/// let mut counters = Counters::default();
/// counters.add(Counter { key: CounterKey::SALE, limit: 2 }).ok_or("no room for one")?;
/// assert_eq!(room(&counters, 1, |_| None), Ok(2)); // nothing was ever taken
/// let spent = Tally { committed: 2, ..Tally::new(2) };
/// assert_eq!(room(&counters, 1, |_| Some(spent)), Err(Refused::Spent));
/// # Ok::<(), &str>(())
/// ```
pub fn room(counters: &Counters, amount: u64, tally_of: impl Fn(&CounterKey) -> Option<Tally>) -> Result<u64, Refused> {
    let (mut lack, mut least) = (None, u64::MAX);
    for counter in counters.iter() {
        let tally = tally_of(&counter.key).unwrap_or(Tally::new(counter.limit));
        let tally = Tally { limit: counter.limit.min(tally.limit), ..tally };
        least = least.min(tally.free());
        if tally.free() < amount {
            lack = Some(worse(lack, why(&tally, amount)));
        }
    }
    lack.map_or(Ok(least), Err)
}

fn why(tally: &Tally, amount: u64) -> Refused {
    let unspent = tally.limit.saturating_sub(tally.committed);
    if unspent < amount {
        Refused::Spent
    } else if unspent.saturating_sub(tally.doubtful) < amount {
        Refused::InDoubt // waiting for the others does not help
    } else {
        Refused::Busy
    }
}

/// The reason that lasts longer.
const fn worse(one: Option<Refused>, other: Refused) -> Refused {
    match (one, other) {
        (Some(Refused::Spent), _) | (_, Refused::Spent) => Refused::Spent,
        (Some(Refused::InDoubt), _) => Refused::InDoubt,
        (_, other) => other,
    }
}

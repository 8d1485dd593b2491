//! The terms of a sale, as a token states them: how often, for how much, until when.

use crate::caveat::{number, split_once};
use crate::counter::{Counter, CounterKey, Counters, Unit};
use crate::msat::Msat;
use crate::name::Name;
use crate::unix_seconds::UnixSeconds;
use crate::unsatisfied::Unsatisfied;

/// The terms of all tokens of a request. `C` takes note of what a ledger must count.
#[derive(Debug, Default)]
pub(crate) struct Terms<C> {
    /// The earliest end.
    pub(crate) expires_at: Option<UnixSeconds>,
    /// What was paid for.
    pub(crate) sold_msat: Option<Msat>,
    pub(crate) counted: C,
}

impl<C> Terms<C> {
    /// `<price_msat>,<plan>`, once in a token.
    #[inline(never)]
    pub(crate) fn hold_sale(&mut self, has_sale: &mut bool, value: &[u8]) -> Result<(), Unsatisfied> {
        if core::mem::replace(has_sale, true) {
            return Err(Unsatisfied::Widened);
        }
        let (price, plan) = split_once(value, b',').ok_or(Unsatisfied::Undecodable)?;
        let price = number(price).filter(|_| Name::is_name(plan)).ok_or(Unsatisfied::Undecodable)?;
        let earlier = self.sold_msat.map_or(0, Msat::get);
        self.sold_msat = Some(Msat::new(price.max(earlier)));
        Ok(())
    }
}

/// Who counts the uses of tokens.
pub(crate) trait Count: Default {
    /// What one token has said so far.
    type Sold: Default;

    /// Takes note of a `<service>_uses`, or of a `<service>_balance_msat`.
    fn hold_counter(
        &mut self,
        sold: &mut Self::Sold,
        unit: Unit,
        value: &[u8],
        branch: impl FnOnce() -> CounterKey,
    ) -> Result<(), Unsatisfied>;

    /// Takes note of an end.
    fn hold_end(&mut self, sold: &mut Self::Sold, end: UnixSeconds);

    /// Tells whether the token has a counter.
    fn is_counted(sold: &Self::Sold) -> bool;
}

/// Nobody counts, so that a counter denies. A machine without a ledger has no room for the code of one.
#[derive(Debug, Default)]
pub(crate) struct Uncounted;

impl Count for Uncounted {
    type Sold = ();

    fn hold_counter(
        &mut self,
        (): &mut (),
        _: Unit,
        _: &[u8],
        _: impl FnOnce() -> CounterKey,
    ) -> Result<(), Unsatisfied> {
        Err(Unsatisfied::Counted)
    }

    fn hold_end(&mut self, (): &mut (), _: UnixSeconds) {}

    fn is_counted((): &()) -> bool {
        false
    }
}

/// A ledger counts.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) counters: Counters,
    /// What they count: all of them the same.
    pub(crate) unit: Option<Unit>,
    /// When the sale itself ends, however early its holders let their tokens end: the latest first end.
    pub(crate) sale_ends_at: Option<UnixSeconds>,
}

/// What one token has said of its uses so far.
#[derive(Debug, Default)]
pub(crate) struct Sold {
    /// How much its last counter says.
    last: Option<u64>,
    /// Its first end, which is that of the sale: those that holders add stand behind it.
    ends_at: Option<UnixSeconds>,
}

impl Count for Counted {
    type Sold = Sold;

    #[cold]
    fn hold_counter(
        &mut self,
        sold: &mut Sold,
        unit: Unit,
        value: &[u8],
        branch: impl FnOnce() -> CounterKey,
    ) -> Result<(), Unsatisfied> {
        let counter = sold.counter(unit, value, branch)?;
        if self.unit.replace(unit).is_some_and(|earlier| earlier != unit) {
            return Err(Unsatisfied::Widened); // uses and money cannot be compared
        }
        self.counters.add(counter).ok_or(Unsatisfied::TooManyCounters)
    }

    fn hold_end(&mut self, sold: &mut Sold, end: UnixSeconds) {
        if sold.ends_at.is_none() {
            sold.ends_at = Some(end);
            self.sale_ends_at = self.sale_ends_at.max(sold.ends_at);
        }
    }

    fn is_counted(sold: &Sold) -> bool {
        sold.last.is_some()
    }
}

impl Sold {
    /// `<n>` or `<n>:<label>`. The counter is the sale's own where no end stands before it. A holder's needs one: else two
    /// copies could end at different times, and what is remembered of the one be deleted with the other.
    fn counter(
        &mut self,
        unit: Unit,
        value: &[u8],
        branch: impl FnOnce() -> CounterKey,
    ) -> Result<Counter, Unsatisfied> {
        let (limit, label) = split_once(value, b':').map_or((value, None), |(limit, label)| (limit, Some(label)));
        let limit = number(limit).filter(|limit| (1..=unit.most()).contains(limit));
        let limit = limit.filter(|_| label.is_none_or(Name::is_name)).ok_or(Unsatisfied::Undecodable)?;
        let earlier = self.last.replace(limit);
        if earlier.is_some_and(|earlier| limit > earlier) {
            return Err(Unsatisfied::Widened);
        }
        let key = match self.ends_at {
            None if earlier.is_none() && label.is_none() => CounterKey::SALE,
            None => return Err(Unsatisfied::Endless),
            Some(_) => branch(),
        };
        Ok(Counter { key, limit })
    }
}

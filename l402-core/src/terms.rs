//! The terms of a sale, as a token states them: how often, for how much, until when.

use crate::caveat::number;
use crate::counter::{Counter, CounterKey, Counters};
use crate::msat::Msat;
use crate::name::Name;
use crate::satisfy::Unsatisfied;
use crate::unix_seconds::UnixSeconds;

/// The terms of all tokens of a request.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    /// The earliest end.
    pub(crate) expires_at: Option<UnixSeconds>,
    /// When the sale itself ends, however early its holders let their tokens end: the latest first end.
    pub(crate) sale_ends_at: Option<UnixSeconds>,
    /// What was paid for.
    pub(crate) sold_msat: Option<Msat>,
    pub(crate) counters: Counters,
}

/// What one token has said of its sale so far.
#[derive(Debug, Default)]
pub(crate) struct Sold {
    /// The value of its last `uses`.
    uses: Option<u32>,
    /// Its first end.
    ends_at: Option<UnixSeconds>,
    has_sale: bool,
}

impl Sold {
    /// Tells whether the token has a counter.
    pub(crate) const fn is_counted(&self) -> bool {
        self.uses.is_some()
    }

    /// Takes note of an end. The first is that of the sale: those that holders add stand behind it.
    pub(crate) fn hold_end(&mut self, end: UnixSeconds, terms: &mut Terms) {
        if self.ends_at.is_none() {
            self.ends_at = Some(end);
            terms.sale_ends_at = terms.sale_ends_at.max(self.ends_at);
        }
    }

    /// `<n>` or `<n>:<label>`. The counter is the sale's own where no end stands before it. A holder's needs one: else two
    /// copies could end at different times, and what is remembered of the one be deleted with the other.
    #[cold]
    pub(crate) fn hold_uses(
        &mut self,
        value: &[u8],
        branch: impl FnOnce() -> CounterKey,
        terms: &mut Terms,
    ) -> Result<(), Unsatisfied> {
        let (uses, label) = match value.iter().position(|&c| c == b':').and_then(|at| value.split_at_checked(at)) {
            Some((uses, label)) => (uses, label.get(1..)),
            None => (value, None),
        };
        let uses = number(uses).and_then(|uses| u32::try_from(uses).ok()).filter(|&uses| uses > 0);
        let is_label = label.is_none_or(|label| core::str::from_utf8(label).is_ok_and(|text| Name::new(text).is_ok()));
        let uses = uses.filter(|_| is_label).ok_or(Unsatisfied::Undecodable)?;
        let earlier = self.uses.replace(uses);
        if earlier.is_some_and(|earlier| uses > earlier) {
            return Err(Unsatisfied::Widened);
        }
        let key = match self.ends_at {
            None if earlier.is_none() && label.is_none() => CounterKey::SALE,
            None => return Err(Unsatisfied::Endless),
            Some(_) => branch(),
        };
        terms.counters.add(Counter { key, limit: uses.into() }).ok_or(Unsatisfied::TooManyCounters)
    }

    /// `<price_msat>,<plan>`, once.
    pub(crate) fn hold_sale(&mut self, value: &[u8], terms: &mut Terms) -> Result<(), Unsatisfied> {
        if core::mem::replace(&mut self.has_sale, true) {
            return Err(Unsatisfied::Widened);
        }
        let at = value.iter().position(|&c| c == b',').ok_or(Unsatisfied::Undecodable)?;
        let (price, plan) = value.split_at_checked(at).ok_or(Unsatisfied::Undecodable)?;
        let plan = plan.get(1..).and_then(|plan| core::str::from_utf8(plan).ok());
        if plan.is_none_or(|plan| Name::new(plan).is_err()) {
            return Err(Unsatisfied::Undecodable);
        }
        let price = number(price).map(Msat::new).ok_or(Unsatisfied::Undecodable)?;
        terms.sold_msat = terms.sold_msat.max(Some(price));
        Ok(())
    }
}

//! What a metered route costs: so much money for so many units.

use crate::msat::Msat;
use core::num::NonZeroU64;

/// A price for a number of units: bytes, seconds or tokens.
///
/// 1. Rounding is up, to the millisatoshi, and once: the cost of all that was used is asked for, never a sum of rounded parts.
/// 2. [`Tariff::units`] says what an amount pays for. It is exact: the cost of so many units is at most the amount, and that of one
///    more is above it.
///
/// ```
/// use l402_core::{Msat, Tariff};
///
/// let tariff = Tariff::new(Msat::from_sat(1), 300).ok_or("no price")?; // 1 sat for 300 units
/// assert_eq!(tariff.cost(300), Msat::new(1_000));
/// assert_eq!(tariff.cost(1), Msat::new(4)); // 3.33 msat
/// assert_eq!(tariff.units(Msat::new(4)), 1);
/// # Ok::<(), &str>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tariff {
    price_msat: NonZeroU64,
    per: NonZeroU64,
}

impl Tariff {
    /// Takes a price for so many units; [`None`] where one of the two is 0.
    pub const fn new(price_msat: Msat, per: u64) -> Option<Self> {
        match (NonZeroU64::new(price_msat.get()), NonZeroU64::new(per)) {
            (Some(price_msat), Some(per)) => Some(Self { price_msat, per }),
            _ => None,
        }
    }

    /// Returns the price of [`Tariff::per`] units.
    pub const fn price_msat(self) -> Msat {
        Msat::new(self.price_msat.get())
    }

    /// Returns for how many units the price is.
    pub const fn per(self) -> u64 {
        self.per.get()
    }

    /// Returns what so many units cost; the largest amount where it is more than that.
    pub fn cost(self, units: u64) -> Msat {
        cost_of(self.exact(units), self)
    }

    /// Returns what units of two kinds cost together, whose tariffs are for the same number of units: rounded once.
    ///
    /// ```
    /// use l402_core::{Msat, Tariff};
    ///
    /// let (input, output) = Tariff::new(Msat::new(1), 1_000).zip(Tariff::new(Msat::new(3), 1_000)).ok_or("no price")?;
    /// assert_eq!(input.cost_with(100, (output, 300)), Msat::new(1)); // 0.1 and 0.9 msat
    /// # Ok::<(), &str>(())
    /// ```
    pub fn cost_with(self, units: u64, (other, others): (Self, u64)) -> Msat {
        cost_of(self.exact(units).saturating_add(other.exact(others)), self)
    }

    /// Returns how many units an amount pays for.
    pub fn units(self, amount: Msat) -> u64 {
        lowest(u128::from(amount.get()) * u128::from(self.per.get()) / u128::from(self.price_msat.get()))
    }

    /// The cost times [`Tariff::per`].
    fn exact(self, units: u64) -> u128 {
        u128::from(units) * u128::from(self.price_msat.get())
    }
}

fn cost_of(exact: u128, tariff: Tariff) -> Msat {
    Msat::new(lowest(exact.div_ceil(tariff.per.get().into())))
}

/// The number, or the highest of 64 bits.
fn lowest(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tariffs() -> impl Strategy<Value = Tariff> {
        let number = || prop_oneof![1..20u64, 1..=u64::MAX];
        (number(), number()).prop_map(|(price, per)| Tariff::new(Msat::new(price), per).unwrap())
    }

    proptest! {
        #[test]
        fn an_amount_pays_for_what_costs_no_more(tariff in tariffs(), amount in 0..=u64::MAX) {
            let units = tariff.units(Msat::new(amount));
            prop_assert!(tariff.cost(units).get() <= amount);
            if let Some(more) = units.checked_add(1) {
                prop_assert!(tariff.cost(more).get() > amount || tariff.cost(more).get() == u64::MAX);
            }
        }

        #[test]
        fn a_cost_is_rounded_up_once(tariff in tariffs(), (one, other) in (0..1u64 << 32, 0..1u64 << 32)) {
            let together = tariff.cost(one + other).get();
            prop_assert_eq!(tariff.cost_with(one, (tariff, other)).get(), together);
            let parts = u128::from(tariff.cost(one).get()) + u128::from(tariff.cost(other).get());
            prop_assert!(u128::from(together) <= parts);
            prop_assert!(together == u64::MAX || parts <= u128::from(together) + 1);
        }
    }

    #[test]
    fn nothing_is_sold_for_nothing() {
        assert_eq!(Tariff::new(Msat::ZERO, 1), None);
        assert_eq!(Tariff::new(Msat::new(1), 0), None);
        let dear = Tariff::new(Msat::new(u64::MAX), 1).unwrap();
        assert_eq!((dear.cost(u64::MAX), dear.cost(0)), (Msat::new(u64::MAX), Msat::ZERO));
    }
}

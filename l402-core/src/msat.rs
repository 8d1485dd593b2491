//! Amounts of money: whole millisatoshi, the unit in which Lightning counts.
//!
//! ```
//! use l402_core::Msat;
//!
//! let (price, fee) = (Msat::from_sat(21), Msat::new(12));
//! assert_eq!(price.checked_add(fee), Some(Msat::new(21_012)));
//! assert_eq!(price.to_string(), "21000 msat");
//! ```

use core::fmt;

/// An amount in millisatoshi: a thousandth of a satoshi, of which a bitcoin has 100 million.
///
/// Arithmetic says what happens at the ends of the range: it returns [`None`], or stops there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct Msat(u64);

impl Msat {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// 21 million bitcoin: no invoice asks for more.
    pub const SUPPLY: Self = Self(21_000_000 * 100_000_000 * 1000);

    /// Takes a number of millisatoshi.
    pub const fn new(msat: u64) -> Self {
        Self(msat)
    }

    /// Takes a number of satoshi; one that is too large becomes the largest amount.
    pub const fn from_sat(sat: u64) -> Self {
        Self(sat.saturating_mul(1000))
    }

    /// Returns the number of millisatoshi.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the whole satoshi in it; what is less than a satoshi is left out.
    pub const fn to_sat_floor(self) -> u64 {
        self.0 / 1000
    }

    /// Returns the least number of whole satoshi that is not less than it.
    pub const fn to_sat_ceil(self) -> u64 {
        self.0.div_ceil(1000)
    }

    /// Returns the sum, or [`None`] where it is too large.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(msat) => Some(Self(msat)),
            None => None,
        }
    }

    /// Returns the difference, or [`None`] where `other` is larger.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(msat) => Some(Self(msat)),
            None => None,
        }
    }

    /// Returns the sum, or the largest amount where it is too large.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Returns the difference, or nothing where `other` is larger.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl From<u64> for Msat {
    /// Takes a number of millisatoshi.
    fn from(msat: u64) -> Self {
        Self(msat)
    }
}

impl From<Msat> for u64 {
    /// Returns the number of millisatoshi.
    fn from(amount: Msat) -> Self {
        amount.0
    }
}

impl fmt::Display for Msat {
    /// Writes the number and its unit: `21000 msat`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} msat", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_ends_at_the_ends_of_the_range() {
        let (one, most) = (Msat::new(1), Msat::new(u64::MAX));
        assert_eq!(one.checked_sub(Msat::new(2)), None);
        assert_eq!(one.saturating_sub(Msat::new(2)), Msat::ZERO);
        assert_eq!(most.checked_add(one), None);
        assert_eq!(most.saturating_add(one), most);
        assert_eq!(Msat::from_sat(u64::MAX), most);
    }

    #[test]
    fn a_part_of_a_satoshi_is_left_out_or_counted_as_a_whole() {
        assert_eq!((Msat::new(1_999).to_sat_floor(), Msat::new(1_999).to_sat_ceil()), (1, 2));
        assert_eq!((Msat::from_sat(2).to_sat_floor(), Msat::from_sat(2).to_sat_ceil()), (2, 2));
        assert_eq!(Msat::new(u64::MAX).to_sat_ceil(), u64::MAX / 1000 + 1);
    }

    #[test]
    fn all_money_is_an_amount() {
        assert_eq!(Msat::SUPPLY, Msat::from_sat(21_000_000 * 100_000_000));
    }
}

//! Prices as people write them: `21 sat`, `500 msat`.

use core::fmt;
use core::str::FromStr;

/// A price above zero, in millisatoshi. The unit is always written, since a factor of a thousand hides in it.
///
/// ```
/// # use l402_server::config::Price;
/// assert_eq!("21 sat".parse::<Price>()?.msat(), 21_000);
/// # Ok::<(), l402_server::config::PriceError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(u64);

impl Price {
    /// Returns the price in millisatoshi.
    pub const fn msat(self) -> u64 {
        self.0
    }
}

impl FromStr for Price {
    type Err = PriceError;

    fn from_str(text: &str) -> Result<Self, PriceError> {
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or(PriceError::Unit)?;
        let (digits, unit) = text.split_at(unit_at);
        let factor = match unit.trim() {
            "sat" | "sats" => 1_000,
            "msat" | "msats" => 1,
            _ => return Err(PriceError::Unit),
        };
        if digits.is_empty() {
            return Err(PriceError::Unit);
        }
        let msat = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
        match msat {
            Some(0) => Err(PriceError::Zero),
            Some(msat) if msat <= MOST => Ok(Self(msat)),
            _ => Err(PriceError::TooLarge),
        }
    }
}

/// Why a text is no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PriceError {
    /// It is not a whole number with a unit.
    Unit,
    /// It is zero.
    Zero,
    /// It is more than all bitcoin.
    TooLarge,
}

impl fmt::Display for PriceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unit => "write a whole number and its unit, such as \"21 sat\" or \"500 msat\"",
            Self::Zero => "the price must be greater than zero; use `free` for a free path",
            Self::TooLarge => "the price is more than all bitcoin",
        })
    }
}

impl core::error::Error for PriceError {}

/// 21 million bitcoin, in millisatoshi.
const MOST: u64 = 21_000_000 * 100_000_000 * 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_or_refused_with_the_reason() {
        for (text, expected) in [
            ("21 sat", Ok(21_000)),
            ("21sat", Ok(21_000)),
            ("1 sats", Ok(1_000)),
            ("500 msat", Ok(500)),
            ("21", Err(PriceError::Unit)),
            ("sat", Err(PriceError::Unit)),
            ("1.5 sat", Err(PriceError::Unit)),
            ("-1 sat", Err(PriceError::Unit)),
            ("1 btc", Err(PriceError::Unit)),
            ("", Err(PriceError::Unit)),
            ("0 sat", Err(PriceError::Zero)),
            ("2100000000000001 sat", Err(PriceError::TooLarge)),
            ("99999999999999999999 msat", Err(PriceError::TooLarge)),
        ] {
            assert_eq!(text.parse::<Price>().map(Price::msat), expected, "{text}");
        }
    }
}

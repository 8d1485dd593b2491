//! Prices as people write them: `21 sat`, `500 msat`.

use core::fmt;
use core::str::FromStr;
use l402_core::Msat;

/// A price above zero. The unit is always written, since a factor of a thousand hides in it.
///
/// ```
/// # use l402_core::Msat;
/// # use l402_server::config::RoutePrice;
/// assert_eq!("21 sat".parse::<RoutePrice>()?.msat(), Msat::from_sat(21));
/// # Ok::<(), l402_server::config::RoutePriceError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RoutePrice(Msat);

impl RoutePrice {
    /// Returns the price.
    pub const fn msat(self) -> Msat {
        self.0
    }
}

impl FromStr for RoutePrice {
    type Err = RoutePriceError;

    fn from_str(text: &str) -> Result<Self, RoutePriceError> {
        let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or(RoutePriceError::Unit)?;
        let (digits, unit) = text.split_at(unit_at);
        let factor = match unit.trim() {
            "sat" | "sats" => 1_000,
            "msat" | "msats" => 1,
            _ => return Err(RoutePriceError::Unit),
        };
        if digits.is_empty() {
            return Err(RoutePriceError::Unit);
        }
        let msat = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).map(Msat::new);
        match msat {
            Some(Msat::ZERO) => Err(RoutePriceError::Zero),
            Some(msat) if msat <= Msat::SUPPLY => Ok(Self(msat)),
            _ => Err(RoutePriceError::TooLarge),
        }
    }
}

/// Why a text is no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RoutePriceError {
    /// It is not a whole number with a unit.
    Unit,
    /// It is zero.
    Zero,
    /// It is more than all bitcoin.
    TooLarge,
}

impl fmt::Display for RoutePriceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unit => "write a whole number and its unit, such as \"21 sat\" or \"500 msat\"",
            Self::Zero => "the price must be greater than zero; use `free` for a free path",
            Self::TooLarge => "the price is more than all bitcoin",
        })
    }
}

impl core::error::Error for RoutePriceError {}

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
            ("21", Err(RoutePriceError::Unit)),
            ("sat", Err(RoutePriceError::Unit)),
            ("1.5 sat", Err(RoutePriceError::Unit)),
            ("-1 sat", Err(RoutePriceError::Unit)),
            ("1 btc", Err(RoutePriceError::Unit)),
            ("", Err(RoutePriceError::Unit)),
            ("0 sat", Err(RoutePriceError::Zero)),
            ("2100000000000001 sat", Err(RoutePriceError::TooLarge)),
            ("99999999999999999999 msat", Err(RoutePriceError::TooLarge)),
        ] {
            assert_eq!(text.parse::<RoutePrice>().map(|price| price.msat().get()), expected, "{text}");
        }
    }
}

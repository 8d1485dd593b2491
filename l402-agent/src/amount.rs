//! Amounts as people write them: `21 sat`, `1.5 sat`, `1500 msat`.
//!
//! 1. An amount carries its unit; a bare number is refused, since a factor of a thousand hides in it.
//! 2. Nothing below a millisatoshi exists, so a fraction of a satoshi has at most three digits.

use core::fmt;
use core::str::FromStr;
use l402_core::Msat;
use serde::{Deserialize, Deserializer, de};

/// An amount of bitcoin that is read and shown as people write it.
///
/// ```
/// # use l402_agent::amount::Amount;
/// # use l402_core::Msat;
/// let amount: Amount = "1.5 sat".parse()?;
/// assert_eq!(amount.msat(), Msat::new(1_500));
/// assert_eq!(Amount::new(Msat::new(21_000)).to_string(), "21 sat");
/// # Ok::<(), l402_agent::amount::AmountTextError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(Msat);

impl Amount {
    /// Wraps an amount.
    pub const fn new(amount: Msat) -> Self {
        Self(amount)
    }

    /// Returns the amount.
    pub const fn msat(self) -> Msat {
        self.0
    }

    /// Returns the amount in whole satoshi, as on-chain transactions need it; `None` where a fraction would be lost.
    pub const fn whole_sat(self) -> Option<u64> {
        let msat = self.0.get();
        if msat.is_multiple_of(MSAT_PER_SAT) { Some(msat / MSAT_PER_SAT) } else { None }
    }
}

impl FromStr for Amount {
    type Err = AmountTextError;

    fn from_str(text: &str) -> Result<Self, AmountTextError> {
        let text = text.trim();
        let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).ok_or(AmountTextError::Unit)?;
        let (number, unit) = text.split_at(unit_at);
        let number = number.trim_end();
        match unit {
            "sat" | "sats" => sat(number),
            "msat" | "msats" => digits(number),
            _ => Err(AmountTextError::Unit),
        }
        .map(|msat| Self(Msat::new(msat)))
    }
}

impl fmt::Display for Amount {
    /// Writes satoshi, with as many decimals as the amount has.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0.to_sat_floor(), self.0.get() % MSAT_PER_SAT);
        if rest == 0 {
            return write!(f, "{whole} sat");
        }
        let decimals = format!("{rest:03}");
        write!(f, "{whole}.{} sat", decimals.trim_end_matches('0'))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AmountTextError {
    /// The unit is missing or unknown.
    Unit,
    /// The number is not a decimal number.
    Number,
    /// There is a fraction of a millisatoshi.
    TooFine,
    /// More than can be counted.
    TooLarge,
}

impl fmt::Display for AmountTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unit => "the unit must be `sat` or `msat`, as in `100 sat`",
            Self::Number => "the number must be digits, as in `100 sat` or `1.5 sat`",
            Self::TooFine => "the smallest amount is 1 msat, so a satoshi has at most three decimals",
            Self::TooLarge => "the amount is too large",
        })
    }
}

impl core::error::Error for AmountTextError {}

fn sat(number: &str) -> Result<u64, AmountTextError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.len() > 3 {
        return Err(AmountTextError::TooFine);
    }
    let thousandths = digits(&format!("{fraction:0<3}"))
        .and_then(|n| if fraction.is_empty() { Err(AmountTextError::Number) } else { Ok(n) })?;
    digits(whole)?
        .checked_mul(MSAT_PER_SAT)
        .and_then(|msat| msat.checked_add(thousandths))
        .ok_or(AmountTextError::TooLarge)
}

fn digits(text: &str) -> Result<u64, AmountTextError> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(AmountTextError::Number);
    }
    text.parse().map_err(|_| AmountTextError::TooLarge)
}

const MSAT_PER_SAT: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        for (text, msat) in [
            ("100 sat", 100_000),
            ("100sat", 100_000),
            (" 2 sats ", 2_000),
            ("0.001 sat", 1),
            ("1.5 sat", 1_500),
            ("7 msat", 7),
            ("0 sat", 0),
        ] {
            assert_eq!(text.parse(), Ok(Amount(Msat::new(msat))), "{text}");
        }
    }

    #[test]
    fn refuses_what_could_be_misread() {
        use AmountTextError::{Number, TooFine, TooLarge, Unit};
        for (text, fault) in [
            ("100", Unit),
            ("", Unit),
            ("1 btc", Unit),
            ("1 Sat", Unit),
            ("sat", Number),
            ("-1 sat", Number),
            ("+1 sat", Number),
            ("1,000 sat", Number),
            ("1. sat", Number),
            (".5 sat", Number),
            ("1.5 msat", Number),
            ("0.0001 sat", TooFine),
            ("18446744073709552 sat", TooLarge),
            ("18446744073709551616 msat", TooLarge),
        ] {
            assert_eq!(text.parse::<Amount>(), Err(fault), "{text}");
        }
    }

    #[test]
    fn shows_what_it_reads() {
        for text in ["0 sat", "21 sat", "0.001 sat", "1.5 sat", "18446744073709551.615 sat"] {
            assert_eq!(text.parse::<Amount>().map(|amount| amount.to_string()), Ok(text.to_owned()));
        }
    }
}

//! The amount in an invoice's prefix, as it is written (BOLT 11 §Human-Readable Part).

use core::fmt;

/// Checks the amount that stands in an invoice's text: a decoder takes one that it cannot hold for none, and reads past zeroes.
///
/// A text that is no invoice passes: that is the decoder's to say.
pub(crate) fn check(text: &str) -> Result<(), AmountError> {
    let Some((prefix, _)) = text.rsplit_once('1') else { return Ok(()) };
    let Some(start) = prefix.find(|c: char| c.is_ascii_digit()) else { return Ok(()) };
    let amount = prefix.get(start..).unwrap_or_default();
    let digits = amount.trim_end_matches(|c: char| !c.is_ascii_digit());
    if digits.bytes().all(|c| c == b'0') {
        return Err(AmountError::Zero);
    }
    if digits.starts_with('0') {
        return Err(AmountError::LeadingZero);
    }
    if !digits.bytes().all(|c| c.is_ascii_digit()) {
        return Ok(());
    }
    let pico_bitcoin_of_unit: u128 = match amount.as_bytes().last().map(u8::to_ascii_lowercase) {
        Some(b'm') => 1_000_000_000,
        Some(b'u') => 1_000_000,
        Some(b'n') => 1_000,
        Some(b'p') => 1,
        _ => PICO_OF_BITCOIN,
    };
    let units: u128 = digits.parse().map_err(|_| AmountError::AboveAllMoney)?; // that many digits are above it in any unit
    match units.saturating_mul(pico_bitcoin_of_unit) {
        pico if pico > ALL_BITCOIN * PICO_OF_BITCOIN => Err(AmountError::AboveAllMoney),
        pico if pico > u64::MAX.into() => Err(AmountError::TooLarge),
        _ => Ok(()),
    }
}

/// No invoice that can be paid asks for this amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AmountError {
    /// It is zero.
    Zero,
    /// It begins with a zero.
    LeadingZero,
    /// It is more than 21 million bitcoin.
    AboveAllMoney,
    /// It is more than 18.4 million bitcoin, which decoders cannot count.
    TooLarge,
}

impl fmt::Display for AmountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zero => "the invoice asks for an amount of zero",
            Self::LeadingZero => "the invoice's amount begins with a zero",
            Self::AboveAllMoney => "the invoice asks for more than 21 million bitcoin",
            Self::TooLarge => "the invoice asks for more than 18.4 million bitcoin, which no wallet can count",
        })
    }
}

impl core::error::Error for AmountError {}

const ALL_BITCOIN: u128 = 21_000_000;

const PICO_OF_BITCOIN: u128 = 1_000_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a1_an_amount_is_positive_and_begins_with_no_zero() {
        for zero in ["lnbc01q", "lnbc0u1q", "lnbcrt000n1q", "LNTB0M1Q"] {
            assert_eq!(check(zero), Err(AmountError::Zero), "{zero}");
        }
        for zero in ["lnbc0251q", "lnbc025u1q", "lnbcrt0000210n1q", "LNTB01P1Q"] {
            assert_eq!(check(zero), Err(AmountError::LeadingZero), "{zero}");
        }
        for fine in ["lnbc1q", "lnbc11q", "lnbc2500u1q", "lntbs100p1q", "LNBCRT10M1Q", "", "1", "nonsense", "lnbc"] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
    }

    #[test]
    fn a1_no_amount_is_above_all_money() {
        let most = ["21000000", "21000000000m", "21000000000000u", "21000000000000000n", "21000000000000000000p"];
        for amount in most {
            assert_eq!(check(&format!("lnbc{amount}1q")), Err(AmountError::TooLarge), "{amount}");
            let (digits, unit) = amount.split_at(amount.trim_end_matches(char::is_alphabetic).len());
            let above = digits.parse::<u128>().unwrap() + 1;
            assert_eq!(check(&format!("lnbc{above}{unit}1q")), Err(AmountError::AboveAllMoney), "{above}{unit}");
        }
        for fine in ["18000000", "18446744073m", "18446744073709551610p"] {
            assert_eq!(check(&format!("lnbc{fine}1q")), Ok(()), "{fine}");
        }
        assert_eq!(check(&format!("lnbc{}1q", "9".repeat(100))), Err(AmountError::AboveAllMoney));
    }
}

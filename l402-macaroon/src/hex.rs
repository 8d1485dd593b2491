//! Hexadecimal text in constant time: reads both cases, writes lower case.
//!
//! Time depends on the length alone; which character was wrong is not reported, because it may belong to a secret.

use core::fmt;

/// Decodes `text` into the front of `out` and returns what was written.
///
/// # Errors
/// [`HexError::OddLength`], [`HexError::BufferTooSmall`] (`out` holds fewer than `text.len() / 2` bytes) or
/// [`HexError::InvalidCharacter`].
///
/// ```
/// let mut out = [0; 2];
/// assert_eq!(l402_macaroon::hex::decode_into(b"01fF", &mut out), Ok(&[1, 255][..]));
/// ```
pub fn decode_into<'b>(text: &[u8], out: &'b mut [u8]) -> Result<&'b [u8], HexError> {
    let (pairs, odd) = text.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(HexError::OddLength);
    }
    let out = out.get_mut(..pairs.len()).ok_or(HexError::BufferTooSmall)?;
    let mut wrong = 0;
    for (byte, [high, low]) in out.iter_mut().zip(pairs) {
        let ((high, wrong_high), (low, wrong_low)) = (nibble(*high), nibble(*low));
        *byte = high << 4 | low;
        wrong |= wrong_high | wrong_low;
    }
    if wrong == 0 { Ok(out) } else { Err(HexError::InvalidCharacter) }
}

/// Encodes `bytes` in lower case into the front of `out` and returns the text; [`None`] if `out` holds fewer than
/// `2 * bytes.len()` bytes.
pub fn encode_into<'b>(bytes: &[u8], out: &'b mut [u8]) -> Option<&'b str> {
    let out = out.get_mut(..bytes.len().checked_mul(2)?)?;
    for (pair, byte) in out.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
        *pair = [digit(byte >> 4), digit(byte & 15)];
    }
    core::str::from_utf8(out).ok()
}

/// Why a text is not hexadecimal, or cannot be decoded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum HexError {
    /// The text has an odd number of characters.
    OddLength,
    /// A character is not a hexadecimal digit.
    InvalidCharacter,
    /// The buffer is shorter than half of the text.
    BufferTooSmall,
}

impl fmt::Display for HexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OddLength => "hexadecimal text has an odd number of characters",
            Self::InvalidCharacter => "a character is not a hexadecimal digit",
            Self::BufferTooSmall => "the buffer is too small for the decoded bytes",
        })
    }
}

impl core::error::Error for HexError {}

/// The value of a digit, and a non-zero mark where it is none. Sign-smearing arithmetic, so that it vectorises.
#[inline]
fn nibble(c: u8) -> (u8, u8) {
    let digit = within(c, b'0', b'9');
    let letter = within(c | 0x20, b'a', b'f');
    let value = (c.wrapping_sub(b'0') & digit) | ((c | 0x20).wrapping_sub(b'a' - 10) & letter);
    (value, !(digit | letter) | (c & 0x80))
}

/// `0xff` where `low <= c <= high`, else 0; meaningful for `c` below 128 only.
#[inline]
#[expect(clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "the sign bit is the point")]
pub(crate) const fn within(c: u8, low: u8, high: u8) -> u8 {
    let below = (c as i8).wrapping_sub(low as i8) >> 7;
    let above = (high as i8).wrapping_sub(c as i8) >> 7;
    !(below | above) as u8
}

/// The digit of a value below 16.
#[inline]
fn digit(value: u8) -> u8 {
    let letter = within(value, 10, 15);
    value + b'0' + (letter & (b'a' - b'0' - 10))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn encode_then_decode_is_the_identity(bytes: Vec<u8>) {
            let (mut text, mut back) = (vec![0; bytes.len() * 2], vec![0; bytes.len()]);
            let text = encode_into(&bytes, &mut text).unwrap();
            for (byte, pair) in bytes.iter().zip(text.as_bytes().chunks(2)) {
                prop_assert_eq!(u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap(), *byte);
            }
            prop_assert_eq!(decode_into(text.as_bytes(), &mut back), Ok(&bytes[..]));
        }
    }

    #[test]
    fn every_byte_is_a_digit_or_refused() {
        for c in 0..=255_u8 {
            let expected = char::from(c).to_digit(16).filter(|_| c.is_ascii());
            let mut out = [0];
            let got = decode_into(&[b'0', c], &mut out).ok().map(|b| u32::from(b[0]));
            assert_eq!(got, expected, "{c}");
        }
    }

    #[test]
    fn lengths_are_checked() {
        assert_eq!(decode_into(b"abc", &mut [0; 2]), Err(HexError::OddLength));
        assert_eq!(decode_into(b"abcd", &mut [0; 1]), Err(HexError::BufferTooSmall));
        assert_eq!(encode_into(b"ab", &mut [0; 3]), None);
    }
}

//! Hexadecimal text in constant time: reads both cases, writes lower case.
//!
//! Time depends on the length alone; which character was wrong is not reported, because it may belong to a secret.

use crate::smear::{any, mask, within};
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
#[inline]
pub fn decode_into<'b>(text: &[u8], out: &'b mut [u8]) -> Result<&'b [u8], HexError> {
    if !text.len().is_multiple_of(2) {
        return Err(HexError::OddLength);
    }
    let out = out.get_mut(..text.len() / 2).ok_or(HexError::BufferTooSmall)?;
    let mut invalid = [0; CHARACTERS];
    let (chunks, rest) = text.as_chunks();
    let (decoded, last) = out.as_chunks_mut();
    for (bytes, chunk) in decoded.iter_mut().zip(chunks) {
        *bytes = decode_chunk(chunk, &mut invalid);
    }
    if !rest.is_empty() {
        let mut chunk = [b'0'; CHARACTERS];
        for (to, from) in chunk.iter_mut().zip(rest) {
            *to = *from;
        }
        for (to, from) in last.iter_mut().zip(decode_chunk(&chunk, &mut invalid)) {
            *to = from;
        }
    }
    if any(&invalid) { Err(HexError::InvalidCharacter) } else { Ok(out) }
}

/// Encodes `bytes` in lower case into the front of `out` and returns the text; [`None`] if `out` holds fewer than
/// `2 * bytes.len()` bytes.
///
/// ```
/// let mut out = [0; 4];
/// assert_eq!(l402_macaroon::hex::encode_into(&[1, 255], &mut out), Some("01ff"));
/// ```
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

/// Characters and bytes of one vectorised step.
const CHARACTERS: usize = 32;
const BYTES: usize = 16;

/// Decodes one step and notes in the highest bits of `invalid` what was no digit.
#[inline]
fn decode_chunk(chunk: &[u8; CHARACTERS], invalid: &mut [u8; CHARACTERS]) -> [u8; BYTES] {
    let mut nibbles = [0; CHARACTERS];
    for ((nibble, &c), invalid) in nibbles.iter_mut().zip(chunk).zip(invalid) {
        let digit = within(c, b'0', b'9');
        let letter = within(c | 0x20, b'a', b'f');
        *invalid |= !(digit | letter) | c;
        *nibble = (c & 0x0f).wrapping_add(mask(letter) & 0x09);
    }
    let mut bytes = [0; BYTES];
    for (byte, [high, low]) in bytes.iter_mut().zip(nibbles.as_chunks().0) {
        *byte = high << 4 | low;
    }
    bytes
}

/// The digit of a value below 16.
#[inline]
fn digit(value: u8) -> u8 {
    value.wrapping_add(b'0').wrapping_add(mask(within(value, 10, 15)) & (b'a' - b'0' - 10))
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

//! Base64 in constant time (RFC 4648 §4 and §5).
//!
//! 1. [`decode_into`] reads the standard and the URL-safe alphabet, padded or not, since all four are met in the wild;
//!    one text may not mix the alphabets, pad wrongly, or leave bits set behind its last byte: one value, one text per form.
//! 2. [`encode_into`] writes the standard alphabet, padded.
//! 3. Time depends on the length alone. Which character was wrong is not reported, because it may belong to a secret.
//!
//! The decoder is written so that compilers vectorise it: sign-smearing arithmetic on chunks of 32 characters.

use crate::hex::within;
use core::fmt;

/// The padded length of the text of `bytes` bytes.
///
/// ```
/// assert_eq!(l402_macaroon::base64::encoded_len(158), 212);
/// ```
pub const fn encoded_len(bytes: usize) -> usize {
    bytes.div_ceil(3).saturating_mul(4)
}

/// The most bytes that a text of `characters` characters can decode to.
pub const fn decoded_len(characters: usize) -> usize {
    characters / 4 * 3 + characters % 4 * 3 / 4
}

/// Decodes `text` into the front of `out` and returns what was written.
///
/// # Errors
/// See [`DecodeError`]. `out` needs [`decoded_len`] bytes of the text without its padding.
///
/// ```
/// use l402_macaroon::base64::{DecodeError, decode_into};
///
/// let mut out = [0; 8];
/// assert_eq!(decode_into(b"_-8=", &mut out), Ok(&[0xff, 0xef][..]));
/// assert_eq!(decode_into(b"/+8", &mut out), Ok(&[0xff, 0xef][..]));
/// assert_eq!(decode_into(b"/-8", &mut out), Err(DecodeError::MixedAlphabets));
/// ```
pub fn decode_into<'b>(text: &[u8], out: &'b mut [u8]) -> Result<&'b [u8], DecodeError> {
    let text = without_padding(text)?;
    let out = out.get_mut(..decoded_len(text.len())).ok_or(DecodeError::BufferTooSmall)?;
    let mut seen = Seen::default();
    let (chunks, rest) = text.as_chunks::<CHARACTERS>();
    let mut bytes = out.chunks_mut(BYTES);
    for (chunk, bytes) in chunks.iter().zip(&mut bytes) {
        bytes.copy_from_slice(&decode_chunk(chunk, &mut seen));
    }
    let spare = decode_rest(rest, bytes.next().unwrap_or_default(), &mut seen);
    seen.verdict(spare).map(|()| &*out)
}

/// Encodes `bytes`, standard alphabet and padded, into the front of `out`; [`None`] if `out` holds fewer than
/// [`encoded_len`] bytes.
///
/// ```
/// let mut out = [0; 4];
/// assert_eq!(l402_macaroon::base64::encode_into(&[0xff, 0xef], &mut out), Some("/+8="));
/// ```
pub fn encode_into<'b>(bytes: &[u8], out: &'b mut [u8]) -> Option<&'b str> {
    let out = out.get_mut(..encoded_len(bytes.len()))?;
    for (text, group) in out.as_chunks_mut::<4>().0.iter_mut().zip(bytes.chunks(3)) {
        let mut three = [0; 3];
        for (to, from) in three.iter_mut().zip(group) {
            *to = *from;
        }
        let [a, b, c] = three;
        *text = [a >> 2, a << 4 & 0x30 | b >> 4, b << 2 & 0x3c | c >> 6, c & 0x3f].map(character);
        for pad in text.iter_mut().skip(group.len() + 1) {
            *pad = b'=';
        }
    }
    core::str::from_utf8(out).ok()
}

/// Why a text is not base64, or cannot be decoded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The text, padding apart, is one character longer than a multiple of four.
    Length,
    /// There is padding, and it does not fill the last group of four.
    Padding,
    /// A character belongs to neither alphabet.
    InvalidCharacter,
    /// Characters of both alphabets occur.
    MixedAlphabets,
    /// Bits are set behind the last byte.
    NotCanonical,
    /// The buffer is shorter than the decoded bytes.
    BufferTooSmall,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Length => "base64 text has an impossible length",
            Self::Padding => "base64 text is padded wrongly",
            Self::InvalidCharacter => "a character is not base64",
            Self::MixedAlphabets => "base64 text mixes the standard and the url-safe alphabet",
            Self::NotCanonical => "base64 text has bits set behind its last byte",
            Self::BufferTooSmall => "the buffer is too small for the decoded bytes",
        })
    }
}

impl core::error::Error for DecodeError {}

/// Characters and bytes of one vectorised step.
const CHARACTERS: usize = 32;
const BYTES: usize = 24;

/// What was met in a text, a bit each.
#[derive(Default)]
struct Seen(u8);

impl Seen {
    /// A character of neither alphabet.
    const INVALID: u8 = 0x80;
    /// `+` or `/`.
    const STANDARD: u8 = 1;
    /// `-` or `_`.
    const URL_SAFE: u8 = 2;

    fn verdict(&self, spare: u8) -> Result<(), DecodeError> {
        const MIXED: u8 = Seen::STANDARD | Seen::URL_SAFE;
        if self.0 & Self::INVALID != 0 {
            Err(DecodeError::InvalidCharacter)
        } else if self.0 & MIXED == MIXED {
            Err(DecodeError::MixedAlphabets)
        } else if spare != 0 {
            Err(DecodeError::NotCanonical)
        } else {
            Ok(())
        }
    }
}

/// Cuts correct padding off. Where padding stands is public: it follows from the length.
fn without_padding(text: &[u8]) -> Result<&[u8], DecodeError> {
    let cut = match text {
        [rest @ .., b'=', b'='] | [rest @ .., b'='] => rest,
        text => text,
    };
    if cut.len() != text.len() && !text.len().is_multiple_of(4) {
        return Err(DecodeError::Padding);
    }
    if cut.len() % 4 == 1 {
        return Err(DecodeError::Length);
    }
    Ok(cut)
}

#[inline]
fn decode_chunk(chunk: &[u8; CHARACTERS], seen: &mut Seen) -> [u8; BYTES] {
    let mut values = [0; CHARACTERS];
    let mut marks = [0; CHARACTERS];
    for ((value, mark), &c) in values.iter_mut().zip(&mut marks).zip(chunk) {
        let upper = within(c, b'A', b'Z');
        let lower = within(c, b'a', b'z');
        let digit = within(c, b'0', b'9');
        let (plus, slash) = (within(c, b'+', b'+'), within(c, b'/', b'/'));
        let (minus, underscore) = (within(c, b'-', b'-'), within(c, b'_', b'_'));
        *value = (c.wrapping_sub(b'A') & upper)
            | (c.wrapping_sub(b'a' - 26) & lower)
            | (c.wrapping_add(52 - b'0') & digit)
            | (0x3e & (plus | minus))
            | (0x3f & (slash | underscore));
        let (standard, url_safe) = (plus | slash, minus | underscore);
        let invalid = !(upper | lower | digit | standard | url_safe) | c;
        *mark = (Seen::INVALID & invalid) | (Seen::STANDARD & standard) | (Seen::URL_SAFE & url_safe);
    }
    for mark in marks {
        seen.0 |= mark;
    }
    pack(&values)
}

/// Decodes the last, partial chunk and returns the bits behind its last byte.
fn decode_rest(rest: &[u8], out: &mut [u8], seen: &mut Seen) -> u8 {
    let mut chunk = [b'A'; CHARACTERS];
    for (to, from) in chunk.iter_mut().zip(rest) {
        *to = *from;
    }
    let bytes = decode_chunk(&chunk, seen);
    for (to, from) in out.iter_mut().zip(bytes) {
        *to = from;
    }
    // 'A' fills up with zero bits, so that whatever is set behind the last byte came from the text.
    bytes.get(out.len()).copied().unwrap_or(0)
}

/// Packs 32 values of six bits into 24 bytes.
#[inline]
fn pack(values: &[u8; CHARACTERS]) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let groups = values.as_chunks::<8>().0;
    for (six, eight) in bytes.as_chunks_mut::<6>().0.iter_mut().zip(groups) {
        let word = u64::from_be_bytes(*eight);
        let word = (word & 0x003f_003f_003f_003f) | (word & 0x3f00_3f00_3f00_3f00) >> 2;
        let word = (word & 0x0000_0fff_0000_0fff) | (word & 0x0fff_0000_0fff_0000) >> 4;
        let word = (word & 0x00ff_ffff) << 16 | (word & 0x00ff_ffff_0000_0000) << 8;
        if let Some((front, _)) = word.to_be_bytes().split_first_chunk() {
            *six = *front;
        }
    }
    bytes
}

/// The character of a value below 64.
#[inline]
fn character(value: u8) -> u8 {
    let upper = within(value, 0, 25);
    let lower = within(value, 26, 51);
    let digit = within(value, 52, 61);
    (value.wrapping_add(b'A') & upper)
        | (value.wrapping_add(b'a' - 26) & lower)
        | (value.wrapping_sub(52 - b'0') & digit)
        | (b'+' & within(value, 62, 62))
        | (b'/' & within(value, 63, 63))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding};
    use proptest::prelude::*;
    use std::vec;
    use std::vec::Vec;

    fn decode(text: &str) -> Result<Vec<u8>, DecodeError> {
        let mut out = vec![0; decoded_len(text.len())];
        decode_into(text.as_bytes(), &mut out).map(<[u8]>::to_vec)
    }

    proptest! {
        #[test]
        fn agrees_with_base64ct_in_all_four_forms(bytes: Vec<u8>) {
            let mut out = vec![0; encoded_len(bytes.len())];
            let expected = Base64::encode_string(&bytes);
            prop_assert_eq!(encode_into(&bytes, &mut out), Some(expected.as_str()));
            for text in [
                Base64::encode_string(&bytes),
                Base64Unpadded::encode_string(&bytes),
                Base64Url::encode_string(&bytes),
                Base64UrlUnpadded::encode_string(&bytes),
            ] {
                prop_assert_eq!(decode(&text), Ok(bytes.clone()));
            }
        }

        #[test]
        fn accepts_what_base64ct_accepts(text in "[A-D+/=_-]{0,40}") {
            let oracle = Base64::decode_vec(&text)
                .or_else(|_| Base64Unpadded::decode_vec(&text))
                .or_else(|_| Base64Url::decode_vec(&text))
                .or_else(|_| Base64UrlUnpadded::decode_vec(&text));
            prop_assert_eq!(decode(&text).ok(), oracle.ok());
        }
    }

    #[test]
    fn every_character_in_every_position_is_read_or_refused() {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        for position in 0..36 {
            for c in 0..=255_u8 {
                let mut text = [b'A'; 36];
                text[position] = c;
                let url_safe = matches!(c, b'-' | b'_');
                let tail_padding = position == 35 && c == b'=';
                let expected = ALPHABET.contains(&c) || url_safe || tail_padding;
                assert_eq!(decode_into(&text, &mut [0; 27]).is_ok(), expected, "{position} {c}");
            }
        }
    }

    #[test]
    fn each_fault_has_its_own_error() {
        assert_eq!(decode("A"), Err(DecodeError::Length));
        assert_eq!(decode("AAAAA"), Err(DecodeError::Length));
        assert_eq!(decode("AAA=="), Err(DecodeError::Padding));
        assert_eq!(decode("AA="), Err(DecodeError::Padding));
        assert_eq!(decode("A==="), Err(DecodeError::InvalidCharacter));
        assert_eq!(decode("AA=A"), Err(DecodeError::InvalidCharacter));
        assert_eq!(decode("AB=="), Err(DecodeError::NotCanonical));
        assert_eq!(decode("AAB"), Err(DecodeError::NotCanonical));
        assert_eq!(decode("+-AA"), Err(DecodeError::MixedAlphabets));
        assert_eq!(decode_into(b"AAAA", &mut [0; 2]), Err(DecodeError::BufferTooSmall));
        assert_eq!(decode(""), Ok(vec![]));
    }
}

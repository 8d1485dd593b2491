//! Base64 in constant time (RFC 4648 §4 and §5).
//!
//! 1. [`decode_into`] reads the standard and the URL-safe alphabet, padded or not, since all four are met in the wild;
//!    one text may not mix the alphabets, pad wrongly, or leave bits set behind its last byte: one value, one text per form.
//! 2. [`encode_into`] writes the standard alphabet, padded.
//! 3. Time depends on the length alone. Which character was wrong is not reported, because it may belong to a secret.
//!
//! The decoder is written so that compilers vectorise it: sign-smearing arithmetic on chunks of 16 characters.

use crate::smear::{any, equal, mask, within};
use core::fmt;

/// The padded length of the text of `bytes` bytes.
///
/// ```
/// assert_eq!(l402_macaroon::base64::encoded_len(158), 212);
/// ```
pub const fn encoded_len(bytes: usize) -> usize {
    bytes.div_ceil(3).saturating_mul(4)
}

/// The most bytes that a text of `characters` characters can decode to; padding counts as characters.
///
/// ```
/// assert_eq!(l402_macaroon::base64::decoded_len(212), 159); // one of them is padding: 158 bytes
/// ```
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
    #[cfg(feature = "accel")]
    if let Some(engine) = l402_accel::Base64::detect() {
        let marks = engine.decode(text, out);
        return verdict(marks.invalid, marks.standard & marks.url_safe, marks.spare).map(|()| &*out);
    }
    let mut seen = Seen::default();
    let (chunks, rest) = text.as_chunks();
    let (decoded, last) = out.as_chunks_mut();
    for (chunk, bytes) in chunks.iter().zip(decoded) {
        decode_chunk(chunk, bytes, &mut seen);
    }
    let mut spilled = [0; BYTES];
    decode_chunk(&filled_up(rest), &mut spilled, &mut seen);
    let (front, behind) = spilled.split_at_checked(last.len()).unwrap_or_default();
    last.copy_from_slice(front);
    seen.verdict(behind.first().copied().unwrap_or(0)).map(|()| &*out)
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
        *text = [
            character(a >> 2),
            character(a << 4 & 0x30 | b >> 4),
            character(b << 2 & 0x3c | c >> 6),
            character(c & 0x3f),
        ];
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
const CHARACTERS: usize = 16;
const BYTES: usize = 12;

/// What was met in a text, by position in its chunk, in the highest bit of each byte: looked at once, at the end.
#[derive(Default)]
struct Seen {
    /// A character of neither alphabet.
    invalid: [u8; CHARACTERS],
    /// `+` or `/`.
    standard: [u8; CHARACTERS],
    /// `-` or `_`.
    url_safe: [u8; CHARACTERS],
}

impl Seen {
    fn verdict(&self, spare: u8) -> Result<(), DecodeError> {
        verdict(any(&self.invalid), any(&self.standard) & any(&self.url_safe), spare)
    }
}

/// The first fault of a text.
fn verdict(invalid: bool, mixed: bool, spare: u8) -> Result<(), DecodeError> {
    if invalid {
        Err(DecodeError::InvalidCharacter)
    } else if mixed {
        Err(DecodeError::MixedAlphabets)
    } else if spare != 0 {
        Err(DecodeError::NotCanonical)
    } else {
        Ok(())
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

#[cfg_attr(target_pointer_width = "64", inline(always))]
#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::inline_always, reason = "its constants stay in registers from one step to the next")
)]
fn decode_chunk(chunk: &[u8; CHARACTERS], out: &mut [u8; BYTES], seen: &mut Seen) {
    let mut values = [0; CHARACTERS];
    let seen = seen.invalid.iter_mut().zip(&mut seen.standard).zip(&mut seen.url_safe);
    for ((value, &c), ((seen_invalid, seen_standard), seen_url_safe)) in values.iter_mut().zip(chunk).zip(seen) {
        // No `array::map`: without link-time optimisation its closures are calls, one for each character.
        let (upper, lower, digit) = (within(c, b'A', b'Z'), within(c, b'a', b'z'), within(c, b'0', b'9'));
        let (plus, slash, minus, underscore) = (equal(c, b'+'), equal(c, b'/'), equal(c, b'-'), equal(c, b'_'));
        let (standard, url_safe) = (plus | slash, minus | underscore);
        *seen_invalid |= !(upper | lower | digit | standard | url_safe) | c;
        *seen_standard |= standard;
        *seen_url_safe |= url_safe;
        // Modulo 64, which is all that counts here. The four others are odd: 63, less one for the first of each alphabet.
        let ordinary = c.wrapping_add(4).wrapping_sub(mask(upper) & 0x05).wrapping_sub(mask(lower) & 0x0b);
        *value = (ordinary | mask(standard | url_safe)).wrapping_sub((plus | minus) >> 7);
    }
    pack(&values, out);
}

/// The last, partial chunk. 'A' fills it up with zero bits, so that whatever is set behind the last byte came from the text.
#[inline]
fn filled_up(rest: &[u8]) -> [u8; CHARACTERS] {
    let mut chunk = [b'A'; CHARACTERS];
    if let Some(front) = chunk.get_mut(..rest.len()) {
        front.copy_from_slice(rest);
    }
    chunk
}

/// Packs 16 values, of which the lower six bits count, into 12 bytes: neighbours are joined to 12, 24 and 48 bits.
#[inline]
fn pack(values: &[u8; CHARACTERS], out: &mut [u8; BYTES]) {
    let mut joined = [0; 2];
    for (word, eight) in joined.iter_mut().zip(values.as_chunks().0) {
        let six = u64::from_be_bytes(*eight);
        let twelve = (six & 0x3f00_3f00_3f00_3f00) >> 2 | (six & 0x003f_003f_003f_003f);
        let twenty_four = (twelve & 0x0fff_0000_0fff_0000) >> 4 | (twelve & 0x0000_0fff_0000_0fff);
        *word = (twenty_four & 0x00ff_ffff_0000_0000) >> 8 | (twenty_four & 0x00ff_ffff);
    }
    let [front, back] = joined;
    if let Some((eight, four)) = out.split_first_chunk_mut() {
        *eight = (front << 16 | back >> 32).to_be_bytes();
        let [_, _, _, _, rest @ ..] = back.to_be_bytes();
        four.copy_from_slice(&rest);
    }
}

/// The character of a value below 64: what lies between the two changes at each border of the alphabet.
///
/// Masks of a sign bit become branches on the value here; these bits, borrowed from above the byte, do not.
#[inline]
fn character(value: u8) -> u8 {
    let above = |last: u16| last.wrapping_sub(value.into()) >> 8;
    let upper = u16::from(value) + u16::from(b'A');
    let lower = above(25) & u16::from(b'a' - 26 - b'A');
    let digit = above(51) & u16::from(b'a' - 26 - b'0' + 52);
    let (plus, slash) = (above(61) & u16::from(b'0' + 10 - b'+'), above(62) & u16::from(b'/' - b'+' - 1));
    let [character, _] =
        upper.wrapping_add(lower).wrapping_sub(digit).wrapping_sub(plus).wrapping_add(slash).to_le_bytes();
    character
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
    #[cfg_attr(miri, ignore = "walks over every case, which takes an interpreter minutes")]
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

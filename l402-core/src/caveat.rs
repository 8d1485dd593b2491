//! Caveats as L402 writes them: `condition=value` in UTF-8 (L402 §Caveats).
//!
//! 1. A caveat splits at its first `=`; white space around both parts is tolerated when reading and never written.
//! 2. `services=name:tier,…` names the services that a token opens, each with the highest tier.
//! 3. `<service>_capabilities=a,b` restricts a service to some of its capabilities.
//! 4. `<service>_valid_until=<unix seconds>` ends a token.
//! 5. `preimage=<64 hex>` carries the proof of payment where a header has no place for it.
//!
//! A value that does not read as its condition demands denies the request; see [`crate::Unsatisfied`]. A list of more than 64
//! entries is one: every holder can append caveats, and each entry is held against the others.

use core::fmt;

/// One first-party caveat, split.
///
/// ```
/// # use l402_core::Caveat;
/// let caveat = Caveat::parse(b"services = weather:0,maps:2")?;
/// assert_eq!((caveat.condition, caveat.value), ("services", "weather:0,maps:2"));
/// # Ok::<(), l402_core::CaveatError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Caveat<'a> {
    /// What stands before the first `=`, trimmed; never empty.
    pub condition: &'a str,
    /// What stands behind it, trimmed.
    pub value: &'a str,
}

impl<'a> Caveat<'a> {
    /// Splits the text of a caveat at its first `=` (L402 §Caveats).
    ///
    /// # Errors
    /// [`CaveatError`]: what keeps it from being `condition=value`. Whether the value suits the condition is not looked at.
    ///
    /// ```
    /// use l402_core::{Caveat, CaveatError};
    ///
    /// assert_eq!(Caveat::parse(b"weather_valid_until=1700003600")?.value, "1700003600");
    /// assert_eq!(Caveat::parse(b"weather"), Err(CaveatError::NoValue));
    /// # Ok::<(), CaveatError>(())
    /// ```
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CaveatError> {
        Parts::split(bytes)?.text()
    }
}

impl fmt::Debug for Caveat<'_> {
    /// Shows the condition only: the value may be a preimage.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Caveat({}=…)", self.condition)
    }
}

/// Why a caveat is not `condition=value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CaveatError {
    /// The bytes are not UTF-8.
    NotUtf8,
    /// There is no `=`.
    NoValue,
    /// Nothing stands before the `=`.
    NoCondition,
}

impl fmt::Display for CaveatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "the caveat is not utf-8",
            Self::NoValue => "the caveat has no '='",
            Self::NoCondition => "the caveat has no condition before '='",
        })
    }
}

impl core::error::Error for CaveatError {}

/// A [`Caveat`] as bytes, which are UTF-8: what verdicts are made from.
#[derive(Clone, Copy)]
pub(crate) struct Parts<'a> {
    pub(crate) condition: &'a [u8],
    pub(crate) value: &'a [u8],
}

impl<'a> Parts<'a> {
    #[inline]
    pub(crate) fn split(bytes: &'a [u8]) -> Result<Self, CaveatError> {
        let (condition, value) =
            position(bytes, b'=').and_then(|at| split_before(bytes, at)).ok_or(CaveatError::NoValue)?;
        if !is_ascii(bytes) && core::str::from_utf8(bytes).is_err() {
            return Err(CaveatError::NotUtf8);
        }
        let (condition, value) = (trim(condition), trim(value));
        if condition.is_empty() { Err(CaveatError::NoCondition) } else { Ok(Self { condition, value }) }
    }

    pub(crate) fn text(&self) -> Result<Caveat<'a>, CaveatError> {
        let text = |part| core::str::from_utf8(part).map_err(|_| CaveatError::NotUtf8);
        Ok(Caveat { condition: text(self.condition)?, value: text(self.value)? })
    }
}

/// The value of a `services` caveat, checked: no entry is malformed and no name occurs twice.
#[derive(Clone, Copy)]
pub(crate) struct Services<'a> {
    list: &'a [u8],
    /// The length of the longest name.
    pub(crate) longest: usize,
}

impl<'a> Services<'a> {
    /// Reads the list and, in the same pass, looks for the highest tier of one service in it.
    pub(crate) fn parse(list: &'a [u8], wanted: &[u8]) -> Option<(Self, Option<u32>)> {
        let (mut services, mut wanted_tier) = (Self { list, longest: 0 }, None);
        for (position, item) in items(list).enumerate() {
            let (name, tier) = entry_of(item)?;
            if position == MAX_ENTRIES || services.names().take(position).any(|earlier| earlier == name) {
                return None;
            }
            if name == wanted {
                wanted_tier = Some(tier);
            }
            services.longest = services.longest.max(name.len());
        }
        Some((services, wanted_tier))
    }

    pub(crate) fn narrows(&self, earlier: &Self) -> bool {
        let within = |(name, tier)| earlier.entries().any(|(other, most)| other == name && tier <= most);
        self.entries().all(within)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        items(self.list).filter_map(|item| split_once(item, b':')).map(|(name, _)| name)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'a [u8], u32)> + use<'a> {
        items(self.list).filter_map(entry_of)
    }
}

/// The value of a capabilities caveat. An empty value is the empty set.
#[derive(Clone, Copy)]
pub(crate) struct Capabilities<'a>(&'a [u8]);

impl<'a> Capabilities<'a> {
    /// The empty set.
    pub(crate) const NONE: Self = Self(&[]);

    /// Reads the list and, in the same pass, looks for one capability in it.
    #[inline]
    pub(crate) fn parse(list: &'a [u8], wanted: &[u8]) -> Option<(Self, bool)> {
        let mut found = false;
        if !list.is_empty() {
            for (position, name) in items(list).enumerate() {
                if position == MAX_ENTRIES || !is_name(name) {
                    return None;
                }
                found |= name == wanted;
            }
        }
        Some((Self(list), found))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn narrows(&self, earlier: &Self) -> bool {
        self.names().all(|name| earlier.names().any(|other| other == name))
    }

    fn names(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        items(self.0).filter(|name| !name.is_empty())
    }
}

/// A number in decimal digits and nothing else: no sign, no space.
#[inline]
pub(crate) fn number(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |number, c| {
        let digit = c.wrapping_sub(b'0');
        if digit < 10 { number.checked_mul(10)?.checked_add(digit.into()) } else { None }
    })
}

/// Cuts spaces and tabs off both ends.
#[inline]
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    match text {
        [b' ' | b'\t', ..] | [.., b' ' | b'\t'] => trimmed(text),
        _ => text,
    }
}

#[cold]
fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// What stands between commas.
#[inline]
fn items(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    list.split(|&c| c == b',')
}

#[inline]
fn entry_of(item: &[u8]) -> Option<(&[u8], u32)> {
    let (name, tier) = split_once(item, b':')?;
    let tier = u32::try_from(number(tier)?).ok()?;
    is_name(name).then_some((name, tier))
}

/// Splits at the first `separator`.
pub(crate) fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    split_before(text, text.iter().position(|&c| c == separator)?)
}

/// What stands before and behind the byte at a position.
#[inline]
fn split_before(text: &[u8], at: usize) -> Option<(&[u8], &[u8])> {
    let (before, rest) = text.split_at_checked(at)?;
    Some((before, rest.split_first()?.1))
}

/// Where a byte stands first; a machine word is looked at in one step.
#[inline]
fn position(text: &[u8], byte: u8) -> Option<usize> {
    let (words, rest) = text.as_chunks();
    for (at, word) in words.iter().enumerate() {
        let differing = usize::from_le_bytes(*word) ^ usize::from_le_bytes([byte; WORD]);
        // Above the lowest byte that is zero, others may be taken for zero: only the lowest counts.
        let zeroes = differing.wrapping_sub(usize::from_le_bytes([1; WORD])) & !differing & HIGHEST_BITS;
        if zeroes != 0 {
            return Some(at * WORD + zeroes.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|&c| c == byte).map(|at| words.len() * WORD + at)
}

/// Whether all bytes are ASCII; a machine word is looked at in one step, and of the last one some bytes twice.
#[inline]
fn is_ascii(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk() else { return text.is_ascii() };
    let words = text.as_chunks().0.iter();
    words.fold(usize::from_le_bytes(*last), |all, word| all | usize::from_le_bytes(*word)) & HIGHEST_BITS == 0
}

/// The most entries of a list.
const MAX_ENTRIES: usize = 64;

/// Bytes in a machine word.
const WORD: usize = size_of::<usize>();

/// The highest bit of each byte of a machine word.
const HIGHEST_BITS: usize = usize::from_le_bytes([0x80; WORD]);

/// Whether a name has characters, and no space or tab at either end.
#[inline]
fn is_name(name: &[u8]) -> bool {
    !matches!(name, [] | [b' ' | b'\t', ..] | [.., b' ' | b'\t'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn position_and_is_ascii_agree_with_the_standard_library(mut text: Vec<u8>, byte: u8, at: usize) {
            prop_assert_eq!(position(&text, byte), text.iter().position(|&c| c == byte));
            for c in &mut text {
                *c &= 0x7f;
            }
            prop_assert!(is_ascii(&text));
            if !text.is_empty() {
                let at = at % text.len();
                // Behind a match, the borrow makes one of a byte that differs in its lowest bit.
                text[at] = byte;
                if let Some(next) = text.get_mut(at + 1) {
                    *next = byte ^ 1;
                }
                prop_assert_eq!(position(&text, byte), text.iter().position(|&c| c == byte));
                prop_assert_eq!(is_ascii(&text), text.is_ascii());
            }
        }
    }
}

//! Caveats as L402 writes them: `condition=value` in UTF-8 (L402 §Caveats).
//!
//! 1. A caveat splits at its first `=`; white space around both parts is tolerated when reading and never written.
//! 2. `services=name:tier,…` names the services that a token opens, each with the highest tier.
//! 3. `<service>_capabilities=a,b` restricts a service to some of its capabilities.
//! 4. `<service>_valid_until=<unix seconds>` ends a token.
//! 5. `preimage=<64 hex>` carries the proof of payment where a header has no place for it.
//!
//! A value that does not read as its condition demands denies the request; see [`crate::Unsatisfied`].

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
        let (condition, value) = split_once(bytes, b'=').ok_or(CaveatError::NoValue)?;
        if !bytes.is_ascii() && core::str::from_utf8(bytes).is_err() {
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
pub(crate) struct Services<'a>(&'a [u8]);

impl<'a> Services<'a> {
    pub(crate) fn parse(value: &'a [u8]) -> Option<Self> {
        let services = Self(value);
        for (position, item) in items(value).enumerate() {
            let (name, _) = entry_of(item)?;
            if services.names().take(position).any(|earlier| earlier == name) {
                return None;
            }
        }
        Some(services)
    }

    /// The highest tier of a service, if it is among these.
    pub(crate) fn tier(&self, service: &[u8]) -> Option<u32> {
        items(self.0).filter_map(entry_of).find(|(name, _)| *name == service).map(|(_, tier)| tier)
    }

    pub(crate) fn narrows(&self, earlier: &Self) -> bool {
        items(self.0).filter_map(entry_of).all(|(name, tier)| earlier.tier(name).is_some_and(|most| tier <= most))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        items(self.0).filter_map(|item| split_once(item, b':')).map(|(name, _)| name)
    }
}

/// The value of a capabilities caveat. An empty value is the empty set.
#[derive(Clone, Copy)]
pub(crate) struct Capabilities<'a>(&'a [u8]);

impl<'a> Capabilities<'a> {
    pub(crate) fn parse(value: &'a [u8]) -> Option<Self> {
        let well_formed = value.is_empty() || items(value).all(is_name);
        well_formed.then_some(Self(value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, capability: &[u8]) -> bool {
        self.names().any(|name| name == capability)
    }

    pub(crate) fn narrows(&self, earlier: &Self) -> bool {
        self.names().all(|name| earlier.contains(name))
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
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
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
#[inline]
fn split_once(text: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let (before, rest) = text.split_at_checked(text.iter().position(|&c| c == separator)?)?;
    Some((before, rest.split_first()?.1))
}

/// Whether a name has characters, and no space or tab at either end.
#[inline]
fn is_name(name: &[u8]) -> bool {
    !matches!(name, [] | [b' ' | b'\t', ..] | [.., b' ' | b'\t'])
}

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
    /// Splits the text of a caveat.
    ///
    /// # Errors
    /// [`CaveatError`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, CaveatError> {
        let at = bytes.iter().position(|&c| c == b'=').ok_or(CaveatError::NoValue)?;
        let (condition, value) = bytes.split_at_checked(at).ok_or(CaveatError::NoValue)?;
        let value = value.strip_prefix(b"=").unwrap_or(value);
        let [condition, value] = [condition, value].map(|part| core::str::from_utf8(trim(part)));
        let (condition, value) =
            (condition.map_err(|_| CaveatError::NotUtf8)?, value.map_err(|_| CaveatError::NotUtf8)?);
        if condition.is_empty() {
            return Err(CaveatError::NoCondition);
        }
        Ok(Self { condition, value })
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

/// The value of a `services` caveat, checked: no entry is malformed and no name occurs twice.
#[derive(Clone, Copy)]
pub(crate) struct Services<'a>(&'a str);

impl<'a> Services<'a> {
    pub(crate) fn parse(value: &'a str) -> Option<Self> {
        for (position, entry) in value.split(',').enumerate() {
            let (name, _) = entry_of(entry)?;
            let mut before = value.split(',').take(position).filter_map(entry_of);
            if before.any(|(earlier, _)| earlier == name) {
                return None;
            }
        }
        Some(Self(value))
    }

    /// The highest tier of a service, if it is among these.
    pub(crate) fn tier(&self, service: &str) -> Option<u32> {
        self.entries().find(|(name, _)| *name == service).map(|(_, tier)| tier)
    }

    pub(crate) fn narrows(&self, earlier: &Self) -> bool {
        self.entries().all(|(name, tier)| earlier.tier(name).is_some_and(|most| tier <= most))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.entries().map(|(name, _)| name)
    }

    fn entries(&self) -> impl Iterator<Item = (&'a str, u32)> + use<'a> {
        self.0.split(',').filter_map(entry_of)
    }
}

/// The value of a capabilities caveat. An empty value is the empty set.
#[derive(Clone, Copy)]
pub(crate) struct Capabilities<'a>(&'a str);

impl<'a> Capabilities<'a> {
    pub(crate) fn parse(value: &'a str) -> Option<Self> {
        let well_formed = value.is_empty() || value.split(',').all(is_name);
        well_formed.then_some(Self(value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn contains(&self, capability: &str) -> bool {
        self.names().any(|name| name == capability)
    }

    pub(crate) fn narrows(&self, earlier: &Self) -> bool {
        self.names().all(|name| earlier.contains(name))
    }

    fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.split(',').filter(|name| !name.is_empty())
    }
}

/// A number in decimal digits and nothing else: no sign, no space.
pub(crate) fn number(value: &str) -> Option<u64> {
    let digits = !value.is_empty() && value.bytes().all(|c| c.is_ascii_digit());
    if digits { value.parse().ok() } else { None }
}

fn entry_of(entry: &str) -> Option<(&str, u32)> {
    let (name, tier) = entry.split_once(':')?;
    let tier = u32::try_from(number(tier)?).ok()?;
    is_name(name).then_some((name, tier))
}

/// Cuts spaces and tabs off both ends.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// Whether a name has characters, and no space or tab at either end.
fn is_name(name: &str) -> bool {
    !name.is_empty() && trim(name.as_bytes()).len() == name.len()
}

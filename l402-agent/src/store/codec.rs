//! The protocol's types in the files of the first format, for `#[serde(deserialize_with = "…")]`.

use core::fmt;
use core::str::FromStr;
use l402_core::{Msat, Preimage, Scheme, UnixSeconds};
use serde::{Deserialize, Deserializer, de};

/// A preimage of 64 hexadecimal digits. No copy of the secret stays behind, and no error repeats it.
pub(super) fn preimage<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Preimage, D::Error> {
    deserializer.deserialize_str(Digits)
}

struct Digits;

impl de::Visitor<'_> for Digits {
    type Value = Preimage;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a preimage of 64 hexadecimal digits")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Preimage, E> {
        Preimage::from_hex(text.as_bytes()).map_err(E::custom)
    }
}

/// Whatever is written as text and read from it: origins, methods, payment hashes.
pub(super) fn text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

/// An amount by its number of millisatoshi.
pub(super) fn msat<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Msat, D::Error> {
    u64::deserialize(deserializer).map(Msat::new)
}

/// A point in time by its number of seconds since 1970.
pub(super) fn unix_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<UnixSeconds, D::Error> {
    u64::deserialize(deserializer).map(UnixSeconds::new)
}

/// A scheme by its name.
pub(super) fn scheme<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scheme, D::Error> {
    let name = String::deserialize(deserializer)?;
    Scheme::parse(name.as_bytes()).ok_or_else(|| de::Error::custom("the scheme is neither L402 nor LSAT"))
}

//! The protocol's types in our files, for `#[serde(with = "…")]`.

use core::fmt;
use l402_core::{Preimage, Scheme};
use serde::{Deserialize, Deserializer, Serializer, de};

/// A preimage as 64 hexadecimal digits. No copy of the secret stays behind, and no error repeats it.
pub(super) mod preimage {
    use super::{Deserializer, Digits, Preimage, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(preimage: &Preimage, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(preimage.to_hex().expose())
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Preimage, D::Error> {
        deserializer.deserialize_str(Digits)
    }
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
pub(super) mod text {
    use super::{Deserialize, Deserializer, Serializer, de, fmt};
    use core::str::FromStr;

    pub(in super::super) fn serialize<T: fmt::Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(in super::super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: fmt::Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// A scheme by its name.
pub(super) mod scheme {
    use super::{Deserialize, Deserializer, Scheme, Serializer, de};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(in super::super) fn serialize<S: Serializer>(scheme: &Scheme, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(scheme)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scheme, D::Error> {
        let name = String::deserialize(deserializer)?;
        Scheme::parse(name.as_bytes()).ok_or_else(|| de::Error::custom("the scheme is neither L402 nor LSAT"))
    }
}

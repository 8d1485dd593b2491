//! Words and numbers that a key of the file takes.

use core::fmt;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;

/// A number, or `"unlimited"`, as it is written.
#[derive(Debug, Clone)]
pub(super) struct Count(pub(super) String);

/// What becomes of a use in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum DoubtWord {
    /// It waits for `l402-server uses resolve`.
    Hold,
    /// It is available again after `doubt_after`.
    Refund,
    /// It counts as used after `doubt_after`.
    Charge,
}

/// What a meter counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum UnitWord {
    /// Bytes of the response's body.
    Byte,
    /// Seconds from the head of the response to its end.
    Second,
    /// Tokens of a language model.
    Token,
}

/// What a counted use survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DurabilityWord {
    /// A loss of power. Each response waits for the disk.
    Power,
    /// The end of the process, whatever ends it.
    Process,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor)
    }
}

impl JsonSchema for Count {
    fn schema_name() -> Cow<'static, str> {
        "Uses".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "oneOf": [{ "type": "integer", "minimum": 1, "maximum": u32::MAX }, { "const": "unlimited" }] })
    }
}

struct CountVisitor;

impl Visitor<'_> for CountVisitor {
    type Value = Count;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number from 1 to 4294967295, or \"unlimited\"")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Count, E> {
        Ok(Count(number.to_string()))
    }

    fn visit_str<E: Error>(self, word: &str) -> Result<Count, E> {
        Ok(Count(word.to_owned()))
    }
}

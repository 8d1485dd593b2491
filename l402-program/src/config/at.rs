//! A value of the configuration that remembers where it came from.

use core::ops::Range;
#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
#[cfg(feature = "schema")]
use std::borrow::Cow;
use toml::Spanned;

/// A value and its origin.
#[derive(Debug, Clone)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it was given.
    pub origin: ValueOrigin,
}

/// Where a value was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValueOrigin {
    /// These bytes of the file.
    Bytes(Range<usize>),
    /// This variable of the environment.
    Variable(&'static str),
}

impl<T> At<T> {
    /// Wraps the value of a variable of the environment.
    pub const fn variable(name: &'static str, value: T) -> Self {
        Self { value, origin: ValueOrigin::Variable(name) }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        let origin = ValueOrigin::Bytes(spanned.span());
        Ok(Self { value: spanned.into_inner(), origin })
    }
}

#[cfg(feature = "schema")]
impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

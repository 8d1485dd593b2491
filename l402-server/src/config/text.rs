//! A text that may be secret: written out, or named by a variable of the environment.

use core::fmt;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// Either the text itself, or `{ env = "NAME", prefix = "Bearer " }`: what the variable holds, with something before it.
#[derive(Clone)]
pub(super) enum Text {
    Literal(Zeroizing<String>),
    Variable { name: String, prefix: String },
}

impl Text {
    /// Wraps a text that is no secret.
    pub(super) fn literal(text: &str) -> Self {
        Self::Literal(Zeroizing::new(text.to_owned()))
    }

    /// Returns the text; variables come from `environment`.
    ///
    /// # Errors
    /// [`NotSet`] when the variable is missing or empty.
    pub(super) fn resolve(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Zeroizing<String>, NotSet> {
        match self {
            Self::Literal(text) => Ok(text.clone()),
            Self::Variable { name, prefix } => {
                let value = environment(name).map(Zeroizing::new).filter(|value| !value.is_empty());
                let value = value.ok_or_else(|| NotSet(name.clone()))?;
                Ok(Zeroizing::new([prefix, value.as_str()].concat()))
            }
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("Literal(redacted)"),
            Self::Variable { name, .. } => f.debug_tuple("Variable").field(name).finish(),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The text itself, or the variable of the environment that holds it.",
            "oneOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": {
                        "env": { "type": "string", "description": "The variable." },
                        "prefix": { "type": "string", "description": "What goes before its value, such as `Bearer `." },
                    },
                    "required": ["env"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

/// A variable of the environment is missing or empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotSet(String);

impl fmt::Display for NotSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the environment variable {} is not set", self.0)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or { env = \"NAME\" }")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
        Ok(Text::literal(text))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Text, M::Error> {
        let (mut name, mut prefix) = (None, String::new());
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "env" => name = Some(map.next_value()?),
                "prefix" => prefix = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    return Err(M::Error::unknown_field(&key, &["env", "prefix"]));
                }
            }
        }
        let name = name.ok_or_else(|| M::Error::missing_field("env"))?;
        Ok(Text::Variable { name, prefix })
    }
}

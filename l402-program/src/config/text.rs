//! A text that may be secret: written out, or named by a variable of the environment.

use core::fmt;
#[cfg(feature = "schema")]
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
#[cfg(feature = "schema")]
use std::borrow::Cow;
use zeroize::Zeroizing;

/// Either the text itself, or `{ env = "NAME", prefix = "Bearer " }`: what the variable holds, with something before it.
#[derive(Clone)]
pub struct Text(Written);

#[derive(Clone)]
enum Written {
    Literal(Zeroizing<String>),
    Variable { name: String, prefix: String },
}

impl Text {
    /// Wraps a text that is no secret.
    pub fn literal(text: &str) -> Self {
        Self(Written::Literal(Zeroizing::new(text.to_owned())))
    }

    /// Returns the text; variables come from `environment`.
    ///
    /// # Errors
    /// [`TextError`].
    pub fn resolve(&self, environment: &dyn Fn(&str) -> Option<String>) -> Result<Zeroizing<String>, TextError> {
        match &self.0 {
            Written::Literal(text) => match variable_in(text) {
                Some((prefix, name)) => {
                    Err(TextError(Fault::NotPutIn { name: name.to_owned(), prefix: prefix.to_owned() }))
                }
                None => Ok(text.clone()),
            },
            Written::Variable { name, prefix } => {
                let value = environment(name).map(Zeroizing::new).filter(|value| !value.is_empty());
                let value = value.ok_or_else(|| TextError(Fault::NotSet(name.clone())))?;
                Ok(Zeroizing::new([prefix, value.as_str()].concat()))
            }
        }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Written::Literal(_) => f.write_str("Literal(redacted)"),
            Written::Variable { name, .. } => f.debug_tuple("Variable").field(name).finish(),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

#[cfg(feature = "schema")]
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

/// Finds `${NAME}` anywhere, or `$NAME` at the end, with what stands before it: a shell would put a value in there, and a
/// configuration file does not.
fn variable_in(text: &str) -> Option<(&str, &str)> {
    let (prefix, rest) = text.split_once('$')?;
    let (name, is_braced) = match rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some((name, _)) => (name, true),
        None => (rest, false),
    };
    let is_name = is_variable(name) && (is_braced || name.len() >= SHORTEST_NAME);
    is_name.then_some((prefix, name))
}

/// Whether this looks like the name of a variable, and not like a value.
fn is_variable(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    name.bytes().next().is_some_and(is_letter) && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

/// Why there is no text. It shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct TextError(Fault);

#[derive(Clone, PartialEq, Eq)]
enum Fault {
    /// A variable of the environment is missing or empty.
    NotSet(String),
    /// The text names a variable as a shell does.
    NotPutIn { name: String, prefix: String },
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Fault::NotSet(name) if is_variable(name) => write!(f, "the environment variable {name} is not set"),
            Fault::NotSet(_) => f.write_str(
                "the environment variable that `env` names is not set; write its name there, such as \"MODEL_KEY\", and no key",
            ),
            Fault::NotPutIn { name, prefix } if prefix.is_empty() => {
                write!(f, "environment variables are not expanded here; write {{ env = \"{name}\" }} instead")
            }
            Fault::NotPutIn { name, prefix } => {
                // What stands before it is a word such as `Bearer`, or may be half of a secret.
                let prefix = if PREFIXES.contains(&prefix.as_str()) { prefix } else { "…" };
                write!(f, "environment variables are not expanded here; write {{ env = \"{name}\", prefix = \"{prefix}\" }} instead")
            }
        }
    }
}

impl fmt::Debug for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for TextError {}

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
        Ok(Text(Written::Variable { name, prefix }))
    }
}

/// A shorter name, without braces, may be a part of a password.
const SHORTEST_NAME: usize = 3;

/// What usually stands before a key.
const PREFIXES: [&str; 4] = ["Bearer ", "bearer ", "Basic ", "Token "];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_as_a_shell_writes_it_is_found() {
        for (text, found) in [
            ("Bearer ${OPENAI_KEY}", Some(("Bearer ", "OPENAI_KEY"))),
            ("${K}", Some(("", "K"))),
            ("Bearer $OPENAI_KEY", Some(("Bearer ", "OPENAI_KEY"))),
            ("pa$$word", None),
            ("pa$wORD", None),
            ("ends with $A", None),
            ("${not a name}", None),
            ("plain", None),
        ] {
            assert_eq!(variable_in(text), found, "{text}");
        }
    }
}

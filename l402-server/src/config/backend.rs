//! The table of the file that says where invoices come from. Its keys are those of the backends: see [`crate::backends`].

use core::fmt;
use l402_lightning::backend::PayeeBackend;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::path::PathBuf;

use super::at::{At, ValueOrigin};
use crate::backends::{BUILT, KNOWN, PAYEES};

/// Where invoices come from, as it is written. What the settings say, the backend reads itself.
#[derive(Debug, Default)]
pub(super) struct Lightning {
    /// Which backend.
    pub(super) backend: Option<At<BackendName>>,
    /// The other settings: their keys, and where they are written.
    pub(super) settings: Vec<(String, ValueOrigin)>,
}

/// The name of a backend, of this build or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct BackendName(pub(super) &'static str);

/// Returns the backends of this build that have such a setting.
pub(super) fn owners(key: &str) -> impl Iterator<Item = &'static dyn PayeeBackend> {
    PAYEES.iter().copied().filter(move |backend| {
        let schema = backend.schema(&mut SchemaGenerator::default());
        properties(&schema).is_some_and(|properties| properties.contains_key(key))
    })
}

impl<'de> Deserialize<'de> for Lightning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TableVisitor)
    }
}

struct TableVisitor;

impl<'de> Visitor<'de> for TableVisitor {
    type Value = Lightning;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("struct Lightning")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Lightning, M::Error> {
        let mut table = Lightning::default();
        while let Some(Key(key)) = map.next_key()? {
            if key == BACKEND {
                table.backend = Some(map.next_value()?);
            } else {
                table.settings.push((key, map.next_value::<At<IgnoredAny>>()?.origin));
            }
        }
        Ok(table)
    }
}

/// A key of the table. One that no backend has is an error at once, unless it may belong to a backend that this build leaves out.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        if key == BACKEND || BUILT.len() < KNOWN.len() || owners(&key).next().is_some() {
            return Ok(Self(key));
        }
        let schema = Lightning::json_schema(&mut SchemaGenerator::default());
        let known = properties(&schema).into_iter().flat_map(Map::keys).map(String::as_str);
        Err(unknown("field", &key, known))
    }
}

impl<'de> Deserialize<'de> for BackendName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = KNOWN.iter().map(|(known, _)| *known);
        known.clone().find(|known| *known == name).map(Self).ok_or_else(|| unknown("variant", &name, known))
    }
}

/// In the words of serde, which needs a list that was known when it was compiled.
fn unknown<'a, E: Error>(what: &str, given: &str, known: impl Iterator<Item = &'a str>) -> E {
    let known: Vec<String> = known.map(|known| format!("`{known}`")).collect();
    E::custom(format_args!("unknown {what} `{given}`, expected one of {}", known.join(", ")))
}

/// Where invoices come from.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Lightning")]
#[expect(dead_code, reason = "a schema")]
struct Shared {
    backend: Option<BackendName>,
    /// Directory of the node or sandbox. Default: in the data directory.
    storage_dir: Option<PathBuf>,
    /// ldk, lnd, nwc, gateway: the Bitcoin network. Optional with all but ldk: then it is the node's, which must run when the gateway
    /// starts.
    network: Option<Network>,
}

/// A Bitcoin network.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "a schema")]
enum Network {
    /// Real money.
    Bitcoin,
    /// The public test network.
    Testnet,
    /// The test network with signed blocks.
    Signet,
    /// A private network.
    Regtest,
}

impl JsonSchema for Lightning {
    fn schema_name() -> Cow<'static, str> {
        "Lightning".into()
    }

    /// The settings of all backends, each with the names of those that have it, and those that mean the same for all.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Shared::json_schema(generator);
        let tables: Vec<_> = PAYEES.iter().map(|backend| (backend.name(), backend.schema(generator))).collect();
        let Some(all) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return schema };
        for (key, setting) in tables.iter().filter_map(|(_, table)| properties(table)).flatten() {
            let has_it = |table: &Schema| properties(table).is_some_and(|properties| properties.contains_key(key));
            let names: Vec<&str> = tables.iter().filter(|(_, table)| has_it(table)).map(|(name, _)| *name).collect();
            all.entry(key).or_insert_with(|| of(&names, setting));
        }
        if let Some(backend) = all.get_mut(BACKEND).and_then(Value::as_object_mut) {
            backend.insert("description".to_owned(), choice().into());
        }
        schema
    }
}

impl JsonSchema for BackendName {
    fn schema_name() -> Cow<'static, str> {
        "Backend".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let of_one = |backend: &&dyn PayeeBackend| json_schema!({ "type": "string", "const": backend.name(), "description": backend.about() });
        let each: Vec<Schema> = PAYEES.iter().map(of_one).collect();
        json_schema!({ "description": "Which node makes the invoices.", "oneOf": each })
    }
}

/// Says what there is to choose from, and what is chosen by default.
fn choice() -> String {
    let each: Vec<String> =
        PAYEES.iter().map(|backend| format!("`{}`: {}.", backend.name(), backend.about())).collect();
    let chosen = KNOWN.iter().filter(|(_, variables)| !variables.is_empty());
    let or: Vec<String> = chosen.map(|(name, _)| format!(", or `{name}` if one of its variables is set")).collect();
    let default = KNOWN.first().map_or("", |(name, _)| name);
    format!("{} Default: `{default}`{}.", each.join(" "), or.concat())
}

/// Puts the names of the backends before the description of a setting.
fn of(names: &[&str], setting: &Value) -> Value {
    let mut setting = setting.clone();
    if let Some(Value::String(about)) = setting.get_mut("description") {
        *about = format!("{}: {about}", names.join(", "));
    }
    setting
}

fn properties(schema: &Schema) -> Option<&Map<String, Value>> {
    schema.get("properties")?.as_object()
}

const BACKEND: &str = "backend";

//! What the gateway is told: a TOML file, a few variables of the environment, or both.
//!
//! 1. A key that is not known is an error, and so is a value that makes no sense; each names the key, its line, and what
//!    to do. All problems of one file are told at once.
//! 2. A token for one route opens no other: each route has a capability of its own unless the file says otherwise,
//!    and routes that share one must be priced so that a cheap token does not open a dear route.
//! 3. Secrets may be named by a variable of the environment; no error, log or `Debug` shows them.
//! 4. Paths in a file are relative to the folder of that file.
//! 5. An environment variable of [`crate::variables`] overrides the file; an empty one is not set. Any of those for LND makes `lnd` the
//!    backend where the file names none. `LND_CONNECT` stands for the other three as far as they are not set; of the file, none of
//!    the four counts then.

// Threat T3.

mod backend;
mod cors;
mod elsewhere;
mod file;
mod kept;
mod ledger;
mod ledger_table;
mod lightning;
mod limits;
mod meter;
mod price;
mod replicas;
mod resolve;
mod resolver;
mod route;
mod service;
mod span;
mod uses;
mod warn;
mod words;

use core::time::Duration;
use l402_program::config::{at, error};
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

pub use error::{ConfigError, ConfigProblem};
pub use file::LogFormat;
pub use l402_program::config::Environment;
pub use price::{RoutePrice, RoutePriceError};
pub use span::{Span, SpanError};

use at::At;
use file::File;
use l402_gateway::settings::Settings;
use l402_lightning::backend::PayeeSetup;
use l402_program::config::{Source, load};
use l402_replica::Address;
pub(crate) use ledger_table::LedgerTable;
pub(crate) use resolver::Resolver;
use words::Count;
pub(crate) use words::DurabilityWord;

use crate::stores::StoreSetup;
use crate::variables;

/// A configuration that makes sense.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// What is served, and how.
    pub settings: Settings,
    /// How the log looks.
    pub log: Log,
    /// Where invoices come from.
    pub lightning: Arc<dyn PayeeSetup>,
    /// Where uses are counted.
    pub ledger: Arc<dyn StoreSetup>,
    /// How long the last list of revoked tokens holds while the ledger does not answer.
    pub deny_list_max_age: Duration,
    /// Where gateways without a node ask for invoices, if anywhere.
    pub replicas: Option<Address>,
    /// What a setting that was left out means, where that may surprise: a sentence each.
    pub notes: Vec<String>,
}

/// How the log looks.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// A level or a filter, as `tracing-subscriber` reads it.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::default(), filter: "info".to_owned() }
    }
}

impl Config {
    /// Says what is valid and may not be meant, a sentence each: where an upstream that reads paths loosely could serve what is
    /// sold for less.
    pub fn warnings(&self) -> Vec<String> {
        warn::warnings(self)
    }

    /// Reads a file; `environment` goes before it.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn from_file(path: &Path, environment: Environment<'_>) -> Result<Self, ConfigError> {
        Self::load(Source::File(path), environment)
    }

    /// Reads a configuration from a text, in whose place in the file system relative paths begin.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    ///
    /// ```
    /// use l402_server::config::Config;
    ///
    /// let text = "upstream = \"http://127.0.0.1:3000\"\nprice = \"21 sat\"\ndata_dir = \"data\"";
    /// let config = Config::from_text(text, &|_| None)?;
    /// assert_eq!(config.settings.services()[0].routes[0].offer.price_msat.get(), 21_000);
    ///
    /// let error = Config::from_text("prise = \"21 sat\"", &|_| None).unwrap_err();
    /// assert_eq!(error.to_string(), "line 1: prise: unknown key `prise`; did you mean `price`?");
    /// # Ok::<(), l402_server::config::ConfigError>(())
    /// ```
    pub fn from_text(text: &str, environment: Environment<'_>) -> Result<Self, ConfigError> {
        Self::load(Source::Text(text), environment)
    }

    /// Makes a configuration from the environment alone.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`].
    pub fn from_environment(environment: Environment<'_>) -> Result<Self, ConfigError> {
        Self::load(Source::Nothing, environment)
    }

    fn load(source: Source<'_>, environment: Environment<'_>) -> Result<Self, ConfigError> {
        let loaded = load(source, |mut file: File, place| {
            override_by(&mut file, environment);
            Resolver::new(place.text, place.base, environment).resolve(file)
        });
        loaded.map_err(elsewhere::told)
    }
}

/// Returns the JSON schema of the configuration file.
pub fn schema() -> String {
    let settings = SchemaSettings::default().with_transform(RecursiveTransform(without_null));
    let schema = settings.into_generator().into_root_schema_for::<File>();
    serde_json::to_string_pretty(&schema).unwrap_or_default() // a schema is a plain JSON value
}

/// TOML has no null: what may be left out is simply not there.
fn without_null(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else { return };
    if object.get("default").is_some_and(Value::is_null) {
        object.remove("default");
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
    }
}

/// Environment variables override the file. Those for LND are read with the settings of LND.
fn override_by(file: &mut File, environment: Environment<'_>) {
    variables::UPSTREAM.over(environment, &mut file.upstream);
    variables::PRICE.over(environment, &mut file.price);
    if let Some(uses) = variables::USES.read(environment) {
        file.uses = Some(At::variable(variables::USES.name, Count(uses)));
    }
    variables::LISTEN.over(environment, &mut file.listen);
    if let Some(directory) = variables::DATA_DIR.read(environment) {
        file.data_dir = Some(directory.into());
    }
}

//! The state of this machine.

use schemars::JsonSchema;
use serde::Serialize;

/// `l402 doctor`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Diagnosis {
    /// Whether nothing fails.
    pub ok: bool,
    /// What was looked at.
    pub findings: Vec<Found>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    /// What: `home`, `data`, `store`, `clock`, `budgets`, `wallets`, `breakers`, `payments`, `policy`, `wallet` or `broker`.
    pub check: &'static str,
    /// How it is.
    pub level: Level,
    /// What was found; the text may change.
    pub message: String,
    /// What to do.
    pub advice: Option<String>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and something should be done.
    Warn,
    /// It keeps the command from paying.
    Fail,
}

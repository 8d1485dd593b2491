//! What calls about uses, revocations and keys are answered from.

use core::time::Duration;
use l402_ledger::Ledger;
use std::path::PathBuf;

use crate::settings::Settings;

/// A ledger, and what of the settings says how long a token can be valid.
#[derive(Debug, Clone)]
pub struct Books {
    pub(super) ledger: Ledger,
    pub(super) key_dir: PathBuf,
    pub(super) longest_sale: Duration,
}

impl Books {
    /// Joins a ledger with the settings of its gateway.
    pub fn new(ledger: Ledger, settings: &Settings) -> Self {
        Self { ledger, key_dir: settings.key_dir.clone(), longest_sale: settings.longest_sale() }
    }
}

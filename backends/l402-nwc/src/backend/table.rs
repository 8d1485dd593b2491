//! The settings of a wallet that a gateway is paid by: from the file, from the environment, or from both.

use crate::config::NwcConfig;
use crate::find::FindError;
use crate::uri::NwcUri;
use l402_lightning::Network;
use l402_lightning::backend::{PayeeTable, network};
use l402_program::Causes;
use l402_program::config::{At, Problems, Text, ValueOrigin};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::Path;
use zeroize::Zeroizing;

/// The settings as they are written. The doc comments are the descriptions in the printed schema.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct NwcTable {
    /// the Bitcoin network.
    #[serde(deserialize_with = "network")]
    #[schemars(with = "Option<String>")]
    network: Option<Network>,
    /// connection string of the wallet, `nostr+walletconnect://…`, or the path of a file (mode 600) that holds it.
    uri: Option<At<Text>>,
    /// takes a connection that allows to spend. Default: false.
    allow_spending: Option<bool>,
    /// how many invoices may be unpaid at the same time. Default: 1000.
    max_unpaid: Option<usize>,
    /// how many invoices are asked for in a second, on average. Default: 10.
    invoices_per_second: Option<u32>,
}

impl NwcTable {
    /// Turns what is written into settings that make sense.
    pub(super) fn config(self, table: &PayeeTable<'_>, problems: &mut Problems<'_>) -> Option<NwcConfig> {
        let key = table.key("uri");
        let set = (table.environment)(VARIABLE).map(Zeroizing::new).filter(|value| !value.trim().is_empty());
        let (text, origin, base) = match (set, self.uri) {
            (Some(text), _) => (text, ValueOrigin::Variable(VARIABLE), Path::new("")),
            (None, Some(at)) => match at.value.resolve(table.environment) {
                Ok(text) => (text, at.origin, table.base),
                Err(fault) => {
                    problems.wrong_at(&key, &at.origin, fault);
                    return None;
                }
            },
            (None, None) => {
                problems.missing(&key, format_args!("{}; write it here, or set {VARIABLE}", FindError::Missing));
                return None;
            }
        };
        let uri = NwcUri::find(&text, base).map_err(|fault| problems.wrong_at(&key, &origin, Causes(&fault))).ok()?;
        let mut config = NwcConfig::new(uri);
        config.network = self.network;
        config.allow_spending = self.allow_spending.unwrap_or(false);
        config.max_unpaid = self.max_unpaid.unwrap_or(config.max_unpaid);
        config.invoices_per_second = self.invoices_per_second.unwrap_or(config.invoices_per_second);
        Some(config)
    }
}

pub(super) const VARIABLE: &str = "NWC_URI";

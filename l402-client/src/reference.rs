//! Exit codes, settings and environment variables as Markdown, from the tables that the program itself uses.

use crate::exit::Exit;
use crate::variables;
use core::fmt::Write as _;

/// A key of the configuration file.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The key, with that of its table: `lnd.socket`.
    pub key: &'static str,
    /// What it is unless it is set; empty where it must be set before it is needed.
    pub default: &'static str,
    /// What it says, in a sentence.
    pub about: &'static str,
}

/// Every key of the configuration file.
pub const SETTINGS: [Setting; 9] = [
    setting("wallet", "sandbox", "The wallet that pays: `sandbox`, `ldk` or `lnd`."),
    setting("max_price", "100 sat", "The most to pay for one call, fees not counted."),
    setting("max_fee", "10 sat", "The most to pay for routing."),
    setting("ldk.network", "", "The network of the embedded node: `bitcoin`, `testnet`, `signet` or `regtest`."),
    setting(
        "ldk.chain",
        "",
        "Where the embedded node sees the chain: `{ esplora = URL }`, `{ electrum = URL }` or `{ bitcoind = … }`.",
    ),
    setting("lnd.network", "bitcoin", "The network of LND."),
    setting("lnd.socket", "", "Host and port of LND's gRPC interface."),
    setting("lnd.cert", "", "The path of LND's certificate, or the certificate itself."),
    setting(
        "lnd.macaroon",
        "",
        "The path of a macaroon with `info:read offchain:read offchain:write`, or the macaroon itself.",
    ),
];

const fn setting(key: &'static str, default: &'static str, about: &'static str) -> Setting {
    Setting { key, default, about }
}

/// Returns the table of exit codes.
pub fn exit_codes() -> String {
    let mut table = String::from("| code | name | meaning |\n|---|---|---|\n");
    for exit in Exit::ALL {
        let _ = writeln!(table, "| {} | `{}` | {} |", exit.code(), exit.name(), exit.about());
    }
    table
}

/// Returns the table of settings.
pub fn settings() -> String {
    let mut table = String::from("| key | default | variable | meaning |\n|---|---|---|---|\n");
    for Setting { key, default, about } in SETTINGS {
        let variable = variables::ALL.iter().find(|variable| variable.key == key);
        let [default, variable] = [default, variable.map_or("", |variable| variable.name)].map(code);
        let _ = writeln!(table, "| `{key}` | {default} | {variable} | {about} |");
    }
    table
}

/// Returns the table of environment variables.
pub fn environment() -> String {
    let mut table = String::from("| variable | meaning |\n|---|---|\n");
    for variable in variables::ALL {
        let _ = writeln!(table, "| `{}` | {} |", variable.name, variable.about);
    }
    table
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use l402_agent::{DEFAULT_MAX_FEE, DEFAULT_MAX_PRICE};

    #[test]
    fn the_configuration_has_every_setting_of_the_table() {
        for Setting { key, .. } in SETTINGS {
            // A value of no key's type: one that is unknown is told otherwise.
            let fault = Config::parse(&format!("{key} = 2024-01-01")).unwrap_err().to_string();
            assert!(!fault.contains("unknown key"), "{fault}");
        }
    }

    #[test]
    fn the_table_has_every_setting_of_the_configuration() {
        for table in ["", "ldk.", "lnd."] {
            let fault = Config::parse(&format!("{table}zzzzzzzzzzzzzzzzzzzzzzzz = 1")).unwrap_err().to_string();
            let (_, keys) = fault.split_once("valid are ").unwrap_or_else(|| panic!("{fault}"));
            for key in keys.split(", ").map(|key| format!("{table}{key}")) {
                let below = format!("{key}.");
                assert!(SETTINGS.iter().any(|setting| setting.key == key || setting.key.starts_with(&below)), "{key}");
            }
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_agent() {
        let default = |key| SETTINGS.iter().find(|setting| setting.key == key).map(|setting| setting.default.parse());
        assert_eq!(default("max_price"), Some(Ok(DEFAULT_MAX_PRICE)));
        assert_eq!(default("max_fee"), Some(Ok(DEFAULT_MAX_FEE)));
    }

    #[test]
    fn the_tables_have_rows() {
        assert!(exit_codes().contains("\n| 8 | `unknown` | the payment may still succeed"));
        assert!(settings().contains("\n| `wallet` | `sandbox` | `L402_WALLET` | "));
        assert!(environment().contains("\n| `all_proxy` | "));
    }
}

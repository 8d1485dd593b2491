//! Exit codes, settings and environment variables as Markdown, from the tables that the program itself uses.

use crate::exit::Exit;
use crate::variables;
use crate::wallet::WalletKind;
use core::fmt::Write as _;
use l402_agent::policy::{PolicySetting, SETTINGS};
use l402_lightning::backend::PayerSetting;

/// A key of the configuration file.
#[derive(Debug, Clone)]
pub struct SettingRow {
    /// The key, with that of its table: `lnd.socket`.
    pub key: String,
    /// What it is unless it is set; empty where it must be set before it is needed.
    pub default: &'static str,
    /// What it says, in a sentence.
    pub about: String,
}

/// Returns every key of the configuration file: those at its top, and the tables of the wallets of this build.
pub fn all_settings() -> Vec<SettingRow> {
    let names: Vec<String> = WalletKind::all().map(|kind| format!("`{}`", kind.name())).collect();
    let usual = WalletKind::usual().map_or("", WalletKind::name);
    let names = match names.as_slice() {
        [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        names => names.concat(),
    };
    let own = [
        ("wallet", usual, format!("The wallet that pays: {names}.")),
        ("max_price", "100 sat", "The most to pay for one call, fees not counted.".to_owned()),
        ("max_fee", "10 sat", "The most to pay for routing.".to_owned()),
    ];
    let own = own.into_iter().map(|(key, default, about)| SettingRow { key: key.to_owned(), default, about });
    let wallets = WalletKind::all().flat_map(|kind| kind.settings().iter().map(move |setting| (kind, setting)));
    let wallets = wallets.map(|(kind, PayerSetting { key, default, about })| SettingRow {
        key: format!("{}.{key}", kind.name()),
        default,
        about: (*about).to_owned(),
    });
    own.chain(wallets).collect()
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
    let variables = variables::all();
    for SettingRow { key, default, about } in all_settings() {
        let variable = variables.iter().find(|variable| variable.key == key);
        let [default, variable] = [default, variable.map_or("", |variable| variable.name)].map(code);
        let _ = writeln!(table, "| `{key}` | {default} | {variable} | {about} |");
    }
    table
}

/// Returns the table of the keys of a policy.
pub fn policy() -> String {
    let mut table = String::from("| table | key | default | meaning |\n|---|---|---|---|\n");
    for PolicySetting { table: place, key, default, about } in SETTINGS {
        let _ = writeln!(table, "| {} | `{key}` | {default} | {about} |", code(place));
    }
    table
}

/// Returns the table of environment variables.
pub fn environment() -> String {
    let mut table = String::from("| variable | meaning |\n|---|---|\n");
    for variable in variables::all() {
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
    use l402_agent::amount::Amount;
    use l402_agent::{DEFAULT_MAX_FEE, DEFAULT_MAX_PRICE};

    #[test]
    fn the_configuration_has_every_setting_of_the_table() {
        for SettingRow { key, .. } in all_settings() {
            // A value of no key's type: one that is unknown is told otherwise.
            let fault = Config::parse(&format!("{key} = 2024-01-01")).unwrap_err().to_string();
            assert!(!fault.contains("unknown key"), "{fault}");
        }
    }

    #[test]
    fn the_table_has_every_setting_of_the_configuration() {
        let kinds = WalletKind::all().filter(|kind| !kind.settings().is_empty());
        for table in kinds.map(|kind| format!("{}.", kind.name())).chain([String::new()]) {
            let fault = Config::parse(&format!("{table}zzzzzzzzzzzzzzzzzzzzzzzz = 1")).unwrap_err().to_string();
            let (_, keys) = fault.split_once("valid are ").unwrap_or_else(|| panic!("{fault}"));
            for key in keys.split(", ").map(|key| format!("{table}{key}")) {
                let below = format!("{key}.");
                assert!(
                    all_settings().into_iter().any(|setting| setting.key == key || setting.key.starts_with(&below)),
                    "{key}"
                );
            }
        }
    }

    #[test]
    fn the_defaults_are_those_of_the_agent() {
        let default =
            |key| all_settings().into_iter().find(|setting| setting.key == key).map(|setting| setting.default.parse());
        assert_eq!(default("max_price"), Some(Ok(Amount::new(DEFAULT_MAX_PRICE))));
        assert_eq!(default("max_fee"), Some(Ok(Amount::new(DEFAULT_MAX_FEE))));
    }

    #[test]
    fn the_tables_have_rows() {
        assert!(exit_codes().contains("\n| 8 | `unknown` | the payment may still succeed"));
        assert!(settings().contains("\n| `wallet` | `sandbox` | `L402_WALLET` | "));
        assert!(environment().contains("\n| `all_proxy` | "));
    }
}

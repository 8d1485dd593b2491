//! A configuration is read here with fixed environment variables.

use core::any::Any;
use l402_lightning::backend::PayeeSetup;
use l402_server::config::Config;

pub(crate) fn environment(name: &str) -> Option<String> {
    let value = match name {
        "MODEL_KEY" => "sk-canary",
        "BITCOIND_PASSWORD" => "rpc-canary",
        "BROKEN_KEY" => "sk-\ncanary",
        "LEDGER_URL" => "postgres://l402@127.0.0.1/l402",
        "EMPTY" => "",
        "L402_SERVER_DATA_DIR" => "/data",
        _ => return None,
    };
    Some(value.to_owned())
}

pub(crate) fn read(text: &str) -> Config {
    Config::from_text(text, &environment).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

/// The settings of the backend that was chosen.
pub(crate) fn setup<S: PayeeSetup>(config: &Config) -> &S {
    let setup: &dyn PayeeSetup = &*config.lightning;
    let setup: &dyn Any = setup;
    setup.downcast_ref().unwrap_or_else(|| panic!("another backend: {:?}", config.lightning))
}

pub(crate) fn fault(text: &str) -> String {
    Config::from_text(text, &environment).expect_err(text).to_string()
}

/// A file with one service, into which a line of it, or a whole table, is put.
pub(crate) fn with_service(lines: &str) -> String {
    format!("[[service]]\nname = \"weather\"\nupstream = \"http://127.0.0.1:3000\"\n{lines}")
}

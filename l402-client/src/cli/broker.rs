//! `l402 serve`, what reaches it, and the keys that it knows.

use crate::variables;
use clap::{Args, Subcommand};
use l402_agent::policy::AddressRule;
use std::path::PathBuf;

/// The broker that pays in place of this command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Broker")]
pub struct BrokerArgs {
    /// Broker that fetches and pays: `unix:PATH`, as `l402 serve` prints it
    ///
    /// Understood by `get` and `mcp`. The broker has the wallet, and the key says which budget pays.
    #[arg(long, global = true, value_name = "ADDRESS", env = variables::AGENT.name)]
    pub agent: Option<String>,
    /// File with the key of a budget, mode 0600
    #[arg(long, global = true, value_name = "FILE", env = variables::AGENT_KEY_FILE.name)]
    pub agent_key_file: Option<PathBuf>,
}

/// `l402 serve`.
#[derive(Debug, Clone, Args)]
pub struct ServeArgs {
    /// Socket for agents [default: `broker/agent.sock` in the data directory]
    ///
    /// Its directory must be one that only its owner can write to.
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Who may connect to it: 600 is this user, 660 its group, 666 every user
    ///
    /// A key is needed in any case.
    #[arg(long, value_name = "MODE", default_value = "600", value_parser = mode)]
    pub socket_mode: u32,
    /// Address that is not public and may be reached, with its port
    ///
    /// Such as `127.0.0.1:8402` or `10.0.0.0/8:443`. Can be repeated.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub allow_address: Vec<AddressRule>,
}

/// `l402 budget key`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum KeyCommand {
    /// Make a key of a budget, and print it: it is shown this once
    ///
    /// Example: `l402 budget key new research --uid 1001 > key`
    New {
        /// The name of the budget
        name: String,
        /// The only user of the system who may use it
        #[arg(long, value_name = "NUMBER")]
        uid: Option<u32>,
    },
    /// List the keys, without what is secret of them
    List,
    /// Revoke a key for good
    Revoke {
        /// Its number, as `list` shows it
        id: i64,
    },
}

fn mode(text: &str) -> Result<u32, &'static str> {
    match text.trim_start_matches('0') {
        "600" => Ok(0o600),
        "660" => Ok(0o660),
        "666" => Ok(0o666),
        _ => Err("write 600, 660 or 666"),
    }
}

//! `l402 mcp`.

use clap::Args;
use l402_agent::amount::Amount;
use l402_agent::policy::AddressRule;
use std::path::PathBuf;

/// What an agent may do over the Model Context Protocol.
#[derive(Debug, Clone, Args)]
pub struct McpArgs {
    /// Budget that pays, from `l402 budget list` [default: nothing is paid]
    #[arg(long, value_name = "NAME")]
    pub budget: Option<String>,
    /// Maximum price of a call [default: configured, or 100 sat]
    #[arg(long, value_name = "AMOUNT")]
    pub max_price: Option<Amount>,
    /// Maximum routing fee of a call [default: configured, or 10 sat]
    #[arg(long, value_name = "AMOUNT")]
    pub max_fee: Option<Amount>,
    /// Address that is not public and may be reached, with its port
    ///
    /// Such as `127.0.0.1:8402` or `10.0.0.0/8:443`. Can be repeated.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub allow_address: Vec<AddressRule>,
    /// Directory for long bodies [default: `mcp` in the data directory]
    #[arg(long, value_name = "DIR")]
    pub files: Option<PathBuf>,
    /// Maximum size of all files in it, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 30)]
    pub quota: u64,
}

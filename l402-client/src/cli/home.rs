//! Where things are kept, and what pays.

use crate::variables;
use crate::wallet::{WalletFlag, WalletKind};
use clap::Args;
use l402_lightning::Network;
use std::path::PathBuf;

/// Where tokens, payments and the wallet live. Understood by every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Home and wallet")]
pub struct HomeArgs {
    /// Data directory [default: `l402` in your data directory]
    #[arg(long, global = true, value_name = "DIR", env = variables::DATA_DIR.name)]
    pub data_dir: Option<PathBuf>,
    /// Configuration file [default: `l402/client.toml`]
    ///
    /// The default is in your configuration directory, and does not have to exist.
    #[arg(long, global = true, value_name = "FILE", env = variables::CONFIG.name)]
    pub config: Option<PathBuf>,
    /// Policy file [default: `policy.toml` in the data directory, if it exists]
    #[arg(long, global = true, value_name = "FILE", env = variables::POLICY.name)]
    pub policy: Option<PathBuf>,
    /// Wallet that pays [default: configured, or sandbox]
    #[arg(long, global = true, value_parser = WalletKind::parser(), env = variables::WALLET.name)]
    pub wallet: Option<WalletFlag>,
    /// File through which the sandbox is found [default: automatic]
    #[arg(long, global = true, value_name = "FILE", env = variables::SANDBOX.name)]
    pub sandbox: Option<PathBuf>,
    /// Bitcoin network [default: configured; with LND: bitcoin]
    #[arg(long, global = true, env = variables::NETWORK.name)]
    pub network: Option<Network>,
    /// Esplora server for the embedded wallet
    #[arg(long, global = true, value_name = "URL", conflicts_with = "electrum")]
    pub esplora: Option<String>,
    /// Electrum server for the embedded wallet
    #[arg(long, global = true, value_name = "URL")]
    pub electrum: Option<String>,
}

//! `l402 wallet`.

use clap::Subcommand;
use l402_agent::amount::Amount;

/// `l402 wallet`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum WalletCommand {
    /// Show node id, network and balance
    Info {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print an on-chain address to send bitcoin to
    Address,
    /// Open a channel to a peer
    Open {
        /// The peer, as `NODE_ID@HOST:PORT`
        peer: String,
        /// Capacity, in whole sat
        amount: Amount,
    },
    /// List the channels
    Channels {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Look whether the wallet can pay; with --pay, prove it
    ///
    /// Works with every wallet. A wallet that pays and returns no preimage is of no use for L402, and only a payment shows it.
    Check {
        /// Pay this invoice, and see whether the wallet returns its preimage
        #[arg(long, value_name = "INVOICE")]
        pay: Option<String>,
    },
    /// Close a channel with its peer; the money returns on-chain
    Close {
        /// The channel, as `channels` shows it
        channel: String,
    },
}

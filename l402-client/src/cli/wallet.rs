//! `l402 wallet`.

use clap::Subcommand;
use l402_agent::amount::Amount;

/// `l402 wallet`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum WalletCommand {
    /// Show node id, network and balance
    Info,
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
    Channels,
    /// Close a channel with its peer; the money returns on-chain
    Close {
        /// The channel, as `channels` shows it
        channel: String,
    },
}

//! `l402 payments`.

use clap::Subcommand;

/// `l402 payments`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum PaymentsCommand {
    /// List payments with an unknown outcome
    List {
        /// List all payments, with their outcome
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Ask the wallet for outcomes, keep paid tokens; pay nothing
    Resolve {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Give a payment up; the next call may pay again
    Forget {
        /// The payment hash, as `list` shows it
        payment_hash: l402_core::PaymentHash,
    },
}

//! `l402 policy breaker`, `pending`, `approve` and `deny`.

use super::values::origin;
use clap::{Args, Subcommand};
use l402_core::purchase::breaker::Mode;
use l402_http::pay::Origin;

/// `l402 policy breaker`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum BreakerCommand {
    /// List the breakers that something has happened to
    ///
    /// An origin that fails, refuses what was bought or asks an odd price trips its own. Spending and losses trip the common one.
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Let an origin, or all of them, be paid again
    Reset(ScopeArgs),
    /// Stop all requests to an origin, or to all of them, until it is reset
    Freeze(ScopeArgs),
    /// Set what is let through until it is reset
    Set {
        /// `normal`, `require-confirmation` (of each payment), `read-only` (nothing is paid) or `frozen` (nothing is requested)
        mode: Mode,
        /// Where
        #[command(flatten)]
        scope: ScopeArgs,
    },
}

/// An origin, or all of them together.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub struct ScopeArgs {
    /// The origin, such as `https://api.example`
    #[arg(value_parser = origin)]
    pub origin: Option<Origin>,
    /// The common breaker, which is about all origins
    #[arg(long)]
    pub all: bool,
}

/// `l402 policy pending`, `approve` and `deny`.
#[derive(Debug, Clone, Args)]
pub struct PendingArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A payment that waits for an answer.
#[derive(Debug, Clone, Args)]
pub struct AnswerArgs {
    /// The id, as `l402 policy pending` shows it
    pub id: String,
}

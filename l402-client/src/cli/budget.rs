//! `l402 budget` and `l402 policy`.

use super::breaker::{AnswerArgs, BreakerCommand, PendingArgs};
use super::values::span;
use clap::{Args, Subcommand};
use core::time::Duration;
use l402_agent::amount::Amount;
use l402_agent::store::budget::MAIN;
use l402_core::Name;
use l402_core::purchase::Limits;

/// `l402 budget`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum BudgetCommand {
    /// Make a budget
    ///
    /// Example: `l402 budget new research --total "5000 sat" --per-hour "500 sat" --expires 7d`
    ///
    /// Then pay from it: `l402 get --budget research URL`. A payment also counts in every budget above it, and needs room there.
    New(Box<NewArgs>),
    /// List budgets, with what is spent and reserved
    List,
    /// Show a budget, its limits and what counts in it
    Show {
        /// The name of the budget
        name: String,
    },
    /// Stop a budget, and those below it
    Freeze {
        /// The name of the budget
        name: String,
    },
    /// Let a frozen budget pay again
    Thaw {
        /// The name of the budget
        name: String,
    },
    /// Remove a budget, and stop those below it
    ///
    /// What it has spent still counts in the budgets above it.
    Remove {
        /// The name of the budget
        name: String,
    },
}

/// `l402 budget new`.
#[derive(Debug, Clone, Args)]
pub struct NewArgs {
    /// The name: letters, digits, `.`, `_` and `-`
    pub name: Name,
    /// The budget above it
    #[arg(long = "of", value_name = "NAME", default_value = MAIN)]
    pub parent: String,
    /// The most in all, fees included, as for each limit
    #[arg(long, value_name = "AMOUNT")]
    pub total: Option<Amount>,
    /// The most in any 24 hours
    #[arg(long, value_name = "AMOUNT")]
    pub per_day: Option<Amount>,
    /// The most in any hour
    #[arg(long, value_name = "AMOUNT")]
    pub per_hour: Option<Amount>,
    /// The most for one call, with its redirects
    #[arg(long, value_name = "AMOUNT")]
    pub per_call: Option<Amount>,
    /// The most at one origin, in all
    #[arg(long, value_name = "AMOUNT")]
    pub per_origin: Option<Amount>,
    /// The most for one service of an origin, in all
    ///
    /// The origin says what its services are: this limits mistakes, --per-origin limits the origin.
    #[arg(long, value_name = "AMOUNT")]
    pub per_service: Option<Amount>,
    /// The most in payments without an outcome
    #[arg(long, value_name = "AMOUNT")]
    pub max_reserved: Option<Amount>,
    /// The most payments without an outcome
    #[arg(long, value_name = "NUMBER")]
    pub max_in_flight: Option<u64>,
    /// When it ends, from now: `90s`, `30m`, `1h` or `7d`
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub expires: Option<Duration>,
}

impl NewArgs {
    /// Returns the limits.
    pub(crate) fn limits(&self) -> Limits {
        let msat = |amount: Option<Amount>| amount.map(Amount::msat);
        Limits {
            per_call_msat: msat(self.per_call),
            per_hour_msat: msat(self.per_hour),
            per_day_msat: msat(self.per_day),
            per_origin_msat: msat(self.per_origin),
            per_service_msat: msat(self.per_service),
            total_msat: msat(self.total),
            reserved_msat: msat(self.max_reserved),
            in_flight: self.max_in_flight,
        }
    }
}

/// `l402 policy`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum PolicyCommand {
    /// The clock that hours, days and expiry are measured by
    #[command(subcommand)]
    Clock(ClockCommand),
    /// Wallets that took more than was reserved, and pay nothing
    #[command(subcommand)]
    Wallet(StoppedCommand),
    /// What stops payments after something went wrong
    #[command(subcommand)]
    Breaker(BreakerCommand),
    /// List the payments that wait for a confirmation
    Pending(PendingArgs),
    /// Confirm a payment that waits
    ///
    /// The limits are checked again then. It is for this one payment.
    Approve(AnswerArgs),
    /// Refuse a payment that waits
    Deny(AnswerArgs),
}

/// `l402 policy wallet`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum StoppedCommand {
    /// List the wallets that are stopped
    List,
    /// Let a wallet that is stopped pay again
    Thaw {
        /// The name of the wallet, as `list` shows it
        name: String,
    },
}

/// `l402 policy clock`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum ClockCommand {
    /// Show whether the system clock is behind the record
    Show,
    /// Go on from the recorded time, although the system clock is behind
    Accept,
}

//! `l402 budget` and `l402 policy`.

use super::breaker::{AnswerArgs, BreakerCommand, PendingArgs};
use super::broker::KeyCommand;
use super::values::span;
use clap::{Args, Subcommand};
use core::str::FromStr;
use core::time::Duration;
use l402_agent::amount::Amount;
use l402_agent::span::SpanError;
use l402_agent::store::budget::{MAIN, NewEnd};
use l402_core::purchase::Limits;
use l402_core::{Msat, Name};
use std::path::PathBuf;

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
    /// Change the limits of a budget
    ///
    /// Example: `l402 budget set research --total "9000 sat" --per-hour none`
    ///
    /// `none` takes a limit away. What was spent stays: a budget that has spent more than its new limit pays nothing more.
    Set(Box<SetArgs>),
    /// List budgets, with what is spent and reserved
    List {
        /// Print a JSON object for each budget
        #[arg(long)]
        json: bool,
    },
    /// Show a budget, its limits and what counts in it
    Show {
        /// The name of the budget
        name: String,
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Make, list and revoke the keys that agents use a budget by
    #[command(subcommand)]
    Key(KeyCommand),
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
    /// Let the budgets right below one use each other's tokens, and those of this one
    ///
    /// This holds for tokens without a number of uses. One with so many uses is used only by the budget that paid for it.
    Share {
        /// The name of the budget
        name: String,
        /// No longer
        #[arg(long)]
        off: bool,
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
    /// The limits.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// When it ends, from now: `90s`, `30m`, `1h` or `7d`
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub expires: Option<Duration>,
    /// Let it and the budgets right below it use each other's tokens, if those have no number of uses
    #[arg(long)]
    pub share_tokens: bool,
}

/// `l402 budget set`.
#[derive(Debug, Clone, Args)]
pub struct SetArgs {
    /// The name of the budget
    pub name: String,
    /// The limits.
    #[command(flatten)]
    pub limits: LimitArgs,
    /// When it ends, from now: `90s`, `30m`, `1h`, `7d`, or `never`
    #[arg(long, value_name = "TIME", value_parser = end)]
    pub expires: Option<NewEnd>,
}

/// The most that a budget may spend, fees included.
#[derive(Debug, Clone, Args)]
pub struct LimitArgs {
    /// The most in all, fees included, as for each limit
    #[arg(long, value_name = "AMOUNT")]
    pub total: Option<Cap<Amount>>,
    /// The most in any 24 hours
    #[arg(long, value_name = "AMOUNT")]
    pub per_day: Option<Cap<Amount>>,
    /// The most in any hour
    #[arg(long, value_name = "AMOUNT")]
    pub per_hour: Option<Cap<Amount>>,
    /// The most for one call, with its redirects
    #[arg(long, value_name = "AMOUNT")]
    pub per_call: Option<Cap<Amount>>,
    /// The most at one origin, in all
    #[arg(long, value_name = "AMOUNT")]
    pub per_origin: Option<Cap<Amount>>,
    /// The most for one service of an origin, in all
    ///
    /// The origin says what its services are: this limits mistakes, --per-origin limits the origin.
    #[arg(long, value_name = "AMOUNT")]
    pub per_service: Option<Cap<Amount>>,
    /// The most at all origins together that the policy does not list
    #[arg(long, value_name = "AMOUNT")]
    pub unlisted: Option<Cap<Amount>>,
    /// The most in payments without an outcome
    #[arg(long, value_name = "AMOUNT")]
    pub max_reserved: Option<Cap<Amount>>,
    /// The most payments without an outcome
    #[arg(long, value_name = "NUMBER")]
    pub max_in_flight: Option<Cap<u64>>,
    /// The most in payments without an outcome at one origin
    #[arg(long, value_name = "AMOUNT")]
    pub max_reserved_per_origin: Option<Cap<Amount>>,
    /// The most payments without an outcome at one origin
    #[arg(long, value_name = "NUMBER")]
    pub max_in_flight_per_origin: Option<Cap<u64>>,
    /// The most that routing may cost, for each payment
    #[arg(long, value_name = "AMOUNT")]
    pub max_fee: Option<Cap<Amount>>,
    /// The most that routing may cost, in millionths of the price
    #[arg(long, value_name = "NUMBER")]
    pub max_fee_ppm: Option<Cap<u32>>,
    /// The most blocks for which a payment may lock money on its way
    #[arg(long, value_name = "BLOCKS")]
    pub max_cltv: Option<Cap<u32>>,
}

/// A limit, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cap<T>(Option<T>);

impl<T: FromStr> FromStr for Cap<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        if text == "none" { Ok(Self(None)) } else { text.parse().map(|most| Self(Some(most))) }
    }
}

impl LimitArgs {
    /// Returns the limits, with those that were named in place of the ones before.
    pub(crate) fn over(&self, before: Limits) -> Limits {
        fn of<T: Copy>(cap: Option<Cap<T>>, before: Option<T>) -> Option<T> {
            cap.map_or(before, |Cap(most)| most)
        }
        let msat = |cap: Option<Cap<Amount>>, before: Option<Msat>| match cap {
            Some(Cap(most)) => most.map(Amount::msat),
            None => before,
        };
        Limits {
            per_call_msat: msat(self.per_call, before.per_call_msat),
            per_hour_msat: msat(self.per_hour, before.per_hour_msat),
            per_day_msat: msat(self.per_day, before.per_day_msat),
            per_origin_msat: msat(self.per_origin, before.per_origin_msat),
            per_service_msat: msat(self.per_service, before.per_service_msat),
            total_msat: msat(self.total, before.total_msat),
            reserved_msat: msat(self.max_reserved, before.reserved_msat),
            in_flight: of(self.max_in_flight, before.in_flight),
            origin_reserved_msat: msat(self.max_reserved_per_origin, before.origin_reserved_msat),
            origin_in_flight: of(self.max_in_flight_per_origin, before.origin_in_flight),
            unlisted_msat: msat(self.unlisted, before.unlisted_msat),
            fee_msat: msat(self.max_fee, before.fee_msat),
            fee_ppm: of(self.max_fee_ppm, before.fee_ppm),
            cltv: of(self.max_cltv, before.cltv),
        }
    }
}

fn end(text: &str) -> Result<NewEnd, SpanError> {
    if text == "never" { Ok(NewEnd::Never) } else { span(text).map(NewEnd::In) }
}

/// `l402 policy`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum PolicyCommand {
    /// Show which origins may be requested and paid, and on what terms
    Show {
        /// Print a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Check whether the policy can be used
    Check {
        /// Another file
        file: Option<PathBuf>,
    },
    /// Print where the policy is
    Path,
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

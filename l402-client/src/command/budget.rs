//! `l402 budget` and `l402 policy`.

use super::breaker;
use super::json_line;
use super::report::BudgetReport;
use crate::cli::{BudgetCommand, ClockCommand, NewArgs, PolicyCommand, StoppedCommand};
use crate::command::keys;
use crate::exit::{Exit, Failure, OrExit};
use core::time::Duration;
use l402_agent::amount::Amount;
use l402_agent::store::Database;
use l402_agent::store::breaker::Answer;
use l402_agent::store::budget::{BudgetError, Budgets, NewBudget, NewEnd, ShownBudget};
use l402_agent::text::{lines, printable};
use l402_core::Msat;
use l402_core::purchase::{BudgetStanding, Limits, Passage};

/// Runs `l402 budget`, and returns what it prints and how it ends.
pub(super) fn run(command: &BudgetCommand, database: Database) -> Result<(String, Exit), Failure> {
    let budgets = &Budgets::new(database.clone());
    let text = match command {
        BudgetCommand::New(args) => make(args, budgets)?,
        BudgetCommand::Key(command) => keys::run(command, database)?,
        BudgetCommand::Set(args) => {
            let end = args.expires.unwrap_or(NewEnd::AsBefore);
            budgets.set_limits(&args.name, |before| args.limits.over(before), end).map_err(of)?;
            lines(details(&budgets.show(&args.name).map_err(of)?))
        }
        BudgetCommand::List { json: true } => {
            let all = budgets.all().map_err(of)?;
            all.iter().map(|budget| json_line(&BudgetReport::from(budget))).collect::<Result<_, _>>()?
        }
        BudgetCommand::List { json: false } => lines(budgets.all().map_err(of)?.iter().map(line)),
        BudgetCommand::Show { name, json } => {
            let budget = budgets.show(name).map_err(of)?;
            if *json { json_line(&BudgetReport::from(&budget))? } else { lines(details(&budget)) }
        }
        BudgetCommand::Freeze { name } => {
            budgets.freeze(name, true).map_err(of)?;
            lines([format!("{} is frozen, and so are the budgets below it", printable(name))])
        }
        BudgetCommand::Thaw { name } => {
            budgets.freeze(name, false).map_err(of)?;
            lines([format!("{} pays again", printable(name))])
        }
        BudgetCommand::Share { name, off } => {
            budgets.share_tokens(name, !off).map_err(of)?;
            let what = if *off { "no longer share" } else { "share" };
            lines([format!("{} and the budgets right below it {what} tokens", printable(name))])
        }
        BudgetCommand::Remove { name } => {
            budgets.remove(name).map_err(of)?;
            lines([format!("removed {}; the budgets below it pay nothing more", printable(name))])
        }
    };
    Ok((text, Exit::Served))
}

/// Runs `l402 policy`, and returns what it prints and how it ends.
pub(super) fn policy(command: &PolicyCommand, budgets: &Budgets) -> Result<(String, Exit), Failure> {
    match command {
        PolicyCommand::Clock(command) => clock(command, budgets),
        PolicyCommand::Breaker(command) => breaker::run(command, &budgets.breakers()),
        PolicyCommand::Pending(args) => breaker::pending(args, &budgets.breakers()),
        PolicyCommand::Approve(args) => breaker::answer(&args.id, Answer::Yes, &budgets.breakers()),
        PolicyCommand::Deny(args) => breaker::answer(&args.id, Answer::No, &budgets.breakers()),
        PolicyCommand::Wallet(StoppedCommand::List) => {
            let stopped = budgets.stopped_wallets().map_err(of)?;
            Ok((lines(stopped.iter().map(|name| printable(name))), Exit::Served))
        }
        PolicyCommand::Wallet(StoppedCommand::Thaw { name }) => {
            budgets.thaw_wallet(name).map_err(of)?;
            Ok((lines([format!("the wallet {} pays again", printable(name))]), Exit::Served))
        }
        // Those are about the file.
        PolicyCommand::Show { .. } | PolicyCommand::Check { .. } | PolicyCommand::Path => {
            Ok((String::new(), Exit::Served))
        }
    }
}

fn clock(command: &ClockCommand, budgets: &Budgets) -> Result<(String, Exit), Failure> {
    let (state, end) = match command {
        ClockCommand::Show => {
            (budgets.clock().or_exit(Exit::Local)?, "; budgets with hours, days or an end pay nothing")
        }
        ClockCommand::Accept => (budgets.accept_clock().or_exit(Exit::Local)?, "; accepted"),
    };
    let line = match state.passage {
        Passage::Behind(by) => format!("the system clock is {} behind the record{end}", span(by)),
        Passage::On | Passage::Jumped(_) => "the system clock agrees with the record".to_owned(),
    };
    Ok((lines([line]), Exit::Served))
}

fn make(args: &NewArgs, budgets: &Budgets) -> Result<String, Failure> {
    let new = NewBudget {
        name: args.name.clone(),
        parent: args.parent.clone(),
        limits: args.limits.over(Limits::default()),
        expires_in: args.expires,
    };
    budgets.make(&new).map_err(of)?;
    if args.share_tokens {
        budgets.share_tokens(new.name.as_str(), true).map_err(of)?;
    }
    Ok(lines([format!("made {}, below {}", new.name, printable(&new.parent))]))
}

fn of(fault: BudgetError) -> Failure {
    let exit = if matches!(fault, BudgetError::Database(_)) { Exit::Local } else { Exit::Usage };
    Failure::new(exit, fault)
}

/// A budget in one line: its name, the one above it, what is spent and reserved, and what it may spend.
fn line(budget: &ShownBudget) -> String {
    let spent = Amount::new(budget.total.booked_msat);
    let of = budget.limits.total_msat.map_or_else(String::new, |limit| format!(" of {}", Amount::new(limit)));
    let reserved = Amount::new(budget.total.reserved_msat);
    let below = budget.parent.as_deref().map_or_else(String::new, |parent| format!("below {parent}"));
    format!("{}\t{below}\t{spent}{of} spent\t{reserved} reserved\t{}", budget.name, standing(budget))
}

fn standing(budget: &ShownBudget) -> String {
    match (budget.standing, budget.expires_in) {
        (BudgetStanding::Frozen, _) => "frozen".to_owned(),
        (BudgetStanding::Removed, _) => "removed".to_owned(),
        (BudgetStanding::Active, Some(Duration::ZERO)) => "expired".to_owned(),
        (BudgetStanding::Active, Some(time)) => format!("ends in {}", span(time)),
        (BudgetStanding::Active, None) => "active".to_owned(),
    }
}

fn details(budget: &ShownBudget) -> Vec<String> {
    let limits = &budget.limits;
    let counted = |msat: Msat, limit: Option<Msat>| match limit {
        Some(limit) => format!("{} of {}", Amount::new(msat), Amount::new(limit)),
        None => format!("{}, no limit", Amount::new(msat)),
    };
    let most =
        |limit: Option<Msat>| limit.map_or_else(|| "no limit".to_owned(), |limit| Amount::new(limit).to_string());
    let in_flight = budget.total.in_flight;
    let in_flight = limits.in_flight.map_or_else(|| in_flight.to_string(), |most| format!("{in_flight} of {most}"));
    let blocks = limits.cltv.map_or_else(|| "no limit".to_owned(), |most| format!("{most} blocks"));
    let share = limits.fee_ppm.map_or_else(String::new, |most| format!(", and {most} millionths of the price"));
    let in_flight_per_origin = limits.origin_in_flight.map_or_else(|| "no limit".to_owned(), |most| most.to_string());
    vec![
        line(budget),
        format!("total\t{}", counted(budget.total.counted_msat(), limits.total_msat)),
        format!("day\t{}", counted(budget.day_msat, limits.per_day_msat)),
        format!("hour\t{}", counted(budget.hour_msat, limits.per_hour_msat)),
        format!("call\t{}", most(limits.per_call_msat)),
        format!("origin\t{}", most(limits.per_origin_msat)),
        format!("service\t{}", most(limits.per_service_msat)),
        format!("reserved\t{}", counted(budget.total.reserved_msat, limits.reserved_msat)),
        format!("payments without an outcome\t{in_flight}"),
        format!("reserved at one origin\t{}", most(limits.origin_reserved_msat)),
        format!("payments without an outcome at one origin\t{in_flight_per_origin}"),
        format!("origins that are not listed\t{}", counted(budget.unlisted.counted_msat(), limits.unlisted_msat)),
        format!("routing\t{}{share}", most(limits.fee_msat)),
        format!("locked on the way\t{blocks}"),
        format!("tokens\t{}", if budget.shares_tokens { "shared with the budgets right below" } else { "its own" }),
    ]
}

/// A span as `--expires` takes it, rounded up.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3_600 => format!("{}m", seconds.div_ceil(60)),
        seconds @ 3_600..86_400 => format!("{}h", seconds.div_ceil(3_600)),
        seconds => format!("{}d", seconds.div_ceil(86_400)),
    }
}

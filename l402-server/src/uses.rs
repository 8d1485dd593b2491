//! `l402-server uses …`: the uses that the ledger counts, asked of the running gateway, or of the ledger itself where none runs.

use clap::{Args, Subcommand, ValueEnum};
use core::error::Error;
use core::fmt::Write as _;
use l402_core::PaymentHash;
use l402_gateway::control::{Call, Decided, UsesCall};
use serde_json::Value;
use std::path::PathBuf;

use crate::books;
use crate::config::Config;
use crate::times::told;

/// Show and resolve uses of tokens.
#[derive(Debug, Clone, Args)]
pub struct UsesOptions {
    /// Socket of the gateway [default: from the configuration]
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: UsesCommand,
}

/// What to do with uses.
#[derive(Debug, Clone, Subcommand)]
pub enum UsesCommand {
    /// List the uses in doubt
    ///
    /// A use is in doubt when its request may have had an effect, and its outcome is unknown.
    List,
    /// Show the clock of the ledger, and whether it was ahead
    ///
    /// After a clock that was ahead, tokens are refused whose records were deleted too early.
    Clock,
    /// Show how often the tokens of a payment were used
    Show {
        /// The payment hash
        hash: PaymentHash,
    },
    /// Decide about the uses of a payment that are in doubt
    Resolve {
        /// The payment hash
        hash: PaymentHash,
        /// Whether the upstream did its work
        #[arg(long = "as", value_name = "OUTCOME")]
        outcome: UseOutcome,
        /// Only the use with this number, as `list` shows it
        #[arg(long = "use", value_name = "NUMBER")]
        number: Option<u32>,
    },
}

/// What became of a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UseOutcome {
    /// The upstream did its work: the use is gone
    Used,
    /// It did not: the use is available again
    Unused,
}

/// Runs a command, with the configuration of the gateway where it is known.
pub(crate) async fn run(options: &UsesOptions, config: Option<&Config>) -> Result<(), Box<dyn Error>> {
    let call = Call::Uses(call(&options.command));
    let reply = books::reply(options.socket.as_deref(), config, call, "uses show").await?;
    books::show(&reply, options.json, text)
}

fn call(command: &UsesCommand) -> UsesCall {
    match command {
        UsesCommand::List => UsesCall::List,
        UsesCommand::Clock => UsesCall::Clock,
        UsesCommand::Show { hash } => UsesCall::Show { payment: hash.to_string() },
        UsesCommand::Resolve { hash, outcome, number } => {
            let outcome = match outcome {
                UseOutcome::Used => Decided::Used,
                UseOutcome::Unused => Decided::Unused,
            };
            UsesCall::Resolve { payment: hash.to_string(), outcome, number: *number }
        }
    }
}

/// What a person reads: uses in doubt, a line each, or one payment.
fn text(facts: &Value) -> String {
    let mut text = String::new();
    let _ = match facts {
        // a string takes everything
        Value::Array(doubts) if doubts.is_empty() => writeln!(text, "no use is in doubt"),
        Value::Array(doubts) => doubts.iter().try_for_each(|doubt| {
            writeln!(
                text,
                "{}  use {} in doubt, ends at {}",
                word(doubt, "payment"),
                doubt["use"],
                told(&doubt["ends_at_unix"])
            )
        }),
        _ if facts.get("time_unix").is_some() => writeln!(text, "{}", clock(facts)),
        _ if facts.get("resolved").is_some() => {
            let numbers = facts["resolved"].as_array().into_iter().flatten().map(Value::to_string);
            let numbers: Vec<String> = numbers.collect();
            writeln!(text, "use {} of {} counts as {}", numbers.join(", "), word(facts, "payment"), word(facts, "as"))
        }
        _ => payment(&mut text, facts),
    };
    text
}

fn clock(facts: &Value) -> String {
    let (time, horizon) = (told(&facts["time_unix"]), told(&facts["horizon_unix"]));
    match facts["ahead_seconds"].as_u64() {
        Some(ahead) if ahead > 0 => format!(
            "the clock of the ledger is at {time}, and was ahead: tokens that end up to {horizon} are refused\n\
             a route is sold again {ahead} seconds from now, less its valid_for and invoice_expiry"
        ),
        _ => format!("the clock of the ledger is at {time}; no record of a valid token was deleted"),
    }
}

fn payment(text: &mut String, facts: &Value) -> core::fmt::Result {
    writeln!(text, "payment {}, ends at {}", word(facts, "payment"), told(&facts["ends_at_unix"]))?;
    if facts["counters"].as_array().is_some_and(Vec::is_empty) {
        return writeln!(text, "no use is taken");
    }
    for counter in facts["counters"].as_array().into_iter().flatten() {
        write!(text, "{}:", word(counter, "counter"))?;
        for (index, key) in ["sold", "used", "reserved", "in_doubt", "available"].into_iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(text, "{comma} {} {}", counter[key], key.replace('_', " "))?;
        }
        writeln!(text)?;
    }
    facts["in_doubt"]
        .as_array()
        .into_iter()
        .flatten()
        .try_for_each(|doubt| writeln!(text, "use {} is in doubt", doubt["use"]))
}

fn word<'a>(facts: &'a Value, key: &str) -> &'a str {
    facts[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_person_reads_says_how_many_and_which() {
        assert_eq!(text(&json!([])), "no use is in doubt\n");
        let doubt = json!({ "payment": "ab", "use": 3, "attempt": "cd", "ends_at_unix": 9 });
        assert_eq!(text(&json!([doubt])), "ab  use 3 in doubt, ends at 9 (1970-01-01 00:00:09 UTC)\n");
        let resolved = json!({ "payment": "ab", "resolved": [0, 3], "as": "unused" });
        assert_eq!(text(&resolved), "use 0, 3 of ab counts as unused\n");
        let right = json!({ "time_unix": 9_000, "horizon_unix": 7, "ahead_seconds": 0 });
        assert!(text(&right).contains("no record of a valid token was deleted"), "{}", text(&right));
        let ahead = json!({ "time_unix": 9, "horizon_unix": 12, "ahead_seconds": 3 });
        assert!(
            text(&ahead).contains("tokens that end up to 12 (1970-01-01 00:00:12 UTC) are refused\n"),
            "{}",
            text(&ahead)
        );
        let counter = json!({ "counter": "sale", "sold": 3, "used": 1, "reserved": 0, "in_doubt": 1, "available": 1 });
        let shown = json!({ "payment": "ab", "ends_at_unix": 9, "counters": [counter], "in_doubt": [doubt] });
        let lines = "payment ab, ends at 9 (1970-01-01 00:00:09 UTC)\n\
                     sale: 3 sold, 1 used, 0 reserved, 1 in doubt, 1 available\nuse 3 is in doubt\n";
        assert_eq!(text(&shown), lines);
        let free = json!({ "payment": "ab", "ends_at_unix": 9, "counters": [], "in_doubt": [] });
        assert_eq!(text(&free), "payment ab, ends at 9 (1970-01-01 00:00:09 UTC)\nno use is taken\n");
    }
}

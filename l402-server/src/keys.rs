//! `l402-server keys …`: the epochs of the key file.

use clap::{Args, Subcommand};
use core::error::Error;
use l402_gateway::control::{Call, KeysCall};
use serde_json::Value;
use std::path::PathBuf;

use crate::books;
use crate::config::Config;
use crate::times::told;

/// Show and rotate the keys that sign tokens.
#[derive(Debug, Clone, Args)]
pub struct KeysOptions {
    /// Socket of the gateway [default: from the configuration]
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: KeysCommand,
}

/// What to do with keys.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum KeysCommand {
    /// List the epochs: which one signs new tokens, and until when the others verify
    List,
    /// Publish a new key, which signs new tokens a minute later
    ///
    /// The old key verifies until its last token has ended. Tokens that were sold stay valid.
    Rotate,
}

/// Runs a command, with the configuration of the gateway where it is known.
pub(crate) async fn run(options: &KeysOptions, config: Option<&Config>) -> Result<(), Box<dyn Error>> {
    let call = match options.command {
        KeysCommand::List => KeysCall::List,
        KeysCommand::Rotate => KeysCall::Rotate,
    };
    let reply = books::reply(options.socket.as_deref(), config, Call::Keys(call), "keys list").await?;
    books::show(&reply, options.json, text)
}

/// What a person reads: an epoch a line.
fn text(facts: &Value) -> String {
    let lines: Vec<_> = facts.as_array().into_iter().flatten().map(line).collect();
    lines.join("\n")
}

fn line(epoch: &Value) -> String {
    let since =
        |word, key: &str| epoch[key].as_u64().map(|_| format!(" {word} {}", told(&epoch[key]))).unwrap_or_default();
    let state = match epoch["state"].as_str() {
        Some("next") => format!("signs new tokens{}", since("from", "mints_at_unix")),
        Some("mints") => format!("signs new tokens{}", since("since", "since_unix")),
        _ => format!("verifies{}", since("until", "until_unix")),
    };
    format!("epoch {}  {state}", epoch["epoch"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_person_reads_says_what_each_key_does() {
        let facts = json!([
            { "epoch": 3, "state": "next", "mints_at_unix": 9 },
            { "epoch": 2, "state": "mints", "since_unix": null },
            { "epoch": 1, "state": "retired", "until_unix": 12 },
        ]);
        let lines = "epoch 3  signs new tokens from 9 (1970-01-01 00:00:09 UTC)\nepoch 2  signs new tokens\n\
                     epoch 1  verifies until 12 (1970-01-01 00:00:12 UTC)";
        assert_eq!(text(&facts), lines);
    }
}

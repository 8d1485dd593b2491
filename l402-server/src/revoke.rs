//! `l402-server revoke …`: the tokens that are denied before their time.

use clap::{ArgGroup, Args, Subcommand};
use core::error::Error;
use core::fmt::Write as _;
use l402_core::PaymentHash;
use l402_gateway::control::{Call, RevokeCall};
use serde_json::Value;
use std::path::PathBuf;

use crate::books;
use crate::config::Config;
use crate::times::told;

/// Deny tokens before they end.
#[derive(Debug, Clone, Args)]
#[command(subcommand_negates_reqs = true, subcommand_precedence_over_arg = true)]
#[group(skip)]
#[command(group(ArgGroup::new("denied").required(true).multiple(false)))]
pub struct RevokeOptions {
    /// Payment hash of the tokens
    #[arg(group = "denied")]
    pub hash: Option<PaymentHash>,
    /// Deny all tokens that the key of this epoch has signed
    ///
    /// The epoch that signs new tokens is refused: run `l402-server keys rotate` first.
    #[arg(long, value_name = "NUMBER", group = "denied")]
    pub epoch: Option<u32>,
    /// Socket of the gateway [default: from the configuration]
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<RevokeCommand>,
}

/// What else to do with the deny-list.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum RevokeCommand {
    /// List what is denied
    List,
}

/// Runs a command, with the configuration of the gateway where it is known.
pub(crate) async fn run(options: &RevokeOptions, config: Option<&Config>) -> Result<(), Box<dyn Error>> {
    let call = match (options.command, &options.hash, options.epoch) {
        (Some(RevokeCommand::List), None, None) => RevokeCall::List,
        (Some(RevokeCommand::List), ..) => return Err("`revoke list` takes no payment hash and no epoch".into()),
        (None, Some(hash), _) => RevokeCall::Payment { payment: hash.to_string() },
        (None, None, Some(epoch)) => RevokeCall::Epoch { epoch },
        (None, None, None) => return Err("name a payment hash, or --epoch".into()), // not with clap
    };
    let reply = books::reply(options.socket.as_deref(), config, Call::Revoke(call), "revoke list").await?;
    books::show(&reply, options.json, text)
}

/// What a person reads: an entry a line.
fn text(facts: &Value) -> String {
    match facts {
        Value::Array(entries) if entries.is_empty() => "nothing is revoked".to_owned(),
        Value::Array(entries) => entries.iter().fold(String::new(), |mut text, entry| {
            let _ = writeln!(text, "{}", line(entry)); // a string takes everything
            text
        }),
        _ => format!("revoked {}", line(&facts["revoked"])),
    }
}

fn line(entry: &Value) -> String {
    match entry["payment"].as_str() {
        Some(payment) => format!("{payment}  until {}", told(&entry["until_unix"])),
        None => format!("epoch {}", entry["epoch"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_may_stand_before_and_after_list() {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            revoke: RevokeOptions,
        }
        for words in [&["revoke", "--json", "list"][..], &["revoke", "list", "--json"]] {
            let line = <Line as clap::Parser>::try_parse_from(words).unwrap_or_else(|fault| panic!("{fault}"));
            assert!(matches!(
                line.revoke,
                RevokeOptions { command: Some(RevokeCommand::List), hash: None, json: true, .. }
            ));
        }
        let parse = |words: &[&str]| <Line as clap::Parser>::try_parse_from([&["revoke"], words].concat());
        let hash = "ab".repeat(32);
        let line = parse(&[&hash]).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(line.revoke.hash.map(|hash| hash.to_string()), Some(hash.clone()));
        for (words, said) in
            [(&[][..], "<HASH|--epoch <NUMBER>>"), (&["ab"], "'ab'"), (&[&*hash, "--epoch", "1"], "--epoch")]
        {
            let fault = parse(words).err().map(|fault| fault.to_string()).unwrap_or_default();
            assert!(fault.contains(said), "{words:?}: {fault}");
        }
    }

    #[test]
    fn what_a_person_reads_says_what_is_denied_and_until_when() {
        let (payment, epoch) = (json!({ "payment": "ab", "until_unix": 9 }), json!({ "epoch": 3 }));
        assert_eq!(text(&json!([])), "nothing is revoked");
        assert_eq!(text(&json!([epoch, payment])), "epoch 3\nab  until 9 (1970-01-01 00:00:09 UTC)\n");
        assert_eq!(text(&json!({ "revoked": epoch })), "revoked epoch 3");
        assert_eq!(text(&json!({ "revoked": payment })), "revoked ab  until 9 (1970-01-01 00:00:09 UTC)");
    }
}

//! `l402-server node …`: the command line, the question before money moves, and what is printed.

use clap::{Args, Subcommand};
use core::fmt;
use l402_gateway::control::{AskError, Call, FEE_RATES, Money, Outcome, Reply, Request, ask, socket_path};
use serde_json::Value;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

/// Show and manage the node of the running gateway.
#[derive(Debug, Clone, Args)]
pub struct NodeOptions {
    /// Socket of the gateway [default: from the configuration]
    #[arg(long, global = true, value_name = "PATH")]
    pub socket: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: NodeCommand,
}

/// What to do with the node.
#[derive(Debug, Clone, Subcommand)]
pub enum NodeCommand {
    /// Show the node id, address and health
    Info,
    /// Show the balance in sat
    Balance,
    /// Create a new on-chain address
    Address,
    /// List the channels
    Channels,
    /// Send on-chain money
    ///
    /// The reserve for closing channels stays.
    Send {
        /// The on-chain address
        address: String,
        /// Amount in sat, or `all` for everything but the reserve
        #[arg(value_name = "SAT|all")]
        amount: String,
        /// Fee rate in sat per vbyte [default: estimated]
        #[arg(long, value_name = "SAT/VB", value_parser = clap::value_parser!(u64).range(FEE_RATES))]
        fee_rate: Option<u64>,
        /// What keeps money from moving by mistake.
        #[command(flatten)]
        care: Care,
    },
    /// Pay a Lightning invoice
    Pay {
        /// The invoice
        invoice: String,
        /// Maximum routing fee in sat [default: 10 + 1 %]
        #[arg(long, value_name = "SAT", value_parser = sat)]
        max_fee: Option<u64>,
        /// What keeps money from moving by mistake.
        #[command(flatten)]
        care: Care,
    },
    /// Open a channel
    Open {
        /// The peer: node id, `@`, host and port
        #[arg(value_name = "KEY@HOST:PORT")]
        peer: String,
        /// Capacity in sat
        #[arg(value_name = "SAT", value_parser = sat)]
        capacity: u64,
        /// Amount to give to the peer, in sat
        ///
        /// The node can receive this much over the new channel at once.
        #[arg(long, value_name = "SAT", value_parser = sat, default_value = "0")]
        push: u64,
        /// Announce the channel to the network
        #[arg(long)]
        announce: bool,
        /// What keeps money from moving by mistake.
        #[command(flatten)]
        care: Care,
    },
    /// Close a channel together with the peer
    Close {
        /// The channel id, as `channels` shows it
        channel: String,
        /// What keeps money from moving by mistake.
        #[command(flatten)]
        care: Care,
    },
    /// Close a channel without the peer; locks money for days
    ///
    /// The fee is higher than that of a `close` together with the peer.
    ForceClose {
        /// The channel id, as `channels` shows it
        channel: String,
        /// What keeps money from moving by mistake.
        #[command(flatten)]
        care: Care,
    },
}

/// What keeps money from moving by mistake.
#[derive(Debug, Clone, Args)]
pub struct Care {
    /// Id of this operation [default: random]
    ///
    /// A command that is repeated with the same id does nothing, and prints the result of the first one.
    #[arg(long)]
    id: Option<String>,
    /// Show the plan, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

/// Why a command did not do what it should. Tells a script whether money may have moved.
#[derive(Debug)]
pub(crate) enum Failure {
    Ask(AskError),
    /// The gateway was told to move money, and has not said what became of that.
    Unheard(AskError),
    /// Nothing was done.
    Refused(String),
    /// It may have been done.
    Unknown(String),
    Io(io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask(_) => f.write_str("no response from the node; nothing was sent"),
            Self::Unheard(_) => f.write_str("unknown whether this was done"),
            Self::Refused(why) | Self::Unknown(why) => f.write_str(why),
            Self::Io(_) => f.write_str("cannot use the terminal"),
        }
    }
}

impl core::error::Error for Failure {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Ask(cause) | Self::Unheard(cause) => Some(cause),
            Self::Io(cause) => Some(cause),
            Self::Refused(_) | Self::Unknown(_) => None,
        }
    }
}

/// Runs a command, with the data folder of the gateway.
pub(crate) fn run(options: &NodeOptions, data_dir: Option<&Path>) -> Result<(), Failure> {
    let socket = options.socket.clone().or_else(|| Some(socket_path(data_dir?)));
    let socket = socket.ok_or_else(|| Failure::Refused("no data directory; use --socket".to_owned()))?;
    let (call, care) = call(&options.command).map_err(Failure::Refused)?;
    let Some(care) = care else {
        let reply = ask(&socket, &Request { call, id: None, dry_run: false }).map_err(Failure::Ask)?;
        return show(&reply, options.json);
    };
    let id = care.id.clone().map_or_else(random_id, Ok).map_err(Failure::Io)?;
    let request = |dry_run| Request { call: call.clone(), id: Some(id.clone()), dry_run };
    let planned = ask(&socket, &request(true)).map_err(Failure::Ask)?;
    let Reply::Plan(lines) = &planned else {
        return show(&planned, options.json); // refused, or done before
    };
    if care.dry_run {
        return show(&planned, options.json);
    }
    let mut terminal = io::stderr();
    for line in lines {
        writeln!(terminal, "{line}").map_err(Failure::Io)?;
    }
    writeln!(terminal, "operation id: {id}").map_err(Failure::Io)?;
    if !care.yes && !agreed(&mut terminal).map_err(Failure::Io)? {
        return Err(Failure::Refused("not confirmed; nothing was sent".to_owned()));
    }
    let asked = ask(&socket, &request(false)).map_err(|fault| match fault {
        AskError::Unreachable { .. } => Failure::Ask(fault),
        _ => Failure::Unheard(fault),
    });
    show(&asked?, options.json)
}

fn call(command: &NodeCommand) -> Result<(Call, Option<&Care>), String> {
    let (money, care) = match command {
        NodeCommand::Info => return Ok((Call::Info, None)),
        NodeCommand::Balance => return Ok((Call::Balance, None)),
        NodeCommand::Address => return Ok((Call::Address, None)),
        NodeCommand::Channels => return Ok((Call::Channels, None)),
        NodeCommand::Send { address, amount, fee_rate, care } => {
            let amount_sat = match amount.as_str() {
                "all" => None,
                amount => Some(sat(amount).map_err(|form| format!("{form}, or `all`"))?),
            };
            (Money::Send { address: address.clone(), amount_sat, fee_rate: *fee_rate }, care)
        }
        NodeCommand::Pay { invoice, max_fee, care } => {
            (Money::Pay { invoice: invoice.clone(), max_fee_sat: *max_fee }, care)
        }
        NodeCommand::Open { peer, capacity, push, announce, care } => {
            let (key, address) = peer.split_once('@').ok_or("write the peer as KEY@HOST:PORT")?;
            let (peer, address) = (key.to_owned(), address.to_owned());
            (Money::Open { peer, address, capacity_sat: *capacity, push_sat: *push, announced: *announce }, care)
        }
        NodeCommand::Close { channel, care } => (Money::Close { channel: channel.clone() }, care),
        NodeCommand::ForceClose { channel, care } => (Money::ForceClose { channel: channel.clone() }, care),
    };
    Ok((Call::Money(money), Some(care)))
}

/// Reads an amount, with its unit as prices have it, or without.
fn sat(text: &str) -> Result<u64, &'static str> {
    let number = text.strip_suffix("sats").or_else(|| text.strip_suffix("sat")).unwrap_or(text).trim_end();
    let is_plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| is_plain).ok_or("write whole satoshis, such as 50000 or \"50000 sat\"")
}

fn random_id() -> io::Result<String> {
    getrandom::u64().map(|random| format!("{random:016x}")).map_err(io::Error::other)
}

fn agreed(terminal: &mut impl Write) -> io::Result<bool> {
    if !io::stdin().is_terminal() {
        writeln!(terminal, "cannot ask for confirmation without a terminal; use --yes")?;
        return Ok(false);
    }
    write!(terminal, "Do this? Type yes: ")?;
    terminal.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

/// Prints an answer; one that says that nothing was done is an error.
fn show(reply: &Reply, json: bool) -> Result<(), Failure> {
    let mut out = io::stdout();
    if json {
        let text = serde_json::to_string(reply).unwrap_or_default();
        writeln!(out, "{text}").map_err(Failure::Io)?;
    }
    let text = match reply {
        Reply::Facts(facts) => facts_text(facts),
        Reply::Plan(lines) => lines.join("\n"),
        Reply::Refused(why) => return Err(Failure::Refused(why.clone())),
        Reply::Operation { id, repeated, outcome } => {
            let again = if *repeated {
                format!("operation {id} was already requested, nothing was sent now: ")
            } else {
                String::new()
            };
            match outcome {
                Outcome::Done { what, .. } => format!("{again}{what}"),
                Outcome::NotDone { why } => return Err(Failure::Refused(format!("{again}not done: {why}"))),
                Outcome::Unknown { why } => {
                    return Err(Failure::Unknown(format!(
                        "{again}the outcome is unknown: {why} (repeat with --id {id} to ask again)"
                    )));
                }
            }
        }
    };
    if json { Ok(()) } else { writeln!(out, "{text}").map_err(Failure::Io) }
}

fn facts_text(facts: &Value) -> String {
    match facts {
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(facts_text).collect::<Vec<_>>().join("\n\n"),
        Value::Object(map) => {
            map.iter().map(|(name, value)| format!("{name}: {}", plain(value))).collect::<Vec<_>>().join("\n")
        }
        other => plain(other),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_in_satoshis_with_or_without_the_unit() {
        for text in ["50000", "50000 sat", "50000sat", "50000 sats"] {
            assert_eq!(sat(text), Ok(50_000), "{text}");
        }
        for text in ["", "sat", "0.5", "50_000", "50000 msat", "+5", "5 btc", "-1", "99999999999999999999"] {
            assert!(sat(text).is_err(), "{text}");
        }
    }
}

//! The command line: one file for each command, and one for each group of options.

mod breaker;
mod broker;
mod budget;
mod completion;
mod connection;
mod data;
mod get;
mod home;
mod implied;
mod mcp;
mod output;
mod pay;
mod payments;
mod request;
mod tokens;
mod values;
mod wallet;

pub use breaker::{AnswerArgs, BreakerCommand, PendingArgs, ScopeArgs};
pub use broker::{BrokerArgs, KeyCommand, ServeArgs};
pub use budget::{BudgetCommand, Cap, ClockCommand, LimitArgs, NewArgs, PolicyCommand, SetArgs, StoppedCommand};
pub use completion::{CompletionArgs, ManArgs};
pub use connection::ConnectionArgs;
pub use data::{DataArg, DataArgs, DataKind};
pub use get::GetArgs;
pub use home::HomeArgs;
pub use implied::with_get;
pub use mcp::McpArgs;
pub use output::OutputArgs;
pub use pay::{PayArgs, TokenFieldName};
pub use payments::PaymentsCommand;
pub use request::RequestArgs;
pub use tokens::{AttenuateArgs, ExportArgs, ImportArgs, InspectArgs, TokensCommand};
pub use wallet::WalletCommand;

use crate::exit;
use clap::{Parser, Subcommand};

/// Get a URL, pay for it over Lightning, print the body
#[derive(Debug, Parser)]
#[command(name = "l402", version, after_help = exit::help(), arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Where things are kept, and what pays.
    #[command(flatten)]
    pub home: HomeArgs,
    /// The broker that pays in place of this command.
    #[command(flatten)]
    pub broker: BrokerArgs,
}

/// A command.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Get a URL, pay if asked, and print the body
    ///
    /// Example: `l402 get --max-price "5 sat" https://api.example/data`
    ///
    /// Proxies are read from `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`.
    #[command(after_help = exit::help())]
    Get(Box<GetArgs>),
    /// List, explain, narrow, export, import or delete bought tokens
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// List payments, resolve those with an unknown outcome
    #[command(subcommand)]
    Payments(PaymentsCommand),
    /// Make, list and stop budgets
    #[command(subcommand)]
    Budget(BudgetCommand),
    /// The policy, breakers and confirmations
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Serve tools to an agent over the Model Context Protocol
    ///
    /// Example: `claude mcp add l402 -- l402 mcp --budget research`
    Mcp(McpArgs),
    /// Pay for programs of other users, over a socket
    ///
    /// Example: `l402 serve --socket /run/l402/agent.sock --socket-mode 666`
    ///
    /// Such a program sets `L402_AGENT`, and `L402_AGENT_KEY_FILE` to a file with a key that `l402 budget key new` has made.
    Serve(ServeArgs),
    /// Manage the embedded wallet
    #[command(subcommand)]
    Wallet(WalletCommand),
    /// Look for what keeps this machine from paying, and say what to do
    ///
    /// Nothing is paid. Ends with 1 where something fails.
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a page for an agent that runs this command
    ///
    /// Example: `l402 agent-page >> AGENTS.md`
    AgentPage,
    /// Print a completion script for a shell
    ///
    /// Example: `l402 completion bash > ~/.local/share/bash-completion/completions/l402`
    Completion(CompletionArgs),
    /// Print the JSON Schema of what `--json` prints
    Schema,
    /// Write the manual pages
    ///
    /// Example: `l402 man ~/.local/share/man/man1`, then `man l402-get`
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wallet::{WalletFlag, WalletKind};
    use clap::CommandFactory;
    use core::time::Duration;
    use l402_agent::amount::Amount;
    use std::path::PathBuf;

    fn get(line: &str) -> Result<GetArgs, clap::Error> {
        match Cli::try_parse_from(line.split(' '))?.command {
            Command::Get(args) => Ok(*args),
            other => panic!("not a get: {other:?}"),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_exit_codes_are_in_the_help() {
        let help = Cli::command().find_subcommand_mut("get").unwrap().render_long_help().to_string();
        assert!(help.contains("8  the payment may still succeed"));
    }

    #[test]
    fn options_have_the_names_of_curl() {
        let args = get("l402 get http://a/ -X PUT -d @- -H A:1 -H B:2 -o out -i -L -q --max-price 5sat --timeout 0.5")
            .unwrap();
        assert_eq!(args.request.method.as_deref(), Some("PUT"));
        assert_eq!(args.request.data.all()[0].value, "@-");
        assert_eq!(args.request.headers, ["A:1", "B:2"]);
        assert_eq!(args.pay.max_price, Some(Amount::new(5_000.into())));
        assert_eq!(args.connection.timeout, Duration::from_millis(500));
        assert!(args.output.include && args.connection.location && args.output.quiet && !args.pay.dry_run);
    }

    #[test]
    fn home_options_may_follow_the_command() {
        for kind in WalletKind::all() {
            let line = format!("l402 get http://a/ --wallet {} --data-dir d", kind.name());
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(cli.home.wallet, Some(WalletFlag::Kind(kind)));
            assert_eq!(cli.home.data_dir, Some(PathBuf::from("d")));
        }
    }

    #[test]
    fn invalid_command_lines_are_refused() {
        for line in [
            "l402",
            "l402 get",
            "l402 get http://a/ --max-price 5",
            "l402 get http://a/ --timeout 0",
            "l402 get http://a/ --timeout -1",
            "l402 get http://a/ --timeout inf",
            "l402 get http://a/ --wallet purse",
            "l402 payments forget 00",
            "l402 tokens forget",
            "l402 tokens forget http://a/path",
            "l402 tokens forget http://a?query",
            "l402 policy breaker freeze http://a/path",
            "l402 tokens import",
            "l402 tokens import f --http --origin http://a",
            "l402 tokens attenuate",
            "l402 tokens attenuate --uses 0",
            "l402 tokens attenuate --uses -1",
            "l402 tokens attenuate --uses 4294967296",
            "l402 tokens attenuate --expires 0h",
            "l402 tokens attenuate --expires 5",
            "l402 tokens attenuate --expires 1w",
            "l402 tokens attenuate --expires 99999999999999999999d",
            "l402 tokens attenuate --route a,b",
            "l402 get http://a/ --token - --dry-run",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}

//! The command line.

use crate::exit;
use crate::variables;
use crate::wallet::WalletKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use core::time::Duration;
use l402_agent::amount::Amount;
use l402_http::pay::{Origin, TokenField};
use l402_lightning::Network;
use std::path::PathBuf;

/// Gets URLs that cost money, and pays for them over Lightning.
#[derive(Debug, Parser)]
#[command(name = "l402", version, about, after_help = exit::help(), arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Where things are kept, and what pays.
    #[command(flatten)]
    pub home: HomeArgs,
}

/// Where tokens, payments and the wallet live. Understood by every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Home and wallet")]
pub struct HomeArgs {
    /// Keep tokens, payments and the embedded wallet in this folder [default: the user's data folder, `l402` in it]
    #[arg(long, global = true, value_name = "DIR", env = variables::DATA_DIR.name)]
    pub data_dir: Option<PathBuf>,
    /// Read this configuration file [default: `l402/client.toml` in the user's configuration folder, if it is there]
    #[arg(long, global = true, value_name = "FILE", env = variables::CONFIG.name)]
    pub config: Option<PathBuf>,
    /// Pay from this wallet [default: what the configuration says, else `sandbox`]
    #[arg(long, global = true, value_parser = WalletKind::parser(), env = variables::WALLET.name)]
    pub wallet: Option<WalletKind>,
    /// The file that a running sandbox wrote for its wallet [default: where the sandbox puts it]
    #[arg(long, global = true, value_name = "FILE", env = variables::SANDBOX.name)]
    pub sandbox: Option<PathBuf>,
    /// The network of the embedded wallet or of LND [default: what the configuration says; for LND `bitcoin`]
    #[arg(long, global = true, env = variables::NETWORK.name)]
    pub network: Option<Network>,
    /// Let the embedded wallet see the chain through this Esplora server
    #[arg(long, global = true, value_name = "URL", conflicts_with = "electrum")]
    pub esplora: Option<String>,
    /// Let the embedded wallet see the chain through this Electrum server
    #[arg(long, global = true, value_name = "URL")]
    pub electrum: Option<String>,
}

/// A command.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum Command {
    /// Get a URL, pay for it if it costs something, and print the body
    ///
    /// Proxies are read from `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`.
    #[command(after_help = exit::help())]
    Get(Box<GetArgs>),
    /// Show, import or forget the tokens that were bought
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// Show payments, and resolve or forget those whose outcome is unknown
    #[command(subcommand)]
    Payments(PaymentsCommand),
    /// Fund and look after the embedded wallet
    #[command(subcommand)]
    Wallet(WalletCommand),
}

/// `l402 get`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that the user may set by itself")]
pub struct GetArgs {
    /// An http or https URL
    pub url: String,
    /// The method [default: GET, or POST with -d]
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub method: Option<String>,
    /// Send this as the body; `@FILE` reads it from a file, `@-` from standard input
    #[arg(short, long, value_name = "DATA")]
    pub data: Option<String>,
    /// Send this header field; may be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// Write the body to this file instead of standard output, which is also `-`; it is opened before anything is paid
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print the status and the header fields before the body
    #[arg(short, long)]
    pub include: bool,
    /// Send the token in this field; `macaroon` leaves `Authorization` to your own login (-H), for servers that read the token there
    #[arg(long, value_enum, default_value_t, value_name = "FIELD")]
    pub token_field: TokenFieldName,
    /// Follow redirects, at most 10; a token never leaves the origin that sold it
    #[arg(short = 'L', long)]
    pub location: bool,
    /// Pay at most this for the call, its redirects included, fees not [default: what the configuration says, else `100 sat`]
    #[arg(long, value_name = "AMOUNT")]
    pub max_price: Option<Amount>,
    /// Pay at most this for routing [default: what the configuration says, else `10 sat`]
    #[arg(long, value_name = "AMOUNT")]
    pub max_fee: Option<Amount>,
    /// Ask for the price and show the invoice's facts on standard output; pay nothing, present no token
    #[arg(long)]
    pub dry_run: bool,
    /// Report in JSON, an object a line: on standard error, the price of --dry-run on standard output
    #[arg(long)]
    pub json: bool,
    /// Present no token that has served before, and forget the new one once it has
    #[arg(long)]
    pub no_token_cache: bool,
    /// Pay also a server that has not accepted what was bought from it before
    #[arg(long)]
    pub buy_again: bool,
    /// Give up when the server is silent for so many seconds
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub timeout: Duration,
    /// Wait so many seconds for the payment; afterwards its state counts as unknown
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub pay_timeout: Duration,
    /// Trust the certificates in this PEM file too
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Report nothing but errors, and demands that were not paid
    #[arg(short, long)]
    pub quiet: bool,
}

/// A field that carries a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
#[non_exhaustive]
pub enum TokenFieldName {
    /// `Authorization: L402 TOKEN:PREIMAGE`
    #[default]
    Authorization,
    /// `Macaroon: HEX`, the preimage in a caveat; the token must be a macaroon of format V2
    Macaroon,
}

impl From<TokenFieldName> for TokenField {
    fn from(name: TokenFieldName) -> Self {
        match name {
            TokenFieldName::Authorization => Self::Authorization,
            TokenFieldName::Macaroon => Self::Macaroon,
        }
    }
}

/// `l402 tokens`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum TokensCommand {
    /// List the tokens, without their secrets
    List,
    /// Forget the tokens of an origin, such as `https://api.example:8443`
    Forget {
        /// The origin: scheme, host and port
        origin: Origin,
    },
    /// Take over the tokens that lnget has bought; its files stay as they are
    Import(ImportArgs),
}

/// `l402 tokens import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// lnget's folder of tokens, the folder of one host in it, or one token file
    pub path: PathBuf,
    /// Where the tokens were bought [default: what the name of each folder says, over https]
    #[arg(long)]
    pub origin: Option<Origin>,
    /// The tokens were bought over http
    #[arg(long, conflicts_with = "origin")]
    pub http: bool,
}

/// `l402 payments`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum PaymentsCommand {
    /// List the payments whose outcome is not known yet
    List {
        /// List those with an outcome too, each with what became of it
        #[arg(long)]
        all: bool,
    },
    /// Ask the wallet what became of them, and keep the tokens of those that were paid; pays nothing
    Resolve,
    /// Stop asking for a payment: the next call for its URL may pay again
    Forget {
        /// The payment hash, as `list` shows it
        payment_hash: l402_core::PaymentHash,
    },
}

/// `l402 wallet`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum WalletCommand {
    /// Show the node's id, its network and what it can spend
    Info,
    /// Print an on-chain address to send bitcoin to
    Address,
    /// Open a channel to a peer
    Open {
        /// The peer, as `NODE_ID@HOST:PORT`
        peer: String,
        /// What to put into the channel, in whole satoshi
        amount: Amount,
    },
    /// List the channels
    Channels,
    /// Close a channel together with its peer; the money returns on chain
    Close {
        /// The channel, as `channels` shows it
        channel: String,
    },
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "it must be a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("it must be more than 0 seconds".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

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
        assert_eq!(args.method.as_deref(), Some("PUT"));
        assert_eq!(args.data.as_deref(), Some("@-"));
        assert_eq!(args.headers, ["A:1", "B:2"]);
        assert_eq!(args.max_price, Some(Amount::from_msat(5_000)));
        assert_eq!(args.timeout, Duration::from_millis(500));
        assert!(args.include && args.location && args.quiet && !args.dry_run);
    }

    #[test]
    fn home_options_may_follow_the_command() {
        let cli = Cli::try_parse_from("l402 get http://a/ --wallet ldk --data-dir d".split(' ')).unwrap();
        assert_eq!(cli.home.wallet, WalletKind::named("ldk"));
        assert_eq!(cli.home.data_dir, Some(PathBuf::from("d")));
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
            "l402 tokens import",
            "l402 tokens import f --http --origin http://a",
        ] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}

//! The command line.

use crate::exit;
use crate::variables;
use crate::wallet::WalletKind;
use clap::{Args, Parser, Subcommand, ValueEnum};
use core::num::NonZeroU32;
use core::time::Duration;
use l402_agent::amount::Amount;
use l402_core::Name;
use l402_http::pay::{Origin, TokenField};
use l402_lightning::Network;
use std::path::PathBuf;

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
}

/// Where tokens, payments and the wallet live. Understood by every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Home and wallet")]
pub struct HomeArgs {
    /// Data directory [default: `l402` in your data directory]
    #[arg(long, global = true, value_name = "DIR", env = variables::DATA_DIR.name)]
    pub data_dir: Option<PathBuf>,
    /// Configuration file [default: `l402/client.toml`]
    ///
    /// The default is in your configuration directory, and does not have to exist.
    #[arg(long, global = true, value_name = "FILE", env = variables::CONFIG.name)]
    pub config: Option<PathBuf>,
    /// Wallet that pays [default: configured, or sandbox]
    #[arg(long, global = true, value_parser = WalletKind::parser(), env = variables::WALLET.name)]
    pub wallet: Option<WalletKind>,
    /// File through which the sandbox is found [default: automatic]
    #[arg(long, global = true, value_name = "FILE", env = variables::SANDBOX.name)]
    pub sandbox: Option<PathBuf>,
    /// Bitcoin network [default: configured; with LND: bitcoin]
    #[arg(long, global = true, env = variables::NETWORK.name)]
    pub network: Option<Network>,
    /// Esplora server for the embedded wallet
    #[arg(long, global = true, value_name = "URL", conflicts_with = "electrum")]
    pub esplora: Option<String>,
    /// Electrum server for the embedded wallet
    #[arg(long, global = true, value_name = "URL")]
    pub electrum: Option<String>,
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
    /// List, narrow, import or delete bought tokens
    #[command(subcommand)]
    Tokens(TokensCommand),
    /// List payments, resolve those with an unknown outcome
    #[command(subcommand)]
    Payments(PaymentsCommand),
    /// Manage the embedded wallet
    #[command(subcommand)]
    Wallet(WalletCommand),
}

/// `l402 get`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that the user may set by itself")]
pub struct GetArgs {
    /// An http or https URL
    pub url: String,
    /// Request method [default: GET, or POST with -d]
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub method: Option<String>,
    /// Request body; `@FILE` reads a file, `@-` standard input
    #[arg(short, long, value_name = "DATA")]
    pub data: Option<String>,
    /// Add this header to the request; can be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
    /// Write the body to this file; `-` is standard output
    ///
    /// The file is opened before anything is paid.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print status and headers before the body
    #[arg(short, long)]
    pub include: bool,
    /// Header for the token
    ///
    /// With `macaroon`, you can send your own login in `Authorization` (-H). Not every server reads that header.
    #[arg(long, value_enum, default_value_t, value_name = "FIELD")]
    pub token_field: TokenFieldName,
    /// Follow up to 10 redirects; a token stays with its origin
    #[arg(short = 'L', long)]
    pub location: bool,
    /// Maximum price [default: configured, or 100 sat]
    ///
    /// For the whole call: includes redirects, excludes routing fees.
    #[arg(long, value_name = "AMOUNT")]
    pub max_price: Option<Amount>,
    /// Maximum routing fee [default: configured, or 10 sat]
    #[arg(long, value_name = "AMOUNT")]
    pub max_fee: Option<Amount>,
    /// Show price and invoice; pay nothing, present no token
    #[arg(long)]
    pub dry_run: bool,
    /// Report in JSON, one object per line, on standard error
    ///
    /// With --dry-run, the price goes to standard output.
    #[arg(long)]
    pub json: bool,
    /// Use no kept token, and do not keep the new one
    #[arg(long)]
    pub no_token_cache: bool,
    /// Use the token in this file, `-` is standard input; never pay
    ///
    /// The file holds `L402 TOKEN:PREIMAGE`, as `l402 tokens attenuate` prints it. The token is used for this request only, at the origin
    /// of the URL, and is not kept.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "buy_again"])]
    pub token: Option<String>,
    /// Pay even if the server refused a bought token before
    #[arg(long)]
    pub buy_again: bool,
    /// Maximum time without data from the server, in seconds
    ///
    /// Also the longest wait, in all, for a server that says when to come back, such as while other requests hold the uses of a token.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub timeout: Duration,
    /// Maximum time for the payment; then its state is unknown
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub pay_timeout: Duration,
    /// Also trust the certificates in this PEM file
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Report only errors and unpaid challenges
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
    /// `Macaroon: HEX`, only for macaroons of format V2
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
    /// List tokens, without their secrets
    List,
    /// Delete the tokens of an origin
    ///
    /// Example: `l402 tokens forget https://api.example:8443`
    Forget {
        /// The origin: scheme, host and port
        origin: Origin,
    },
    /// Import lnget's tokens; its files stay as they are
    Import(ImportArgs),
    /// Print a part of a kept token, for somebody else
    ///
    /// Example: `l402 tokens attenuate --uses 5 --expires 1h | ssh agent l402 get --token - https://api.example/data`
    ///
    /// It is made offline, and printed as `L402 TOKEN:PREIMAGE`: a secret. Its uses come out of yours.
    Attenuate(AttenuateArgs),
}

/// `l402 tokens import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// lnget's token directory, one host's directory, or one file
    pub path: PathBuf,
    /// Origin of the tokens [default: `https://DIRECTORY_NAME`]
    #[arg(long)]
    pub origin: Option<Origin>,
    /// The tokens were bought over http
    #[arg(long, conflicts_with = "origin")]
    pub http: bool,
}

/// `l402 tokens attenuate`.
#[derive(Debug, Clone, Args)]
#[group(id = "narrowing", required = true, multiple = true, args = ["uses", "expires", "route", "service"])]
pub struct AttenuateArgs {
    /// Payment hash, or a URL it was bought for [default: the one that fits]
    pub token: Option<String>,
    /// How many uses the part has
    #[arg(long, value_name = "NUMBER", value_parser = uses, allow_hyphen_values = true)]
    pub uses: Option<NonZeroU32>,
    /// When the part ends, from now: `90s`, `30m`, `1h` or `2d`
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub expires: Option<Duration>,
    /// Only for this route, by its name at the server
    #[arg(long, value_name = "NAME")]
    pub route: Option<Name>,
    /// Only for this service, where the token is for several
    #[arg(long, value_name = "NAME")]
    pub service: Option<Name>,
}

/// `l402 payments`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum PaymentsCommand {
    /// List payments with an unknown outcome
    List {
        /// List all payments, with their outcome
        #[arg(long)]
        all: bool,
    },
    /// Ask the wallet for outcomes, keep paid tokens; pay nothing
    Resolve,
    /// Give a payment up; the next call may pay again
    Forget {
        /// The payment hash, as `list` shows it
        payment_hash: l402_core::PaymentHash,
    },
}

/// `l402 wallet`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum WalletCommand {
    /// Show node id, network and balance
    Info,
    /// Print an on-chain address to send bitcoin to
    Address,
    /// Open a channel to a peer
    Open {
        /// The peer, as `NODE_ID@HOST:PORT`
        peer: String,
        /// Capacity, in whole sat
        amount: Amount,
    },
    /// List the channels
    Channels,
    /// Close a channel with its peer; the money returns on-chain
    Close {
        /// The channel, as `channels` shows it
        channel: String,
    },
}

/// Reads a whole number and its unit.
fn span(text: &str) -> Result<Duration, String> {
    let at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("it must be a number and its unit: s, m, h or d".to_owned()),
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    match seconds {
        Some(seconds) if seconds > 0 => Ok(Duration::from_secs(seconds)),
        _ => Err("it must be more than 0, and no more than a number can hold".to_owned()),
    }
}

fn uses(text: &str) -> Result<NonZeroU32, &'static str> {
    text.parse().map_err(|_| "write a number from 1 to 4294967295")
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
        assert_eq!(args.max_price, Some(Amount::new(5_000.into())));
        assert_eq!(args.timeout, Duration::from_millis(500));
        assert!(args.include && args.location && args.quiet && !args.dry_run);
    }

    #[test]
    fn home_options_may_follow_the_command() {
        for kind in WalletKind::all() {
            let line = format!("l402 get http://a/ --wallet {} --data-dir d", kind.name());
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert_eq!(cli.home.wallet, Some(kind));
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

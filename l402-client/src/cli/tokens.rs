//! `l402 tokens`.

use super::values::{origin, span, uses};
use clap::{Args, Subcommand};
use core::num::NonZeroU32;
use core::time::Duration;
use l402_core::Name;
use l402_http::pay::Origin;
use std::path::PathBuf;

/// `l402 tokens`.
#[derive(Debug, Subcommand)]
#[non_exhaustive]
pub enum TokensCommand {
    /// List tokens, without their secrets
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a kept token: what it opens, what is left of it; no secret
    Show {
        /// Payment hash, or a URL it was bought for [default: the only one]
        token: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Explain the conditions of any token, offline
    ///
    /// Example: `l402 tokens export | l402 tokens inspect`
    ///
    /// The token is read as `L402 TOKEN:PREIMAGE`, or without the preimage. Nothing is sent, and nothing is kept.
    Inspect(InspectArgs),
    /// Delete the tokens of an origin
    ///
    /// Example: `l402 tokens forget https://api.example:8443`
    Forget {
        /// The origin: scheme, host and port
        #[arg(value_parser = origin)]
        origin: Origin,
    },
    /// Import lnget's tokens, or a line of `export`
    ///
    /// lnget's files stay as they are.
    Import(ImportArgs),
    /// Print a whole kept token, or write it for lnget
    ///
    /// Example: `l402 tokens export https://api.example/data --lnget ~/.lnget/tokens`
    ///
    /// It is printed as `L402 TOKEN:PREIMAGE`: a secret. It stays here too, and its uses are shared.
    Export(ExportArgs),
    /// Print a part of a kept token, for somebody else
    ///
    /// Example: `l402 tokens attenuate --uses 5 --expires 1h | ssh agent l402 get --token - https://api.example/data`
    ///
    /// It is made offline, and printed as `L402 TOKEN:PREIMAGE`: a secret. Its uses come out of yours.
    Attenuate(AttenuateArgs),
}

/// `l402 tokens inspect`.
#[derive(Debug, Clone, Args)]
pub struct InspectArgs {
    /// A file, a token without its preimage, or `-` for standard input
    #[arg(default_value = "-", allow_hyphen_values = true)]
    pub token: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `l402 tokens export`.
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// Payment hash, or a URL it was bought for [default: the only one]
    pub token: Option<String>,
    /// Write it into lnget's token directory instead
    #[arg(long, value_name = "DIR")]
    pub lnget: Option<PathBuf>,
}

/// `l402 tokens import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// lnget's token directory, one host's directory, one file, or `-`
    ///
    /// A file, or with `-` standard input, may also hold `L402 TOKEN:PREIMAGE`; then --origin is needed.
    pub path: PathBuf,
    /// Origin of the tokens [default: `https://DIRECTORY_NAME`]
    #[arg(long, value_parser = origin)]
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

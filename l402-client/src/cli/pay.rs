//! What may be paid, and which token is used.

use super::values::seconds;
use clap::{Args, ValueEnum};
use core::time::Duration;
use l402_agent::amount::Amount;
use l402_http::pay::TokenField;

/// What may be paid, and which token is used.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Payment")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that the user may set by itself")]
pub struct PayArgs {
    /// Maximum price [default: configured, or 100 sat]
    ///
    /// For the whole call: includes redirects, excludes routing fees.
    #[arg(long, value_name = "AMOUNT")]
    pub max_price: Option<Amount>,
    /// Maximum routing fee [default: configured, or 10 sat]
    #[arg(long, value_name = "AMOUNT")]
    pub max_fee: Option<Amount>,
    /// Budget that pays, from `l402 budget list` [default: main]
    #[arg(long, value_name = "NAME")]
    pub budget: Option<String>,
    /// Show price and invoice; pay nothing, present no token
    #[arg(long)]
    pub dry_run: bool,
    /// Say on standard error why the call is paid or not, step by step
    #[arg(long)]
    pub explain: bool,
    /// Use no kept token, and do not keep the new one
    #[arg(long)]
    pub no_token_cache: bool,
    /// Use the token in this file, `-` is standard input; never pay
    ///
    /// The file holds `L402 TOKEN:PREIMAGE`, as `l402 tokens attenuate` prints it. The token is used for this request only, at the origin
    /// of the URL, and is not kept.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dry_run", "buy_again"])]
    pub token: Option<String>,
    /// Header for the token [default: authorization, or macaroon with a login]
    ///
    /// With -u, or your own `Authorization` (-H), the token goes into the header `Macaroon`. Not every server reads that header.
    #[arg(long, value_enum, value_name = "FIELD")]
    pub token_field: Option<TokenFieldName>,
    /// Pay even if the server refused a bought token before
    #[arg(long)]
    pub buy_again: bool,
    /// Maximum time for the payment; then its state is unknown
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    pub pay_timeout: Duration,
}

/// A field that carries a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum TokenFieldName {
    /// `Authorization: L402 TOKEN:PREIMAGE`
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

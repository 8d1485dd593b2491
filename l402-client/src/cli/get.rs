//! `l402 get`.

use super::{ConnectionArgs, OutputArgs, PayArgs, RequestArgs};
use clap::Args;

/// `l402 get`. The options have the names that curl uses.
#[derive(Debug, Clone, Args)]
pub struct GetArgs {
    /// An http or https URL
    pub url: String,
    /// What is sent.
    #[command(flatten)]
    pub request: RequestArgs,
    /// Where the response goes.
    #[command(flatten)]
    pub output: OutputArgs,
    /// How the server is reached.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// What may be paid.
    #[command(flatten)]
    pub pay: PayArgs,
}

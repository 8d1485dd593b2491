//! How the server is reached.

use super::values::seconds;
use clap::Args;
use core::time::Duration;
use std::path::PathBuf;

/// How the server is reached.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Connection")]
pub struct ConnectionArgs {
    /// Follow up to 10 redirects; a token stays with its origin
    #[arg(short = 'L', long)]
    pub location: bool,
    /// Maximum time without data from the server, in seconds
    ///
    /// Also the longest wait, in all, for a server that says when to come back, such as while other requests hold the uses of a token.
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = seconds)]
    pub timeout: Duration,
    /// Also trust the certificates in this PEM file
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
}

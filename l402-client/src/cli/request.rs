//! What is sent.

use clap::Args;

/// What is sent.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Request")]
pub struct RequestArgs {
    /// Request method [default: GET, or POST with -d]
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub method: Option<String>,
    /// Request body; `@FILE` reads a file, `@-` standard input
    #[arg(short, long, value_name = "DATA")]
    pub data: Option<String>,
    /// Add this header to the request; can be repeated
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE")]
    pub headers: Vec<String>,
}

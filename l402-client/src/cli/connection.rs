//! How the server is reached.

use super::values::seconds;
use clap::Args;
use core::time::Duration;
use l402_agent::http::pins::Pin;
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
    /// Maximum time for the connection, in seconds [default: --timeout]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub connect_timeout: Option<Duration>,
    /// Maximum time for the whole command, in seconds
    ///
    /// A payment that is under way then is resolved by the next call.
    #[arg(short, long, value_name = "SECONDS", value_parser = seconds)]
    pub max_time: Option<Duration>,
    /// Repeat this often after a network error, or status 408, 429, 500, 502, 503 or 504
    ///
    /// A repetition buys nothing. Only GET, HEAD, OPTIONS and TRACE without a body are repeated, and what carries an `Idempotency-Key` that
    /// you set (-H).
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub retry: u32,
    /// Wait this long before each repetition, in seconds [default: 1, 2, 4, …]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub retry_delay: Option<Duration>,
    /// Proxy, such as `http://HOST:PORT` or `socks5h://HOST:PORT`; none if empty
    #[arg(short = 'x', long, value_name = "URL")]
    pub proxy: Option<String>,
    /// Connect to this address in place of the host's: `HOST:PORT:ADDRESS`
    ///
    /// Can be repeated. No kept token is presented then, and a new one is not kept.
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    pub resolve: Vec<Pin>,
    /// Trust only the certificates in this PEM file
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// Accept any certificate; anybody on the way can be the server
    ///
    /// No kept token is presented then, and a new one is not kept.
    #[arg(short = 'k', long)]
    pub insecure: bool,
}

//! What is sent.

use super::DataArgs;
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// What is sent.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Request")]
pub struct RequestArgs {
    /// Request method [default: GET, or POST with a body]
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    pub method: Option<String>,
    /// The body.
    #[command(flatten)]
    pub data: DataArgs,
    /// Part of a multipart form: `NAME=TEXT`, `NAME=@FILE`, `NAME=<FILE`
    ///
    /// `;type=TYPE` and `;filename=NAME` may follow.
    #[arg(short = 'F', long = "form", value_name = "PART", allow_hyphen_values = true, conflicts_with_all = BODY)]
    pub form: Vec<OsString>,
    /// Put the data of -d into the query of the URL, and send a GET
    #[arg(short = 'G', long)]
    pub get: bool,
    /// Send a HEAD request, and print the headers
    #[arg(short = 'I', long, conflicts_with = "form")]
    pub head: bool,
    /// Add, replace (`NAME: VALUE`), empty (`NAME;`) or drop (`NAME:`) a header
    ///
    /// Can be repeated. `@FILE` reads a header from each line of a file, `@-` of standard input.
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", allow_hyphen_values = true)]
    pub headers: Vec<OsString>,
    /// `User-Agent` header; none if empty
    #[arg(short = 'A', long, value_name = "NAME", allow_hyphen_values = true)]
    pub user_agent: Option<OsString>,
    /// Login, sent as `Authorization: Basic`
    ///
    /// The token then goes into the `Macaroon` header. Other users of the machine can read the command line: in a script, use
    /// `-H @FILE`.
    #[arg(short = 'u', long, value_name = "USER:PASSWORD", allow_hyphen_values = true)]
    pub user: Option<OsString>,
    /// Cookies, such as `a=1; b=2`, or a file of them
    ///
    /// What has no `=` is a file, as -c writes it. Then the cookies that responses set are sent too, within this command.
    #[arg(short = 'b', long, value_name = "COOKIES", allow_hyphen_values = true)]
    pub cookie: Vec<OsString>,
    /// Write all cookies to this file at the end; `-` is standard output
    #[arg(short = 'c', long, value_name = "FILE")]
    pub cookie_jar: Option<PathBuf>,
    /// Ask for a part of the response: `0-499`, `500-` or `-500`
    #[arg(short = 'r', long, value_name = "RANGE", allow_hyphen_values = true)]
    pub range: Option<String>,
}

const BODY: [&str; 5] = ["data", "data-binary", "data-raw", "data-urlencode", "json-data"];

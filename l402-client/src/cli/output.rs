//! Where the response goes, and what is told.

use clap::Args;
use std::path::PathBuf;

/// Where the response goes, and what is told.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch that the user may set by itself")]
pub struct OutputArgs {
    /// Write the body to this file; `-` is standard output
    ///
    /// The file is opened before anything is paid.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write the body to a file with the name that ends the URL
    #[arg(short = 'O', long, conflicts_with = "output")]
    pub remote_name: bool,
    /// With `-`: get the rest of the file that -o or -O names
    ///
    /// It is asked for with `If-Range`, so that no other version is put behind the first. It is one more request, which can take a use of
    /// the token, or cost money.
    #[arg(short = 'C', long, value_name = "-", value_parser = ["-"], allow_hyphen_values = true)]
    #[arg(conflicts_with_all = ["range", "compressed", "include", "head"])]
    pub continue_at: Option<String>,
    /// Print status and headers before the body
    #[arg(short, long)]
    pub include: bool,
    /// Write status and headers to this file; `-` is standard output
    #[arg(short = 'D', long, value_name = "FILE")]
    pub dump_header: Option<PathBuf>,
    /// Print no body for a status of 400 or more
    #[arg(short, long)]
    pub fail: bool,
    /// Ask for a compressed response, and decompress it
    #[arg(long)]
    pub compressed: bool,
    /// Report in JSON, one object per line, on standard error
    ///
    /// With --dry-run, the price goes to standard output.
    #[arg(long)]
    pub json: bool,
    /// Report only errors and unpaid challenges
    #[arg(short, long)]
    pub quiet: bool,
    /// Report nothing, show no progress
    #[arg(short, long)]
    pub silent: bool,
    /// With -s: report errors and unpaid challenges all the same
    #[arg(short = 'S', long)]
    pub show_error: bool,
    /// Print each request and response on standard error, without secrets
    #[arg(short, long)]
    pub verbose: bool,
}

//! Where the response goes, and what is told.

use clap::Args;
use std::path::PathBuf;

/// Where the response goes, and what is told.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Write the body to this file; `-` is standard output
    ///
    /// The file is opened before anything is paid.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print status and headers before the body
    #[arg(short, long)]
    pub include: bool,
    /// Report in JSON, one object per line, on standard error
    ///
    /// With --dry-run, the price goes to standard output.
    #[arg(long)]
    pub json: bool,
    /// Report only errors and unpaid challenges
    #[arg(short, long)]
    pub quiet: bool,
}

//! `l402 completion` and `l402 man`.

use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

/// `l402 completion`.
#[derive(Debug, Clone, Copy, Args)]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// `l402 man`.
#[derive(Debug, Clone, Args)]
pub struct ManArgs {
    /// Directory that the pages go to, made where there is none
    pub directory: PathBuf,
}

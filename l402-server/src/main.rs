//! The gateway `l402-server`; see [`l402_server::program`].

#[cfg(not(any(feature = "ldk", feature = "sandbox")))]
compile_error!("choose a Lightning backend: the feature `ldk`, `sandbox`, or both");

use clap::Parser;
use l402_server::program::{self, Cli};
use std::process::ExitCode;

fn main() -> ExitCode {
    program::run(&Cli::parse())
}

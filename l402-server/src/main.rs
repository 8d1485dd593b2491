//! The gateway `l402-server`; see [`l402_server::program`].

#[cfg(not(any(feature = "ldk", feature = "lnd", feature = "sandbox")))]
compile_error!("choose a Lightning backend: one or more of the features `ldk`, `lnd` and `sandbox`");

use clap::Parser;
use l402_server::program::{self, Cli};
use std::process::ExitCode;

fn main() -> ExitCode {
    program::run(&Cli::parse())
}

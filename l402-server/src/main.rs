//! The gateway `l402-server`; see [`l402_server::program`].

use clap::Parser;
use l402_server::program::{self, Cli};
use std::process::ExitCode;

const _: () = assert!(
    l402_server::HAS_BACKEND,
    "choose a Lightning backend: one or more of the features `ldk`, `lnd` and `sandbox`"
);

fn main() -> ExitCode {
    program::run(&Cli::parse())
}

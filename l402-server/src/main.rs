//! The gateway `l402-server`; see [`l402_server::program`].

use l402_server::program::{self, Cli};
use std::process::ExitCode;

const _: () = assert!(
    l402_server::HAS_BACKEND,
    "choose a Lightning backend: one or more of the features `ldk`, `lnd`, `nwc` and `sandbox`"
);

fn main() -> ExitCode {
    program::run(&Cli::read(std::env::args_os()).unwrap_or_else(|error| error.exit()))
}

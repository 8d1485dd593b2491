//! The `l402` command.

use clap::Parser;
use l402_client::cli::{Cli, with_get};
use l402_client::command;
use l402_client::exit::Exit;
use l402_program::core_dump;
use std::process::ExitCode;
use tokio::runtime::Builder;

fn main() -> ExitCode {
    let cli = Cli::parse_from(with_get(std::env::args_os()));
    if let Err(cause) = core_dump::forbid() {
        eprintln!("l402: a crash may write secrets to a file: {cause}");
    }
    let runtime = match Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => {
            eprintln!("l402: cannot start: {cause}");
            return Exit::Local.into();
        }
    };
    let exit = runtime.block_on(command::run(&cli));
    runtime.shutdown_background(); // a read of standard input may still hang
    exit.into()
}

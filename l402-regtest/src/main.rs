//! `l402-regtest up`: a Lightning network of play money that runs until Ctrl-C.

mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Lightning networks of play money, for tests and for trying things out.
#[derive(Parser)]
#[command(name = "l402-regtest", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a network of LND and LDK nodes until Ctrl-C, and print how to reach each
    Up(up::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Up(options) = Cli::parse().command;
    match up::run(options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("error: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

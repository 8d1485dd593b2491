//! The programs as processes: `l402` that pays from an LND and is killed meanwhile, `l402-server` that sells with one, and two of it
//! behind nginx.
//!
//! A program is this one once more, with one test to run, which does as the program's `main` does.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

mod l402;
mod l402_server;
mod replicas;
mod without_a_node;

use std::process::{Command, ExitCode, Stdio};

use ::l402_client::command;
use ::l402_server::program;
use clap::Parser as _;
use tokio::runtime::Runtime;

/// Returns `l402` or `l402-server`, whichever is named, with nothing in its environment.
fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(AS_PROGRAM).env_clear().env(PROGRAM, name).env(ARGUMENTS, arguments.join("\n"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Is a test only so that others can start, and kill, a program.
#[test]
#[ignore = "needs LND: just interop"]
#[expect(clippy::disallowed_methods, reason = "a test cannot return the exit code")]
fn is_a_program() {
    let Ok(name) = std::env::var(PROGRAM) else { return };
    let arguments = std::env::var(ARGUMENTS).unwrap();
    let words = core::iter::once(name.as_str()).chain(arguments.lines());
    let code = if name == "l402" {
        let cli = ::l402_client::cli::Cli::parse_from(words);
        Runtime::new().unwrap().block_on(command::run(&cli)).code().into()
    } else {
        i32::from(program::run(&program::Cli::parse_from(words)) != ExitCode::SUCCESS)
    };
    std::process::exit(code);
}

const AS_PROGRAM: [&str; 4] = ["--exact", "is_a_program", "--ignored", "--nocapture"];

/// What that process is told by.
const PROGRAM: &str = "L402_TEST_PROGRAM";
const ARGUMENTS: &str = "L402_TEST_ARGUMENTS";

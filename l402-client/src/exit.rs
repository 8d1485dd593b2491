//! How the command ends: one exit code for each thing that a script wants to tell apart.

use core::fmt;
use l402_program::Causes;
use std::process::ExitCode;

/// What became of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
#[non_exhaustive]
pub enum Exit {
    /// The body was delivered, paid for or free.
    Served = 0,
    /// Something on this machine failed: a file, the output.
    Local = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The server could not be reached, or the connection broke.
    Network = 3,
    /// The server answered with a status of 400 or more, after all, whose body was printed; or it redirected where nobody
    /// is followed.
    Http = 4,
    /// The server asked for a payment in a way that cannot be answered.
    Challenge = 5,
    /// The price is over the limit; nothing was paid.
    Limit = 6,
    /// The payment failed; nothing was paid.
    Payment = 7,
    /// The payment may still succeed; the next call for the same URL looks before it pays.
    Unknown = 8,
}

impl Exit {
    /// Returns the code that the process ends with.
    pub const fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A failure and the way to end because of it.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    cause: anyhow::Error,
}

impl Failure {
    /// Joins a cause with the exit that it means.
    pub fn new(exit: Exit, cause: impl Into<anyhow::Error>) -> Self {
        Self { exit, cause: cause.into() }
    }

    /// Says in a sentence what was wrong.
    pub fn say(exit: Exit, sentence: impl Into<String>) -> Self {
        Self { exit, cause: anyhow::Error::msg(sentence.into()) }
    }

    /// Returns the way to end.
    pub const fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    /// Writes the cause and the causes of the cause, joined with colons; nothing is said twice.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Causes(self.cause.as_ref()).fmt(f)
    }
}

/// Turns errors into failures where the operation decides the exit.
pub trait OrExit<T> {
    /// Ends with `exit`, for the reason that the error gives.
    ///
    /// # Errors
    /// The error, with its exit.
    fn or_exit(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|cause| Failure::new(exit, cause))
    }
}

/// The table of exit codes, for `--help`.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  served, paid or free
  1  something on this machine failed: a file, the output
  2  wrong usage or configuration
  3  network failure
  4  the server answered with a status of 400 or more (its body is printed), refused what it was paid for, or
     sent a redirect that -L cannot follow
  5  the server's payment challenge cannot be answered; nothing was paid
  6  refused: the price is over the limit; nothing was paid
  7  the payment failed, found no way within the fee, or there is no wallet; nothing was paid
  8  the payment may still succeed, or another call buys the same; run the same command again: it looks before it
     pays";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_nothing_twice() {
        let refused = std::io::Error::from_raw_os_error(111);
        let text = refused.to_string();
        let failure = Failure::new(Exit::Network, anyhow::Error::from(refused).context(format!("tcp: {text}")));
        assert_eq!(failure.to_string(), format!("tcp: {text}"));
    }

    #[test]
    fn the_table_has_every_exit() {
        use Exit::{Challenge, Http, Limit, Local, Network, Payment, Served, Unknown, Usage};
        let exits = [Served, Local, Usage, Network, Http, Challenge, Limit, Payment, Unknown];
        let table: Vec<_> = EXIT_CODES.lines().skip(1).filter(|line| !line.starts_with("     ")).collect();
        assert_eq!(table.len(), exits.len());
        for (exit, line) in exits.into_iter().zip(table) {
            assert!(line.starts_with(&format!("  {}  ", exit.code())), "{line}");
        }
    }
}

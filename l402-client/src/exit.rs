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
    /// The server answered with a status of 400 or more, after all, whose body was printed; or a
    /// redirect was not followed.
    Http = 4,
    /// The server asked for a payment in a way that cannot be answered.
    Challenge = 5,
    /// The price is over the limit; nothing was paid.
    Limit = 6,
    /// The payment failed; nothing was paid.
    Payment = 7,
    /// The payment may still succeed; the next call for the same URL looks before it pays.
    Unknown = 8,
    /// The owner's policy or budgets do not allow the request or the payment; nothing was paid.
    Policy = 9,
}

impl Exit {
    /// Every exit, in the order of the codes.
    pub const ALL: [Self; 10] = [
        Self::Served,
        Self::Local,
        Self::Usage,
        Self::Network,
        Self::Http,
        Self::Challenge,
        Self::Limit,
        Self::Payment,
        Self::Unknown,
        Self::Policy,
    ];

    /// Returns the name, in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Local => "local",
            Self::Usage => "usage",
            Self::Network => "network",
            Self::Http => "http",
            Self::Challenge => "challenge",
            Self::Limit => "limit",
            Self::Payment => "payment",
            Self::Unknown => "unknown",
            Self::Policy => "policy",
        }
    }

    /// Returns what it means, in a sentence.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Served => "served, paid or free",
            Self::Local => "something on this machine failed: a file, the output",
            Self::Usage => "wrong usage or configuration",
            Self::Network => "network failure",
            Self::Http => "status 400 or more (its body is printed), a paid token refused, or a redirect not followed",
            Self::Challenge => "cannot use the server's payment challenge; nothing was paid",
            Self::Limit => "the price is over the limit; nothing was paid",
            Self::Payment => "the payment failed, no route within the fee, or no wallet; nothing was paid",
            Self::Unknown => "the payment may still succeed, or another command buys the same; run the command again",
            Self::Policy => "the policy or a budget does not allow it; nothing was paid",
        }
    }

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

/// Returns the table of exit codes, for `--help`.
pub fn help() -> String {
    let rows = Exit::ALL.map(|exit| format!("  {}  {}", exit.code(), exit.about()));
    format!("Exit codes:\n{}", rows.join("\n"))
}

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
        let help = help();
        for (code, (exit, line)) in (0..).zip(Exit::ALL.into_iter().zip(help.lines().skip(1))) {
            assert_eq!(exit.code(), code);
            assert_eq!(line, format!("  {code}  {}", exit.about()));
            assert!(line.len() <= 120, "{line}");
        }
        assert_eq!(help.lines().count(), 1 + Exit::ALL.len());
    }
}

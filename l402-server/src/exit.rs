//! What the program's exit code says: one table for the code, `--help` and the reference.

use std::process::ExitCode;

/// How the program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It was stopped by a signal, or the configuration is valid.
    Done,
    /// Another failure.
    Other,
    /// The command line or the configuration is wrong.
    Usage,
    /// The Lightning node does not start, or LND is not usable.
    Node,
    /// The address is taken, or not this machine's.
    Address,
    /// The node failed while it ran.
    NodeFailed,
    /// A `node` command may have moved money.
    Unknown,
    /// The ledger cannot be opened or reached.
    Ledger,
}

impl Exit {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 8] = [
        Self::Done,
        Self::Other,
        Self::Usage,
        Self::Node,
        Self::Address,
        Self::NodeFailed,
        Self::Unknown,
        Self::Ledger,
    ];

    /// Returns the code.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Returns what it means, in a few words.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Done => "stopped by a signal, or the configuration is valid",
            Self::Other => "another failure, such as a key file that other users can read",
            Self::Usage => "wrong command line or configuration",
            Self::Node => "cannot start the Lightning node, or cannot use LND",
            Self::Address => "cannot listen on the address",
            Self::NodeFailed => "the Lightning node failed while running, such as on a full disk",
            Self::Unknown => "unknown whether a `node` command moved money",
            Self::Ledger => "cannot open or reach the ledger",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_rely_on_the_codes() {
        assert_eq!(Exit::ALL.map(Exit::code), [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}

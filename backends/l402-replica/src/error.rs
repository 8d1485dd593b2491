//! Why a gateway has no answer from the one with the node.

use core::fmt;
use l402_core::SealError;
use std::io;

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReplicaError {
    /// It cannot be reached, or the connection broke. It closes a connection without a word if the key file is another one.
    Connection(io::Error),
    /// It did not answer in time.
    TooSlow,
    /// What it said is not what such a gateway says, or answers another request.
    Malformed,
    /// What it said was not sealed with our key file.
    Seal(SealError),
    /// Its clock and ours differ by more than a minute, or it has just started.
    Time,
    /// It has too many requests.
    Busy,
    /// Its node cannot be asked.
    Node,
    /// The system has no random bytes.
    Random,
}

impl fmt::Display for ReplicaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => {
                "the gateway with the node closed the connection; do both have the same key file?"
            }
            Self::Connection(_) => "cannot reach the gateway with the node",
            Self::TooSlow => "the gateway with the node did not answer in time",
            Self::Malformed => "the answer of the gateway with the node cannot be read",
            Self::Seal(_) => "the gateway with the node has another key file",
            Self::Time => "the clocks of this gateway and of the one with the node differ by more than a minute",
            Self::Busy => "the gateway with the node has too many requests",
            Self::Node => "the node of the other gateway is not available",
            Self::Random => "the system has no random bytes",
        })
    }
}

impl core::error::Error for ReplicaError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Connection(cause) => Some(cause),
            Self::Seal(cause) => Some(cause),
            _ => None,
        }
    }
}

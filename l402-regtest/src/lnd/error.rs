//! What can go wrong with an LND process.

use core::fmt;
use std::io;

use super::binaries::NotBuilt;
use crate::wait::Overdue;

/// Why an LND does not do what it was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum LndError {
    /// There is no LND on this machine.
    NotBuilt(NotBuilt),
    /// A file, a process or a connection failed.
    Io(io::Error),
    /// The connection broke.
    Connection(hyper::Error),
    /// The path is not one of a request.
    NotHttp,
    /// It did not answer in time.
    NoAnswer,
    /// It answered with this status, and with something other than JSON.
    NotJson(u16),
    /// It refused, for this reason.
    Refused(String),
    /// Its answer lacks this field, or has another type there.
    NoField(&'static str),
    /// Its process does not run.
    NotRunning,
    /// Its process ended; these are the last lines of its log.
    Ended(String),
    /// A state was not reached in time.
    TimedOut(Overdue),
}

impl fmt::Display for LndError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBuilt(cause) => cause.fmt(f),
            Self::Io(_) => f.write_str("LND cannot be started or reached"),
            Self::Connection(_) => f.write_str("connection to LND broke"),
            Self::NotHttp => f.write_str("path is not one of a request"),
            Self::NoAnswer => f.write_str("LND does not answer"),
            Self::NotJson(status) => write!(f, "LND answered {status}, and not in JSON"),
            Self::Refused(reason) => write!(f, "LND refused: {reason}"),
            Self::NoField(name) => write!(f, "LND's answer lacks {name}"),
            Self::NotRunning => f.write_str("LND does not run"),
            Self::Ended(log) => write!(f, "LND ended; its log says at last:\n{log}"),
            Self::TimedOut(overdue) => write!(f, "LND is not as far as it should be {overdue}"),
        }
    }
}

impl core::error::Error for LndError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(cause) => Some(cause),
            Self::Connection(cause) => Some(cause),
            _ => None,
        }
    }
}

impl From<NotBuilt> for LndError {
    fn from(cause: NotBuilt) -> Self {
        Self::NotBuilt(cause)
    }
}

impl From<io::Error> for LndError {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

impl From<hyper::Error> for LndError {
    fn from(cause: hyper::Error) -> Self {
        Self::Connection(cause)
    }
}

impl From<Overdue> for LndError {
    fn from(cause: Overdue) -> Self {
        Self::TimedOut(cause)
    }
}

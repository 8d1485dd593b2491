//! Failures of I/O.

use core::fmt;

/// The cause of a failure of I/O.
pub type Cause = Box<dyn core::error::Error + Send + Sync>;

/// A node could not be asked. What it would have answered is unknown.
#[derive(Debug)]
pub struct LookupError(Cause);

impl LookupError {
    /// Wraps the cause.
    pub fn new(cause: impl Into<Cause>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cannot look up a payment")
    }
}

impl core::error::Error for LookupError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&*self.0)
    }
}

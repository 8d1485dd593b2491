//! Under which name an answer is kept.

use core::fmt;
use l402_core::macaroon::hex;

/// Under which an answer is kept. It tells nothing of its request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AnswerName([u8; 32]);

impl AnswerName {
    /// Wraps the bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for AnswerName {
    /// Writes 64 hexadecimal digits, lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(hex::encode_into(&self.0, &mut [0; 64]).unwrap_or_default())
    }
}

impl fmt::Debug for AnswerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnswerName({self})")
    }
}

//! The authentication scheme's name: `L402`, or `LSAT` as it was called first.

use core::fmt;

/// The scheme of a challenge or credential. Both names mean the same protocol; a client answers with the one it was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Scheme {
    /// The name since 2023.
    #[default]
    L402,
    /// The first name, which older clients still insist on.
    Lsat,
}

impl Scheme {
    /// Reads a scheme name; letter case does not matter (RFC 9110 §11.1).
    ///
    /// ```
    /// # use l402_core::Scheme;
    /// assert_eq!(Scheme::parse(b"lsat"), Some(Scheme::Lsat));
    /// assert_eq!(Scheme::parse(b"Basic"), None);
    /// ```
    pub const fn parse(name: &[u8]) -> Option<Self> {
        // Slices are compared in constant functions by patterns alone in Rust 1.88.
        match name {
            [b'L' | b'l', b'4', b'0', b'2'] => Some(Self::L402),
            [b'L' | b'l', b'S' | b's', b'A' | b'a', b'T' | b't'] => Some(Self::Lsat),
            _ => None,
        }
    }

    /// Returns the name as it is emitted.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::L402 => "L402",
            Self::Lsat => "LSAT",
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! Names of services and capabilities.
//!
//! A name goes into caveats unescaped, so it may hold nothing that a caveat gives a meaning to: no `,`, `:`, `=` or white
//! space. Nothing from a request becomes a name.

use core::fmt;
use core::str::FromStr;
use heapless::String;

/// A name of 1 to 64 characters of `A`–`Z`, `a`–`z`, `0`–`9`, `.`, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(String<{ Self::MAX_LEN }>);

impl Name {
    /// The most characters.
    pub const MAX_LEN: usize = 64;

    /// Takes a name.
    ///
    /// # Errors
    /// [`NameError`], with the first character that a name may not have, or its length.
    ///
    /// ```
    /// # use l402_core::{Name, NameError};
    /// assert_eq!(Name::new("weather-v1")?.as_str(), "weather-v1");
    /// assert_eq!(Name::new("a,b"), Err(NameError::Character(',')));
    /// # Ok::<(), NameError>(())
    /// ```
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if let Some(wrong) = text.chars().find(|&c| !allowed(c)) {
            return Err(NameError::Character(wrong));
        }
        String::try_from(text).map(Self).map_err(|_| NameError::TooLong(text.len()))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether a text is a name, in less code than reading one takes.
    pub(crate) fn is_name(text: &[u8]) -> bool {
        let allowed = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        (1..=Self::MAX_LEN).contains(&text.len()) && text.iter().all(allowed)
    }

    /// The name as it is compared with what a token says.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// There is no character.
    Empty,
    /// More than 64 characters; this many.
    TooLong(usize),
    /// A character that is not allowed.
    Character(char),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the name is empty"),
            Self::TooLong(length) => write!(f, "the name has {length} characters, at most {} fit", Name::MAX_LEN),
            Self::Character(c) => {
                write!(f, "a name may not contain {c:?}; use letters, digits, '.', '_' and '-'")
            }
        }
    }
}

impl core::error::Error for NameError {}

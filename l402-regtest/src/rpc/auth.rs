//! The user name and password of the RPC server (HTTP Basic, RFC 7617).

use core::fmt;

use base64ct::{Base64, Encoding};
use hyper::header::HeaderValue;
use zeroize::Zeroizing;

use crate::secret::{self, same};

/// Who may call. Shared by reference; `Debug` shows the user only.
#[derive(Clone)]
pub struct Credentials {
    user: &'static str,
    password: Zeroizing<String>,
    /// The one field value that opens the server.
    expected: Zeroizing<String>,
}

impl Credentials {
    /// Returns a fixed user name and a password from the system's random source.
    ///
    /// # Errors
    ///
    /// When the system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        Ok(Self::new(secret::random_hex()?))
    }

    /// Returns the user's name.
    pub fn user(&self) -> &str {
        self.user
    }

    /// Returns the password.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Whether `field`, the value of `Authorization`, names this user and password.
    pub(super) fn admit(&self, field: &HeaderValue) -> bool {
        same(field.as_bytes(), self.expected.as_bytes())
    }

    pub(super) fn new(password: Zeroizing<String>) -> Self {
        let user = "l402";
        let pair = Zeroizing::new(format!("{user}:{}", *password));
        let encoded = Zeroizing::new(Base64::encode_string(pair.as_bytes()));
        let expected = Zeroizing::new(format!("Basic {}", *encoded));
        Self { user, password, expected }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

//! Proves to a webhook that an alert comes from here.

use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// HMAC-SHA256 over the time of sending, in seconds since 1970, a full stop, and the body. In hexadecimal digits, it is the value of
/// the header `L402-Alert-Signature`; the time is that of `L402-Alert-Time`.
///
/// ```
/// use l402_agent::alerts::Signature;
///
/// let signature = Signature::new(b"0123456789abcdef", 1_700_000_000, b"{}");
/// assert_eq!(signature.to_string(), "e4f8e2ecae2295b2ddb2f0b5584c8275e226c0ebe9b3b819e70156bb67122e3e");
/// ```
#[derive(Clone, Copy)]
pub struct Signature([u8; 32]);

impl Signature {
    /// Signs.
    ///
    /// # Panics
    /// Never: a key of HMAC may have any length.
    pub fn new(secret: &[u8], time: u64, body: &[u8]) -> Self {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes a key of any length");
        mac.update(format!("{time}.").as_bytes());
        mac.update(body);
        Self(mac.finalize().into_bytes().into())
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

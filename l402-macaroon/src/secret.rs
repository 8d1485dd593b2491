//! The key that a token is minted and verified with.

use crate::mac::MacKey;
use crate::sha256::{self, State};
use core::fmt;
use zeroize::Zeroize;

/// The root of one token's signature chain; wiped when dropped, redacted in `Debug`.
///
/// Holds not the root key itself but what every deployed library derives from it first:
/// `HMAC-SHA256("macaroons-key-generator", root)`.
#[derive(Clone)]
pub struct RootKey(State);

impl RootKey {
    /// Takes a root key of any length. 32 random bytes are what it should be.
    ///
    /// ```
    /// let key = l402_macaroon::RootKey::new(&[7; 32]);
    /// assert_eq!(format!("{key:?}"), "RootKey(redacted)");
    /// ```
    pub fn new(root: &[u8]) -> Self {
        Self(GENERATOR.mac_words(root))
    }

    /// Derives the root key `HMAC-SHA256(key, message)`, for services that keep one key instead of one per token.
    ///
    /// Equal to `RootKey::new(&key.mac(message))`, without the detour over bytes. The message, of any length, is what tells the
    /// tokens apart: their identifier.
    ///
    /// ```
    /// use l402_macaroon::{MacKey, RootKey, mint};
    ///
    /// let (service, mut out) = (MacKey::new(&[7; 32]), [0; 128]);
    /// let token = mint(&RootKey::derive(&service, b"token 1"), b"", b"token 1", &[], &mut out)?;
    /// assert!(token.verify(&RootKey::new(&service.mac(b"token 1"))).is_ok());
    /// # Ok::<(), l402_macaroon::MintError>(())
    /// ```
    #[inline]
    pub fn derive(key: &MacKey, message: &[u8]) -> Self {
        Self(GENERATOR.mac_of_words(&key.mac_words(message)))
    }

    /// Derives a key for a purpose of the service's own, which the label names. It can neither verify nor mint.
    ///
    /// ```
    /// use l402_macaroon::RootKey;
    ///
    /// let root = RootKey::new(&[7; 32]);
    /// assert_ne!(root.derive_key(b"one purpose").mac(b"x"), root.derive_key(b"another").mac(b"x"));
    /// ```
    pub fn derive_key(&self, label: &[u8]) -> MacKey {
        let mut root = sha256::to_bytes(&self.0);
        let mut derived = MacKey::new(&root).mac(label);
        let key = MacKey::new(&derived);
        root.zeroize();
        derived.zeroize();
        key
    }

    #[inline]
    pub(crate) fn words(&self) -> &State {
        &self.0
    }
}

impl Drop for RootKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(redacted)")
    }
}

/// The midstates of the public key `macaroons-key-generator`, padded with zeroes.
static GENERATOR: MacKey = MacKey::from_midstates(
    [0x9077_a15b, 0xd63d_8c38, 0x24d7_0d8b, 0xa0d6_3f24, 0x4803_6cbf, 0x16ff_ae7d, 0x4857_e31d, 0xbb1f_1d67],
    [0xbdcc_52d8, 0x514c_306d, 0xa461_4039, 0xaa6e_3e88, 0xc98a_3415, 0xb547_216b, 0x5b29_34f4, 0x8053_6d5f],
);

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn generator_is_prepared_from_its_text() {
        let expected = MacKey::new(b"macaroons-key-generator").midstates();
        assert_eq!(GENERATOR.midstates(), expected, "{expected:#010x?}");
    }

    #[test]
    fn derive_is_new_of_the_mac() {
        let key = MacKey::new(b"master");
        assert_eq!(RootKey::derive(&key, b"id").words(), RootKey::new(&key.mac(b"id")).words());
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", RootKey::new(b"secret")), "RootKey(redacted)");
    }
}

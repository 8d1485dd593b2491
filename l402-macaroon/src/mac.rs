//! HMAC-SHA256 under a key that is used many times: the key blocks are hashed once.

use crate::sha256::{self, BLOCK, State};
use core::fmt;
use zeroize::Zeroize;

/// A prepared HMAC-SHA256 key (RFC 2104); wiped when dropped, redacted in `Debug`.
///
/// ```
/// use l402_macaroon::MacKey;
///
/// let key = MacKey::new(b"master");
/// assert_eq!(key.mac(b"label"), MacKey::new(b"master").mac(b"label"));
/// assert_eq!(format!("{key:?}"), "MacKey(redacted)");
/// ```
#[derive(Clone)]
pub struct MacKey {
    inner: State,
    outer: State,
}

impl MacKey {
    /// Prepares a key of any length; one longer than 64 bytes is hashed first, as RFC 2104 §2 says.
    pub fn new(key: &[u8]) -> Self {
        let mut block = [0; BLOCK];
        if let Some(head) = block.get_mut(..key.len()) {
            head.copy_from_slice(key);
        } else if let Some((head, _)) = block.split_first_chunk_mut::<32>() {
            *head = sha256::to_bytes(&sha256::digest(key));
        }
        let (inner, outer) = sha256::hmac_midstates(&block);
        block.zeroize();
        Self { inner, outer }
    }

    /// Returns the 32-byte tag of a message of any length.
    ///
    /// ```
    /// use l402_macaroon::{MacKey, hex};
    ///
    /// let tag = MacKey::new(b"Jefe").mac(b"what do ya want for nothing?"); // RFC 4231 §4.3
    /// assert!(hex::encode_into(&tag, &mut [0; 64]).unwrap().starts_with("5bdcc146bf60754e"));
    /// ```
    pub fn mac(&self, message: &[u8]) -> [u8; 32] {
        sha256::to_bytes(&self.mac_words(message))
    }

    pub(crate) const fn from_midstates(inner: State, outer: State) -> Self {
        Self { inner, outer }
    }

    #[inline]
    pub(crate) fn mac_words(&self, message: &[u8]) -> State {
        sha256::hmac_from_midstates(&self.inner, &self.outer, message)
    }

    #[inline]
    pub(crate) fn mac_of_words(&self, message: &State) -> State {
        sha256::hmac_words_from_midstates(&self.inner, &self.outer, message)
    }

    #[cfg(test)]
    pub(crate) fn midstates(&self) -> (State, State) {
        (self.inner, self.outer)
    }
}

impl Drop for MacKey {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::{Hmac, KeyInit, Mac};
    use proptest::prelude::*;
    use std::vec::Vec;

    proptest! {
        #[test]
        fn agrees_with_the_hmac_crate(key: Vec<u8>, message: Vec<u8>) {
            let mut oracle = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
            oracle.update(&message);
            let expected: [u8; 32] = oracle.finalize().into_bytes().into();
            prop_assert_eq!(MacKey::new(&key).mac(&message), expected);
        }
    }

    #[test]
    fn a_key_longer_than_a_block_is_hashed_first() {
        let key = [3; 65];
        let mut oracle = Hmac::<sha2::Sha256>::new_from_slice(&key).unwrap();
        oracle.update(b"message");
        let expected: [u8; 32] = oracle.finalize().into_bytes().into();
        assert_eq!(MacKey::new(&key).mac(b"message"), expected);
    }
}

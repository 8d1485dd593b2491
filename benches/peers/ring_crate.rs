//! `ring` for the hashes and `base64ct` for the text; the two keys that stay the same are cached.

use crate::hmac_crate::mac;
use crate::{GENERATOR, LABEL, MASTER, split};
use base64ct::{Base64, Encoding};
use l402_core::macaroon::MacaroonRef;
use ring::digest;
use ring::hmac::{HMAC_SHA256, Key, sign};
use subtle::ConstantTimeEq;

/// The keys that every verification begins with.
#[derive(Debug)]
pub struct Verifier {
    root: Key,
    generator: Key,
}

impl Verifier {
    /// Derives them.
    pub fn new() -> Self {
        let root = Key::new(HMAC_SHA256, &mac(&MASTER, LABEL));
        Self { root, generator: Key::new(HMAC_SHA256, GENERATOR) }
    }

    /// Verifies the signature and the preimage of a credential field.
    pub fn verify(&self, field: &str) -> bool {
        let Some((token, preimage)) = split(field) else { return false };
        let Ok(token) = Base64::decode_vec(token) else { return false };
        let Ok(token) = MacaroonRef::parse(&token) else { return false };
        let root = sign(&self.root, token.identifier());
        let first = sign(&self.generator, root.as_ref());
        let mut signature = sign(&Key::new(HMAC_SHA256, first.as_ref()), token.identifier());
        for caveat in token.unverified_caveats() {
            signature = sign(&Key::new(HMAC_SHA256, signature.as_ref()), caveat.id);
        }
        let paid = digest::digest(&digest::SHA256, &preimage);
        let hash = token.identifier().get(2..34).unwrap_or_default();
        bool::from(signature.as_ref().ct_eq(token.signature()) & paid.as_ref().ct_eq(hash))
    }
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new()
    }
}

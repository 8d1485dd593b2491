//! The `hmac`, `sha2` and `base64ct` crates, used plainly: allocation where it is convenient, nothing cached.

use crate::{GENERATOR, LABEL, MASTER, split};
use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use l402_core::macaroon::MacaroonRef;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Verifies the signature and the preimage of a credential field.
pub fn verify(field: &str) -> bool {
    let Some((token, preimage)) = split(field) else { return false };
    let Ok(token) = Base64::decode_vec(token) else { return false };
    let Ok(token) = MacaroonRef::parse(&token) else { return false };
    let root = mac(&mac(&MASTER, LABEL), token.identifier());
    let mut signature = mac(&mac(GENERATOR, &root), token.identifier());
    for caveat in token.unverified_caveats() {
        signature = mac(&signature, caveat.id);
    }
    let paid = Sha256::digest(&preimage);
    let hash = token.identifier().get(2..34).unwrap_or_default();
    bool::from(signature.ct_eq(token.signature()) & paid.ct_eq(hash))
}

/// HMAC-SHA256.
pub(crate) fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

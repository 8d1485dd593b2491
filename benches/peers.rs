//! What the benches measure: one credential, and the same work done by others.
//!
//! The reference work is a credential with three first-party caveats (252 base64 characters): header field in, verdict out.

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use l402_core::macaroon::{MacaroonRef, attenuate, base64};
use l402_core::{CredentialLine, DerivedKeys, Gate, GatePolicy, MasterKey, Name, Offer, Preimage, Scheme, TokenText};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The time of every decision.
pub const NOW: u64 = 1_780_000_000;

/// The master key's bytes.
pub const MASTER: [u8; 32] = [0x42; 32];

/// The preimage that paid.
pub const PREIMAGE: [u8; 32] = [0x11; 32];

/// The offer that the credential was sold for.
pub fn offer() -> Offer {
    let name = |text| Name::new(text).expect("a legal name");
    Offer { service: name("api"), tier: 0, capability: Some(name("read")), price_msat: 21_000, valid_for: 10_000_000 }
}

/// The gate under test.
pub fn gate() -> Gate<DerivedKeys> {
    Gate::new(DerivedKeys::new(0, &MasterKey::from_bytes(MASTER)), GatePolicy::default())
}

/// A paid token with three caveats of the offer and `extra` narrower ends of validity, as base64.
pub fn token(extra: usize) -> String {
    let preimage = Preimage::from_bytes(PREIMAGE);
    let mut text = TokenText::new();
    let text = gate().keys().mint(&offer(), &preimage.hash(), [0x77; 28], NOW, &mut text).expect("it fits");
    let mut bytes = Base64::decode_vec(text).expect("base64");
    for caveat in 0..extra {
        let mut out = [0; 8192];
        let condition = format!("api_valid_until={}", NOW + 9_000_000 - caveat as u64);
        let token = MacaroonRef::parse(&bytes).expect("a macaroon");
        bytes = attenuate(token, condition.as_bytes(), &mut out).expect("it fits").as_bytes().to_vec();
    }
    Base64::encode_string(&bytes)
}

/// The `Authorization` field of a token.
pub fn credential(token: &str) -> String {
    let preimage = Preimage::from_bytes(PREIMAGE);
    CredentialLine { scheme: Scheme::L402, token, preimage: &preimage }.to_string()
}

/// The label that root keys are derived with.
const LABEL: &[u8] = b"l402 root key v1";

/// The same work with the `hmac` and `base64ct` crates, written plainly: allocation where it is convenient, nothing cached
/// but the derived key. It looks at the signature and the preimage only, and at no caveat.
pub fn naive(field: &str) -> bool {
    let Some((token, preimage)) = field.strip_prefix("L402 ").and_then(|rest| rest.split_once(':')) else {
        return false;
    };
    let (Ok(token), Some(preimage)) = (Base64::decode_vec(token), unhex(preimage)) else { return false };
    let Ok(token) = MacaroonRef::parse(&token) else { return false };
    let root = mac(&mac(&MASTER, LABEL), token.identifier());
    let mut signature = mac(&mac(b"macaroons-key-generator", &root), token.identifier());
    for caveat in token.unverified_caveats() {
        signature = mac(&signature, caveat.id);
    }
    let paid = Sha256::digest(&preimage);
    let hash = token.identifier().get(2..34).unwrap_or_default();
    bool::from(signature.ct_eq(token.signature()) & paid.ct_eq(hash))
}

/// The same work with the `macaroon` crate, caveats evaluated by it.
pub fn macaroon_crate(field: &str) -> bool {
    let Some((token, preimage)) = field.strip_prefix("L402 ").and_then(|rest| rest.split_once(':')) else {
        return false;
    };
    let Ok(token) = macaroon::Macaroon::deserialize(token) else { return false };
    let Some(preimage) = unhex(preimage) else { return false };
    let identifier = token.identifier();
    let root = mac(&mac(&MASTER, LABEL), &identifier.0);
    let mut verifier = macaroon::Verifier::default();
    verifier.satisfy_exact("services=api:0".into());
    verifier.satisfy_exact("api_capabilities=read".into());
    verifier.satisfy_general(|caveat| {
        let text = core::str::from_utf8(&caveat.0).unwrap_or_default();
        text.strip_prefix("api_valid_until=").is_some_and(|end| end.parse::<u64>().is_ok_and(|end| end > NOW))
    });
    let key = macaroon::MacaroonKey::generate(&root);
    let paid = Sha256::digest(&preimage);
    verifier.verify(&token, &key, Vec::new()).is_ok() && identifier.0.get(2..34) == Some(paid.as_slice())
}

/// Base64 of a token, decoded with the constant-time codec of the core.
pub fn decoded(token: &str) -> Vec<u8> {
    let mut bytes = vec![0; token.len()];
    base64::decode_into(token.as_bytes(), &mut bytes).expect("base64").to_vec()
}

fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

//! The `macaroon` crate, which uses libsodium.

use crate::hmac_crate::mac;
use crate::{LABEL, MASTER, NOW, split};
use macaroon::{Format, Macaroon, MacaroonKey, Verifier};
use sha2::{Digest, Sha256};

/// Verifies a credential field, its caveats included.
pub fn verify(field: &str) -> bool {
    let Some((token, preimage)) = split(field) else { return false };
    let Ok(token) = Macaroon::deserialize(token) else { return false };
    let identifier = token.identifier();
    let root = mac(&mac(&MASTER, LABEL), &identifier.0);
    let mut verifier = Verifier::default();
    verifier.satisfy_exact("services=api:0".into());
    verifier.satisfy_exact("api_capabilities=read-write".into());
    verifier.satisfy_general(|caveat| {
        let text = core::str::from_utf8(&caveat.0).unwrap_or_default();
        text.strip_prefix("api_valid_until=").is_some_and(|end| end.parse::<u64>().is_ok_and(|end| end > NOW))
    });
    let paid = Sha256::digest(&preimage);
    let key = MacaroonKey::generate(&root);
    verifier.verify(&token, &key, Vec::new()).is_ok() && identifier.0.get(2..34) == Some(paid.as_slice())
}

/// Reads a token from base64.
///
/// # Panics
/// When it is none.
pub fn parse(text: &str) -> Macaroon {
    Macaroon::deserialize(text).expect("a token")
}

/// Mints a token with the offer's three caveats, and returns the length of its text.
///
/// # Panics
/// When the crate makes none.
pub fn mint(hash: &[u8; 32]) -> usize {
    let identifier = [&[0; 2][..], hash, &[0; 4], &crate::RANDOM].concat();
    let key = MacaroonKey::generate(&mac(&mac(&MASTER, LABEL), &identifier));
    let mut token = Macaroon::create(Some("lsat".into()), &key, identifier.into()).expect("minted");
    for caveat in ["services=api:0", "api_capabilities=read-write", "api_valid_until=1790000000"] {
        token.add_first_party_caveat(caveat.into());
    }
    token.serialize(Format::V2).expect("written").len()
}

/// Adds a caveat to a copy of a token.
pub fn attenuate(token: &Macaroon, caveat: &str) -> Macaroon {
    let mut narrower = token.clone();
    narrower.add_first_party_caveat(caveat.into());
    narrower
}

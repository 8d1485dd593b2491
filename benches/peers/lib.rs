//! What the benches measure: one credential, and the same work done by others.
//!
//! 1. The reference work is a credential with three first-party caveats (252 base64 characters): header field in, verdict out.
//! 2. Every peer derives the root key from the master key, since that is what a gateway without a database does.
//! 3. [`hmac_crate`] and [`ring_crate`] look at the signature and the preimage only; [`macaroon_crate`] at the caveats too.

pub mod hmac_crate;
pub mod macaroon_crate;
pub mod ring_crate;

use base64ct::{Base64, Encoding};
use core::time::Duration;
use l402_core::macaroon::{MacaroonRef, RootKey, attenuate, base64, mint};
use l402_core::{
    CredentialHeaders, CredentialLine, Decision, DerivedKeys, Gate, GatePolicy, Identifier, MasterKey, Name, Offer,
    Preimage, RootKeySource, Scheme,
};

/// The time of every decision.
pub const NOW: u64 = 1_780_000_000;

/// The master key's bytes.
pub const MASTER: [u8; 32] = [0x42; 32];

/// The preimage that paid.
pub const PREIMAGE: [u8; 32] = [0x11; 32];

/// The offer that the credential was sold for.
pub fn offer() -> Offer {
    let name = |text| Name::new(text).expect("a legal name");
    Offer::new(name("api"), 21_000.into()).capability(name("read-write")).valid_for(Duration::from_secs(10_000_000))
}

/// The gate under test.
pub fn gate() -> Gate<DerivedKeys> {
    Gate::new(DerivedKeys::new(0, &MasterKey::from_bytes(MASTER)), GatePolicy::default())
}

/// The 28 random bytes of every token id.
pub const RANDOM: [u8; 28] = [0x77; 28];

/// The decision about a field, by the gate of [`gate`].
#[inline]
pub fn decide(gate: &Gate<DerivedKeys>, offer: &Offer, field: &[u8]) -> Decision {
    let mut fields = CredentialHeaders::new();
    fields.add("authorization", field);
    gate.decide(&fields, offer, NOW.into())
}

/// A paid token as base64: no caveats, or the first three that every seller writes and narrower ends of validity.
///
/// # Panics
/// When there is no token with so many caveats: one or two of the three make no sense.
pub fn token(caveats: usize) -> String {
    let ends = format!("api_valid_until={}", NOW + 10_000_000);
    let sold = [&b"services=api:0"[..], b"api_capabilities=read-write", ends.as_bytes()];
    let mut bytes = minted(if caveats == 0 { &[] } else { &sold });
    for caveat in 3..caveats {
        let mut out = [0; 8192];
        let condition = format!("api_valid_until={}", NOW + 9_000_000 - caveat as u64);
        let token = MacaroonRef::parse(&bytes).expect("a macaroon");
        bytes = attenuate(token, condition.as_bytes(), &mut out).expect("it fits").as_bytes().to_vec();
    }
    let count = MacaroonRef::parse(&bytes).expect("a macaroon").unverified_caveats().count();
    assert_eq!(count, caveats, "the token's caveats");
    Base64::encode_string(&bytes)
}

fn minted(caveats: &[&[u8]]) -> Vec<u8> {
    let keys = DerivedKeys::new(0, &MasterKey::from_bytes(MASTER));
    let identifier = Identifier::new(Preimage::from_bytes(PREIMAGE).hash(), keys.token_id(RANDOM));
    let key: RootKey = keys.root_key(&identifier).expect("the minting epoch has a key");
    let mut out = [0; 512];
    mint(&key, b"lsat", &identifier.to_bytes(), caveats, &mut out).expect("it fits").as_bytes().to_vec()
}

/// The `Authorization` field of a token.
pub fn credential(token: &str) -> String {
    let preimage = Preimage::from_bytes(PREIMAGE);
    CredentialLine { scheme: Scheme::L402, token, preimage: &preimage }.to_string()
}

/// Base64 of a token, decoded with the constant-time codec of the core.
pub fn decoded(token: &str) -> Vec<u8> {
    let mut bytes = vec![0; token.len()];
    base64::decode_into(token.as_bytes(), &mut bytes).expect("base64").to_vec()
}

/// The token and the preimage of a credential field, as the peers split it.
fn split(field: &str) -> Option<(&str, Vec<u8>)> {
    let (token, preimage) = field.strip_prefix("L402 ")?.split_once(':')?;
    let digit = |at: usize| u8::from_str_radix(preimage.get(at..at + 2)?, 16).ok();
    Some((token, (0..preimage.len()).step_by(2).map(digit).collect::<Option<_>>()?))
}

/// The label that root keys are derived with.
const LABEL: &[u8] = b"l402 root key v1";

/// The key from which every library derives the first key of its chain.
const GENERATOR: &[u8] = b"macaroons-key-generator";

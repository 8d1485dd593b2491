//! The whole way of a request: fields, keys, caveats, verdict.

use super::credential::{Credential, Presented, read};
use super::macaroon::MAX_LEN;
use super::permit::{Request, permits};
use super::text::{hmac, sha256};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It carries no credential.
    Unpaid,
    /// Its credential is malformed or ambiguous.
    Malformed,
    /// A signature or the preimage does not match, or the key is unknown.
    Forged,
    /// It is authentic and does not permit this request.
    Unsatisfied,
    /// It is forwarded.
    Admitted,
    /// It is forwarded if a ledger has a use left for it.
    Counted,
}

/// Decides about the fields of a request under the master keys of some epochs.
pub fn decide(masters: &[(u32, [u8; 32])], fields: &[(String, Vec<u8>)], request: &Request) -> Verdict {
    let Credential { tokens, payment_hash, preimage, .. } = match read(fields) {
        Presented::Nothing => return Verdict::Unpaid,
        Presented::Credential(credential) if credential.length <= MAX_LEN => credential,
        _ => return Verdict::Malformed,
    };
    let signed = tokens.iter().all(|token| {
        root_key(masters, &token.identifier).is_some_and(|root| token.signature_under(&root)[..] == *token.signature)
    });
    if !signed || sha256(&preimage)[..] != *payment_hash {
        return Verdict::Forged;
    }
    match permits(&tokens, &payment_hash, request) {
        Some(counters) if counters.is_empty() => Verdict::Admitted,
        Some(_) => Verdict::Counted,
        None => Verdict::Unsatisfied,
    }
}

/// The root key of an identifier, whose token id begins with its epoch.
pub fn root_key(masters: &[(u32, [u8; 32])], identifier: &[u8]) -> Option<[u8; 32]> {
    let epoch = u32::from_be_bytes(identifier.get(34..38)?.try_into().ok()?);
    let (_, master) = masters.iter().find(|(known, _)| *known == epoch)?;
    Some(hmac(&hmac(master, b"l402 root key v1"), identifier))
}

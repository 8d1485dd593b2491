//! What a client can read in a token: every caveat is sorted into a map first, then the end is looked up.

use super::credential::split_caveat;
use super::macaroon::Macaroon;
use super::permit::{number, services};
use super::text::{base64, hex};
use std::collections::BTreeMap;

/// The payment hash and the end of a token, as far as they can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenFacts {
    /// The payment that buys it.
    pub payment_hash: Option<Vec<u8>>,
    /// When it ends, in Unix seconds.
    pub expires_at: Option<u64>,
}

/// Reads a token's text.
pub fn read(text: &[u8]) -> TokenFacts {
    let Some(bytes) = base64(text) else { return TokenFacts::default() };
    let v1 = bytes.first().is_some_and(u8::is_ascii_hexdigit);
    let token = if v1 { Macaroon::read_v1(&bytes) } else { Macaroon::read_v2(&bytes) };
    token.map_or(TokenFacts::default(), |token| TokenFacts {
        payment_hash: payment_hash(&token.identifier),
        expires_at: end(&token),
    })
}

fn payment_hash(identifier: &[u8]) -> Option<Vec<u8>> {
    let (bytes, is_text) = hex(identifier).map_or((identifier.to_vec(), false), |bytes| (bytes, true));
    let hash = match bytes.len() {
        32 => bytes,
        33 => bytes[1..].to_vec(),
        66 => bytes[2..34].to_vec(),
        _ => return None,
    };
    let is_printable = |c: &u8| (0x20..0x7f).contains(c);
    (is_text || !hash.iter().all(is_printable)).then_some(hash)
}

fn end(token: &Macaroon) -> Option<u64> {
    let mut ends: BTreeMap<String, Option<u64>> = BTreeMap::new();
    let (mut opened, mut of_token) = (None, None);
    for caveat in token.caveats.iter().filter(|caveat| caveat.verification_id.is_none()) {
        let Some((condition, value)) = split_caveat(&caveat.id) else { continue };
        if condition == "services" {
            opened = services(value).or(opened);
        } else if condition == "valid_until" {
            of_token = earlier(of_token, number(value));
        } else if let Some(service) = condition.strip_suffix("_valid_until") {
            let end = ends.entry(service.to_owned()).or_default();
            *end = earlier(*end, number(value));
        }
    }
    let names: Vec<String> = opened.map_or(ends.keys().cloned().collect(), |opened| opened.into_keys().collect());
    let all: Option<Vec<u64>> = names.iter().map(|name| *ends.get(name)?).collect();
    earlier(of_token, all.and_then(|all| all.into_iter().max()))
}

fn earlier(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    [one, other].into_iter().flatten().min()
}

//! `Authorization` and its variants.

use super::challenge::MAX_FIELD;
use super::macaroon::Macaroon;
use super::text::{base64, hex, trimmed};

/// The most tokens of one request.
pub const MAX_TOKENS: usize = 4;

/// What a request presents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    /// No credential of ours.
    Nothing,
    /// A credential that is malformed or ambiguous.
    Refused,
    /// A credential whose parts agree, and of which nothing has been verified.
    Credential(Credential),
}

/// A well-formed credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The tokens in the order in which they were sent.
    pub tokens: Vec<Macaroon>,
    /// The payment hash that all of them bind.
    pub payment_hash: Vec<u8>,
    /// The preimage.
    pub preimage: Vec<u8>,
    /// Bytes of all tokens together.
    pub length: usize,
}

/// Reads the fields of one request, each with its name and value.
pub fn read(fields: &[(String, Vec<u8>)]) -> Presented {
    let of = |names: &[&str]| -> Vec<&[u8]> {
        fields
            .iter()
            .filter(|(name, _)| names.contains(&&*name.to_ascii_lowercase()))
            .map(|(_, value)| &**value)
            .collect()
    };
    let authorizations = of(&["authorization"]);
    let metadata: Vec<_> =
        fields.iter().filter(|(name, value)| is_metadata(name, value)).map(|(_, value)| value).collect();
    if metadata.is_empty() && !authorizations.iter().any(|value| presents(value)) {
        return Presented::Nothing;
    }
    let hidden = authorizations.iter().any(|value| of_ours(value).is_none() && presents(value));
    let differ = metadata.windows(2).any(|two| !two[0].eq_ignore_ascii_case(two[1]));
    let long = authorizations.iter().any(|value| value.len() > MAX_FIELD)
        || metadata.iter().any(|value| value.len() > MAX_FIELD);
    if authorizations.len() > 1 || hidden || differ || long {
        return Presented::Refused;
    }
    let authorization = authorizations.first().and_then(|value| of_ours(value));
    collect(authorization, metadata.first().map(|value| trimmed(value)))
        .map_or(Presented::Refused, Presented::Credential)
}

/// The text behind the scheme, where that is ours.
fn of_ours(value: &[u8]) -> Option<&[u8]> {
    let value = trimmed(value);
    let scheme = value.split(|c| *c == b' ' || *c == b'\t').next()?;
    let ours = ["l402", "lsat"].iter().any(|name| scheme.eq_ignore_ascii_case(name.as_bytes()));
    ours.then(|| trimmed(&value[scheme.len()..]))
}

/// Whether a credential of ours stands in an `Authorization` value, be it behind another one in lines that were joined.
fn presents(value: &[u8]) -> bool {
    of_ours(value).is_some()
        || value.split(|c| *c == b',').skip(1).any(|part| of_ours(part).is_some_and(|rest| !rest.is_empty()))
}

/// Whether a field is one of the metadata variants; `Token` is where its value begins like a macaroon V2 in hexadecimal.
fn is_metadata(name: &str, value: &[u8]) -> bool {
    match name.to_ascii_lowercase().as_str() {
        "macaroon" | "grpc-metadata-macaroon" | "grpc-metadata-token" => true,
        "token" => ["0201", "0202"].iter().any(|start| trimmed(value).starts_with(start.as_bytes())),
        _ => false,
    }
}

fn collect(authorization: Option<&[u8]>, metadata: Option<&[u8]>) -> Option<Credential> {
    let mut encoded = Vec::new();
    let mut preimages = Vec::new();
    if let Some(text) = authorization {
        let colon = text.iter().rposition(|c| *c == b':')?;
        preimages.push(preimage(&text[colon + 1..])?);
        for item in text[..colon].split(|c| *c == b',') {
            encoded.push(base64(item)?);
        }
    }
    if let Some(text) = metadata {
        encoded.push(hex(text)?);
    }
    let tokens: Vec<_> = encoded.iter().map(|bytes| token(bytes)).collect::<Option<_>>()?;
    let length = encoded.iter().map(Vec::len).sum();
    for caveat in tokens.iter().flat_map(|token| &token.caveats) {
        if let Some((condition, value)) = split_caveat(&caveat.id)
            && condition == "preimage"
        {
            preimages.push(preimage(value.as_bytes())?);
        }
    }
    let payment_hashes: Option<Vec<_>> = tokens.iter().map(|token| payment_hash(&token.identifier)).collect();
    let (payment_hashes, first) = (payment_hashes?, preimages.first()?.clone());
    let payment_hash = payment_hashes.first()?.clone();
    let agree =
        preimages.iter().all(|other| *other == first) && payment_hashes.iter().all(|other| *other == payment_hash);
    (agree && tokens.len() <= MAX_TOKENS).then_some(Credential { tokens, payment_hash, preimage: first, length })
}

fn token(bytes: &[u8]) -> Option<Macaroon> {
    let v1 = cfg!(feature = "v1") && bytes.first().is_some_and(u8::is_ascii_hexdigit);
    if v1 { Macaroon::read_v1(bytes) } else { Macaroon::read_v2(bytes) }
}

fn preimage(text: &[u8]) -> Option<Vec<u8>> {
    hex(text).filter(|bytes| bytes.len() == 32)
}

/// The payment hash of an identifier of version 0: `u16 ‖ payment hash ‖ token id`.
pub fn payment_hash(identifier: &[u8]) -> Option<Vec<u8>> {
    (identifier.len() == 66 && identifier.starts_with(&[0, 0])).then(|| identifier[2..34].to_vec())
}

/// Condition and value of a caveat: text, split at the first `=`.
pub fn split_caveat(id: &[u8]) -> Option<(&str, &str)> {
    let (condition, value) = str::from_utf8(id).ok()?.split_once('=')?;
    let blank = [' ', '\t'];
    let condition = condition.trim_matches(blank);
    (!condition.is_empty()).then_some((condition, value.trim_matches(blank)))
}

//! `Authorization` and its variants.

use super::challenge::MAX_FIELD;
use super::macaroon::Macaroon;
use super::text::{base64, hex, to_hex, trimmed};

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
    /// Bytes of all tokens together, and room to hold a second line against them.
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
    let (ours, others): (Vec<&[u8]>, Vec<&[u8]>) =
        authorizations.into_iter().partition(|value| pieces(value).iter().any(|(ours, _)| *ours));
    if metadata.is_empty() && ours.is_empty() {
        return Presented::Nothing;
    }
    let (empty, metadata): (Vec<&Vec<u8>>, Vec<&Vec<u8>>) =
        metadata.into_iter().partition(|value| trimmed(value).is_empty());
    let differ = metadata.windows(2).any(|two| !two[0].eq_ignore_ascii_case(two[1]));
    let long = ours.iter().any(|value| value.len() > MAX_FIELD) || metadata.iter().any(|value| value.len() > MAX_FIELD);
    let nothing_beside = ours.is_empty() && metadata.is_empty() && !empty.is_empty();
    let most_others = usize::from(ours.is_empty());
    if others.len() > most_others || differ || long || nothing_beside {
        return Presented::Refused;
    }
    let lines: Vec<(bool, Vec<u8>)> = ours.iter().flat_map(|value| pieces(value)).collect();
    let schemes: Option<Vec<&[u8]>> = lines.iter().map(|(_, line)| scheme_of_ours(line)).collect();
    let twice = schemes.is_none_or(|schemes| match schemes[..] {
        [] | [_] => false,
        [one, other] => one.eq_ignore_ascii_case(other),
        _ => true,
    });
    if twice {
        return Presented::Refused;
    }
    let texts: Vec<&[u8]> = lines.iter().filter_map(|(_, line)| of_ours(line)).collect();
    collect(&texts, metadata.first().map(|value| trimmed(value))).map_or(Presented::Refused, Presented::Credential)
}

/// The credentials that one `Authorization` value holds, each from its scheme on, and whether it is ours: lines that were joined are taken
/// apart where one of ours begins.
fn pieces(value: &[u8]) -> Vec<(bool, Vec<u8>)> {
    let mut pieces: Vec<(bool, Vec<u8>)> = Vec::new();
    for part in value.split(|c| *c == b',') {
        match pieces.last_mut() {
            Some((_, before)) if of_ours(part).is_none_or(<[u8]>::is_empty) => {
                before.push(b',');
                before.extend_from_slice(part);
            }
            _ => pieces.push((of_ours(part).is_some(), part.to_vec())),
        }
    }
    // Only behind the last comma may the scheme of the first piece end.
    if let Some((ours, first)) = pieces.first_mut() {
        *ours = of_ours(first).is_some();
    }
    pieces
}

/// The scheme, where that is ours.
fn scheme_of_ours(value: &[u8]) -> Option<&[u8]> {
    let scheme = trimmed(value).split(|c| *c == b' ' || *c == b'\t').next()?;
    ["l402", "lsat"].iter().any(|name| scheme.eq_ignore_ascii_case(name.as_bytes())).then_some(scheme)
}

/// The text behind the scheme, where that is ours.
fn of_ours(value: &[u8]) -> Option<&[u8]> {
    scheme_of_ours(value).map(|scheme| trimmed(&trimmed(value)[scheme.len()..]))
}

/// Whether a field is one of the metadata variants; `Token` is where its value begins like a macaroon in hexadecimal.
fn is_metadata(name: &str, value: &[u8]) -> bool {
    match name.to_ascii_lowercase().as_str() {
        "macaroon" | "grpc-metadata-macaroon" | "grpc-metadata-token" => true,
        "token" => {
            let text = String::from_utf8_lossy(trimmed(value)).to_ascii_lowercase();
            let packet = |key: &str| text.get(8..).is_some_and(|text| text.starts_with(&to_hex(key.as_bytes())));
            let v1 = cfg!(feature = "v1") && (packet("location ") || packet("identifier "));
            v1 || text.starts_with("0201") || text.starts_with("0202")
        }
        _ => false,
    }
}

/// The text of the tokens, the tokens, and the preimage.
type Line<'t> = (&'t [u8], Vec<Vec<u8>>, Vec<u8>);

/// The tokens and the preimage of one `Authorization` line; the text of the tokens comes first.
fn line(text: &[u8]) -> Option<Line<'_>> {
    let colon = text.iter().rposition(|c| *c == b':')?;
    let (tokens, preimage) = (&text[..colon], preimage(&text[colon + 1..])?);
    let encoded: Vec<_> = tokens.split(|c| *c == b',').map(base64).collect::<Option<_>>()?;
    Some((tokens, encoded, preimage))
}

fn collect(lines: &[&[u8]], metadata: Option<&[u8]>) -> Option<Credential> {
    let lines: Vec<_> = lines.iter().map(|text| line(text)).collect::<Option<_>>()?;
    let (mut encoded, mut preimages) = (Vec::new(), Vec::new());
    // Room for the tokens of a second line, one at a time, where they are not written alike.
    let mut room = 0;
    if let Some((text, tokens, preimage)) = lines.first() {
        if lines[1..].iter().any(|(_, others, other)| others != tokens || other != preimage) {
            return None;
        }
        if lines[1..].iter().any(|(other, _, _)| other != text) {
            room = tokens.iter().map(Vec::len).max()?;
        }
        encoded.clone_from(tokens);
        preimages.push(preimage.clone());
    }
    let beside = metadata.map(hex);
    if let Some(bytes) = beside {
        let bytes = bytes?;
        room = room.max(bytes.len()) - bytes.len();
        encoded.push(bytes);
    }
    let tokens: Vec<_> = encoded.iter().map(|bytes| token(bytes)).collect::<Option<_>>()?;
    let length = encoded.iter().map(Vec::len).sum::<usize>() + room;
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

//! Base64, hexadecimal and HMAC of other crates, or one character at a time.

use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// Base64 in any of its four forms (RFC 4648 §4 and §5, padded or not).
pub fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let text = str::from_utf8(text).ok()?;
    let forms = [Base64::decode_vec, Base64Unpadded::decode_vec, Base64Url::decode_vec, Base64UrlUnpadded::decode_vec];
    forms.into_iter().find_map(|decode| decode(text).ok())
}

/// Standard base64 with padding.
pub fn to_base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// Hexadecimal digits of either case, two for each byte.
pub fn hex(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .iter()
        .map(|c| "0123456789abcdef".find(char::from(*c).to_ascii_lowercase()).and_then(|v| v.try_into().ok()))
        .collect();
    let digits = digits?;
    let whole = digits.len().is_multiple_of(2);
    whole.then(|| digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect())
}

/// Hexadecimal digits in lower case.
pub fn to_hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte / 16, byte % 16]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// HMAC-SHA256 (RFC 2104).
///
/// # Panics
/// Never: HMAC takes keys of every length.
pub fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("hmac takes keys of every length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// SHA-256 (FIPS 180-4).
pub fn sha256(message: &[u8]) -> [u8; 32] {
    Sha256::digest(message).into()
}

/// A text without the spaces and tabs at its ends.
pub fn trimmed(text: &[u8]) -> &[u8] {
    let inner = |c: &u8| *c != b' ' && *c != b'\t';
    match (text.iter().position(inner), text.iter().rposition(inner)) {
        (Some(first), Some(last)) => &text[first..=last],
        _ => &[],
    }
}

//! Base64, hexadecimal and HMAC, against other crates.

use super::input::Input;
use crate::second::text;
use l402_core::macaroon::base64::DecodeError;
use l402_core::macaroon::hex::HexError;
use l402_core::macaroon::{MacKey, base64 as ours64, hex as ours16, sha256};

/// Base64 in all four forms decodes to what `base64ct` makes of it, and encodes to the padded standard form.
pub fn base64(data: &[u8]) {
    let mut bytes = vec![0; ours64::decoded_len(ours64::encoded_len(data.len()))];
    let read = ours64::decode_into(data, &mut bytes).ok().map(<[u8]>::to_vec);
    assert_eq!(read, text::base64(data));
    if let Some(read) = read.filter(|read| !read.is_empty()) {
        let mut short = vec![0; read.len() - 1];
        assert_eq!(ours64::decode_into(data, &mut short), Err(DecodeError::BufferTooSmall));
    }

    let mut written = vec![0; ours64::encoded_len(data.len())];
    let written = ours64::encode_into(data, &mut written).expect("the buffer has the length that was asked for");
    assert_eq!(written, text::to_base64(data));
    assert_eq!(text::base64(written.as_bytes()).as_deref(), Some(data));
    let near = with_one_other(written, data);
    let read = ours64::decode_into(&near, &mut bytes).ok().map(<[u8]>::to_vec);
    assert_eq!(read, text::base64(&near));
}

/// Hexadecimal text of either case decodes to its digits, and encodes in lower case.
pub fn hex(data: &[u8]) {
    let mut bytes = vec![0; data.len() / 2];
    let read = ours16::decode_into(data, &mut bytes).ok().map(<[u8]>::to_vec);
    assert_eq!(read, text::hex(data));
    if let Some(read) = read.filter(|read| !read.is_empty()) {
        let mut short = vec![0; read.len() - 1];
        assert_eq!(ours16::decode_into(data, &mut short), Err(HexError::BufferTooSmall));
    }

    let mut written = vec![0; 2 * data.len()];
    let written = ours16::encode_into(data, &mut written).expect("the buffer has room for two digits a byte");
    assert_eq!(written, text::to_hex(data));
    let near = with_one_other(written, data);
    let mut bytes = vec![0; data.len()];
    assert_eq!(ours16::decode_into(&near, &mut bytes).ok().map(<[u8]>::to_vec), text::hex(&near));
}

/// HMAC-SHA256 under a key of any length, and SHA-256 of 32 bytes, are what the crates `hmac` and `sha2` compute.
pub fn mac(data: &[u8]) {
    let mut input = Input::new(data);
    let (length, bit) = (usize::from(input.byte()), usize::from(input.byte()));
    let (key, message) = input.text.split_at(length.min(input.text.len()));
    assert_eq!(MacKey::new(key).mac(message), text::hmac(key, message));

    let message = text::sha256(message);
    let mut other = message;
    other[bit / 8] ^= 1 << (bit % 8);
    let digest = text::sha256(&message);
    assert!(bool::from(sha256::digest32_matches(&message, &digest)));
    assert!(!bool::from(sha256::digest32_matches(&other, &digest)));
}

/// A text of which one character is another, both chosen by the first bytes of a case.
fn with_one_other(text: &str, case: &[u8]) -> Vec<u8> {
    let mut near = text.as_bytes().to_vec();
    if let [at, other, ..] = case {
        let at = usize::from(*at) % near.len();
        near[at] = *other;
    }
    near
}

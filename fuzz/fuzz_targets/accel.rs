//! The vector units against the plain code of `l402-macaroon`, which is built here without its feature `accel`.
#![no_main]

use l402_accel::{Base64, Sha256};
use l402_core::macaroon::{MacKey, base64, sha256};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Some(engine) = Sha256::detect() {
        hash(engine, data);
    }
    if let Some(engine) = Base64::detect() {
        text(engine, data);
    }
});

fn hash(engine: Sha256, data: &[u8]) {
    let Some((key, message)) = data.split_first_chunk::<32>() else { return };
    let Some((other, _)) = message.split_first_chunk::<32>() else { return };
    let words = key.as_chunks().0.iter().map(|word| u32::from_be_bytes(*word));
    let mut state = [0; 8];
    state.iter_mut().zip(words).for_each(|(to, from)| *to = from);

    let expected = (MacKey::new(key).mac(message), sha256::digest32(other));
    let (tag, digest) = engine.hmac_and_digest32(&state, message, other);
    assert_eq!((bytes(tag), bytes(digest)), expected);
    assert_eq!(engine.hmac(&state, message), tag);
}

fn bytes(state: [u32; 8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.as_chunks_mut().0.iter_mut().zip(state).for_each(|(to, from)| *to = from.to_be_bytes());
    bytes
}

/// Padding is not the engine's: neither side is given any.
fn text(engine: Base64, data: &[u8]) {
    if data.len() % 4 == 1 || data.ends_with(b"=") {
        return;
    }
    let mut ours = vec![0; base64::decoded_len(data.len())];
    let mut plain = ours.clone();
    let marks = engine.decode(data, &mut ours);
    let expected = base64::decode_into(data, &mut plain);
    let accepted = !(marks.invalid || marks.standard && marks.url_safe || marks.spare != 0);
    assert_eq!(accepted, expected.is_ok());
    if let Ok(expected) = expected {
        assert_eq!(ours, expected);
    }
}

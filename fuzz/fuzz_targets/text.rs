//! Base64 and hex that decode encode back to bytes that decode to the same.
#![no_main]

use l402_macaroon::{base64, hex};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let (mut bytes, mut again, mut text) = (vec![0; data.len()], vec![0; data.len()], vec![0; 2 * data.len() + 4]);
    if let Ok(decoded) = base64::decode_into(data, &mut bytes) {
        let text = base64::encode_into(decoded, &mut text).expect("the buffer is larger than the padded text");
        assert_eq!(base64::decode_into(text.as_bytes(), &mut again), Ok(decoded));
    }
    if let Ok(decoded) = hex::decode_into(data, &mut bytes) {
        let text = hex::encode_into(decoded, &mut text).expect("the buffer is twice as long as the bytes");
        assert!(text.as_bytes().eq_ignore_ascii_case(data));
    }
});

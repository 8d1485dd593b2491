//! A challenge that parses and is written again parses to the same.
#![no_main]

use l402_core::{Challenge, ChallengeLine};

libfuzzer_sys::fuzz_target!(|field: &[u8]| {
    let (mut text, mut bytes) = (vec![0; field.len()], vec![0; field.len()]);
    for challenge in Challenge::parse_all(field).flatten() {
        let _ = challenge.decode_token(&mut text, &mut bytes);
        let (Some(token), Some(invoice)) = (challenge.token().as_str(), challenge.invoice().as_str()) else { continue };
        if [token, invoice].iter().any(|value| value.contains(['"', '\\'])) {
            continue;
        }
        let line = ChallengeLine { scheme: challenge.scheme(), token, invoice }.to_string();
        let again = Challenge::select([line.as_bytes()]).expect("what is written can be read");
        assert_eq!((again.scheme(), again.token().as_str()), (challenge.scheme(), Some(token)));
        assert_eq!(again.invoice().as_str(), Some(invoice));
    }
});

//! A macaroon in the format V2 that parses is exactly its bytes, and no caveat of a forged one can be asked for; V1 only parses.
#![no_main]

use l402_macaroon::{MacaroonRef, RootKey};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(token) = MacaroonRef::parse(data) {
        assert_eq!(token.as_bytes(), data);
        assert!(token.unverified_caveats().count() <= l402_macaroon::MAX_CAVEATS);
        assert!(token.verify(&RootKey::new(b"nobody minted with this key")).is_err());
    }
    let _ = MacaroonRef::parse_v1(data);
});

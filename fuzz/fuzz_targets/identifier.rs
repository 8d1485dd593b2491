//! An identifier that parses is exactly its bytes.
#![no_main]

use l402_core::Identifier;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    if let Ok(identifier) = Identifier::parse(data) {
        assert_eq!(identifier.to_bytes(), data);
    }
});

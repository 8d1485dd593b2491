//! See [`l402_oracle::property::macaroon_v1`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| l402_oracle::property::macaroon_v1(data));

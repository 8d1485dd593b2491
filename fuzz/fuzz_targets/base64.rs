//! See [`l402_oracle::property::base64`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| l402_oracle::property::base64(data));

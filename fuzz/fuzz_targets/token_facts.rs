//! See [`l402_oracle::property::token_facts`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| l402_oracle::property::token_facts(data));

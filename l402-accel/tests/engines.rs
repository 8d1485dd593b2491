//! Each engine against implementations that share nothing with it. On a processor that lacks an engine its tests say so and
//! pass: `L402_ACCEL_MUST_HAVE=sha256,base64` turns that into a failure, for machines that are known to have it.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};
use bitcoin_hashes::{Hash, HashEngine, Hmac, HmacEngine, sha256};
use core::array;
use l402_accel::{Base64, Marks, Sha256, State};
use proptest::array::uniform2;
use proptest::collection::vec;
use proptest::prelude::*;
use sha2::block_api::compress256;

/// An engine, or a word about why nothing was tested.
fn engine<T>(name: &str, detected: Option<T>) -> Option<T> {
    let must_have = std::env::var("L402_ACCEL_MUST_HAVE").unwrap_or_default();
    assert!(detected.is_some() || !must_have.split(',').any(|engine| engine == name), "this machine has no {name}");
    if detected.is_none() {
        println!("no {name} here: not tested");
    }
    detected
}

fn oracle_hmac(key: &State, message: &[u8]) -> State {
    let mut engine = HmacEngine::<sha256::Hash>::new(&bytes(key));
    engine.input(message);
    words(&Hmac::from_engine(engine).to_byte_array())
}

fn bytes(state: &State) -> [u8; 32] {
    state.map(u32::to_be_bytes).as_flattened().try_into().unwrap()
}

fn words(bytes: &[u8; 32]) -> State {
    array::from_fn(|i| u32::from_be_bytes(bytes[4 * i..][..4].try_into().unwrap()))
}

/// HMAC's way over any two midstates, by a compression function that is not ours.
fn oracle_hmac_from([inner, outer]: [State; 2], message: &[u8]) -> State {
    let digest = oracle_finish(inner, message);
    oracle_finish(outer, &bytes(&digest))
}

fn oracle_finish(mut state: State, message: &[u8]) -> State {
    let mut stream = message.to_vec();
    stream.push(0x80);
    stream.resize((message.len() + 9).next_multiple_of(64) - 8, 0);
    stream.extend((64 + message.len() as u64).wrapping_mul(8).to_be_bytes());
    compress256(&mut state, stream.as_chunks().0);
    state
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 512 }, failure_persistence: None, ..Default::default() })]

    #[test]
    fn hmac_agrees_with_bitcoin_hashes(key: State, message in vec(any::<u8>(), 0..300)) {
        let Some(sha) = engine("sha256", Sha256::detect()) else { return Ok(()) };
        let expected = oracle_hmac(&key, &message);
        prop_assert_eq!(sha.hmac(&key, &message), expected);
    }

    #[test]
    fn hmac_and_digest_are_both_what_they_are_alone(key: State, message in vec(any::<u8>(), 0..300), other: [u8; 32]) {
        let Some(sha) = engine("sha256", Sha256::detect()) else { return Ok(()) };
        let digest = words(&sha256::Hash::hash(&other).to_byte_array());
        prop_assert_eq!(sha.hmac_and_digest32(&key, &message, &other), (oracle_hmac(&key, &message), digest));
    }

    #[test]
    fn any_midstates_agree_with_sha2(states in uniform2(any::<State>()), message in vec(any::<u8>(), 0..400)) {
        let Some(sha) = engine("sha256", Sha256::detect()) else { return Ok(()) };
        let [inner, outer] = &states;
        prop_assert_eq!(sha.hmac_from([inner, outer], &message), oracle_hmac_from(states, &message));
        let word_message = words(&sha256::Hash::hash(&message).to_byte_array());
        prop_assert_eq!(sha.hmac_words_from([inner, outer], &word_message), oracle_hmac_from(states, &bytes(&word_message)));
    }

    #[test]
    fn base64_agrees_with_base64ct(bytes in vec(any::<u8>(), 0..200)) {
        let Some(engine) = engine("base64", Base64::detect()) else { return Ok(()) };
        for text in [Base64Unpadded::encode_string(&bytes), Base64UrlUnpadded::encode_string(&bytes)] {
            let mut out = vec![0xee; bytes.len()];
            let marks = engine.decode(text.as_bytes(), &mut out);
            prop_assert_eq!(&out, &bytes);
            let (standard, url_safe) = (text.contains(['+', '/']), text.contains(['-', '_']));
            prop_assert_eq!(marks, Marks { invalid: false, standard, url_safe, spare: 0 });
        }
    }

    #[test]
    fn base64_refuses_what_base64ct_refuses(text in "[A-D+/=_-]{0,70}") {
        let Some(engine) = engine("base64", Base64::detect()) else { return Ok(()) };
        prop_assume!(text.len() % 4 != 1);
        let mut out = vec![0; text.len() / 4 * 3 + text.len() % 4 * 3 / 4];
        let Marks { invalid, standard, url_safe, spare } = engine.decode(text.as_bytes(), &mut out);
        // Padding is the caller's: to the engine, '=' is a character like any other.
        let oracle = Base64Unpadded::decode_vec(&text).or_else(|_| Base64UrlUnpadded::decode_vec(&text)).ok();
        let accepted = !(invalid || standard && url_safe || spare != 0);
        prop_assert_eq!(accepted.then_some(out), oracle);
    }
}

#[test]
fn every_length_around_the_block_borders_agrees() {
    let lengths = if cfg!(miri) { vec![0, 55, 56, 64, 120] } else { (0..400_usize).collect::<Vec<_>>() };
    let key = array::from_fn(|i| 0x0101_0101 * u32::try_from(i).unwrap());
    for length in lengths {
        let message: Vec<u8> = (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let expected = oracle_hmac(&key, &message);
        if let Some(sha) = engine("sha256", Sha256::detect()) {
            assert_eq!(sha.hmac(&key, &message), expected, "{length}");
        }
    }
}

#[test]
fn every_character_in_every_position_is_read_or_refused() {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let Some(engine) = engine("base64", Base64::detect()) else { return };
    let positions = if cfg!(miri) { vec![0, 31, 32, 35] } else { (0..36).collect::<Vec<_>>() };
    for position in positions {
        for c in 0..=255_u8 {
            let mut text = [b'A'; 36];
            text[position] = c;
            let mut out = [0; 27];
            let marks = engine.decode(&text, &mut out);
            assert_eq!(marks.standard, matches!(c, b'+' | b'/'), "{position} {c}");
            assert_eq!(marks.url_safe, matches!(c, b'-' | b'_'), "{position} {c}");
            assert_eq!(marks.invalid, !ALPHABET.contains(&c) && !marks.url_safe, "{position} {c}");
        }
    }
}

#[test]
fn a_buffer_of_any_length_is_safe() {
    let Some(engine) = engine("base64", Base64::detect()) else { return };
    for length in 0..120 {
        let mut out = vec![0; length];
        engine.decode(&[b'/'; 100], &mut out);
        let full = length.min(72);
        assert!(out[..full / 24 * 24].iter().all(|&byte| byte == 0xff), "{length}");
    }
}

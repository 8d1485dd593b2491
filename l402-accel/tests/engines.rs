//! Each engine against implementations that share nothing with it. On a processor that lacks an engine its tests say so and
//! pass: `L402_ACCEL_MUST_HAVE=sha256,lanes,base64` turns that into a failure, for machines that are known to have it.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use base64ct::{Base64Unpadded, Base64UrlUnpadded, Encoding};
use bitcoin_hashes::{Hash, HashEngine, Hmac, HmacEngine, sha256};
use core::array;
use l402_accel::{BLOCK, Base64, LANES, Lanes, Marks, Sha256, State, States};
use proptest::collection::vec;
use proptest::prelude::*;
use sha2::block_api::compress256;

const IV: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

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

/// The states after HMAC's two key blocks.
fn midstates(key: &State) -> [State; 2] {
    [0x36, 0x5c].map(|pad| {
        let (mut state, mut block) = (IV, [pad; BLOCK]);
        for (to, from) in block.iter_mut().zip(bytes(key)) {
            *to ^= from;
        }
        compress256(&mut state, &[block]);
        state
    })
}

fn lanes_of(states: &[State]) -> States {
    let mut lanes = States::splat(&[0; 8]);
    for (lane, state) in states.iter().enumerate() {
        lanes.set(lane, state);
    }
    lanes
}

fn blocks() -> impl Strategy<Value = Vec<[u8; BLOCK]>> {
    vec(any::<[[u8; 32]; 2]>().prop_map(|halves| halves.as_flattened().try_into().unwrap()), 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 512 }, failure_persistence: None, ..Default::default() })]

    #[test]
    fn compress_agrees_with_sha2(state: State, blocks in blocks()) {
        let Some(sha) = engine("sha256", Sha256::detect()) else { return Ok(()) };
        let (mut ours, mut theirs) = (state, state);
        sha.compress(&mut ours, &blocks);
        compress256(&mut theirs, &blocks);
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn compress2_is_compress_twice(left: State, right: State, blocks in blocks()) {
        let Some(sha) = engine("sha256", Sha256::detect()) else { return Ok(()) };
        let (mut ours, mut theirs) = ([left, right], [left, right]);
        for (first, second) in blocks.iter().zip(blocks.iter().rev()) {
            sha.compress2(&mut ours, [first, second]);
            compress256(&mut theirs[0], &[*first]);
            compress256(&mut theirs[1], &[*second]);
        }
        prop_assert_eq!(ours, theirs);
    }

    #[test]
    fn hmac_agrees_with_bitcoin_hashes(key: State, message in vec(any::<u8>(), 0..300)) {
        let Some(sha) = engine("sha256", Sha256::detect()) else { return Ok(()) };
        let expected = oracle_hmac(&key, &message);
        prop_assert_eq!(sha.hmac(&key, &message), expected);
        let [inner, outer] = midstates(&key);
        prop_assert_eq!(sha.hmac_from(&inner, &outer, &message), expected);
    }

    #[test]
    fn sixteen_lanes_agree_with_bitcoin_hashes(
        keys: [State; LANES],
        messages in vec(proptest::option::of(vec(any::<u8>(), 0..200)), LANES),
    ) {
        let Some(engine) = engine("lanes", Lanes::detect()) else { return Ok(()) };
        let given: [Option<&[u8]>; LANES] = array::from_fn(|lane| messages[lane].as_deref());
        let mut states = lanes_of(&keys);
        engine.extend(&mut states, &given);
        let all = given.map(Option::unwrap_or_default);
        let mids = keys.map(|key| midstates(&key));
        let (inner, outer) = (lanes_of(&mids.map(|[inner, _]| inner)), lanes_of(&mids.map(|[_, outer]| outer)));
        let (tags, digests) = (engine.hmac_from(&inner, &outer, &all), engine.digest(&all));
        let of_words = engine.hmac_words_from(&inner, &outer, &digests);
        for (lane, key) in keys.iter().enumerate() {
            let expected = given[lane].map_or(*key, |message| oracle_hmac(key, message));
            prop_assert_eq!(states.lane(lane), expected, "lane {}", lane);
            prop_assert_eq!(tags.lane(lane), oracle_hmac(key, all[lane]));
            let digest = sha256::Hash::hash(all[lane]).to_byte_array();
            prop_assert_eq!(bytes(&digests.lane(lane)), digest);
            prop_assert_eq!(of_words.lane(lane), oracle_hmac(key, &digest));
        }
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
    let lengths = if cfg!(miri) { vec![0, 55, 56, 64, 120] } else { (0..400).collect::<Vec<_>>() };
    let key = array::from_fn(|i| 0x0101_0101 * u32::try_from(i).unwrap());
    for length in lengths {
        let message: Vec<u8> = (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let expected = oracle_hmac(&key, &message);
        if let Some(sha) = engine("sha256", Sha256::detect()) {
            assert_eq!(sha.hmac(&key, &message), expected, "{length}");
        }
        if let Some(engine) = engine("lanes", Lanes::detect()) {
            // Every lane once with this length, beside lanes that are empty or keep their key.
            for lane in 0..LANES {
                let (mut states, mut messages) = (States::splat(&key), [Some(&b""[..]); LANES]);
                (messages[(lane + 1) % LANES], messages[lane]) = (None, Some(&message[..]));
                engine.extend(&mut states, &messages);
                assert_eq!(states.lane(lane), expected, "{length} in lane {lane}");
                assert_eq!(states.lane((lane + 1) % LANES), key);
            }
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

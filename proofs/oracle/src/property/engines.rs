//! The engines of `l402-accel` by themselves, against other crates; within the codec, the other properties hold them with the feature
//! `accel`.

use super::input::Input;
use crate::second::text::{base64, hmac, sha256};
use l402_accel::{Base64, Sha256, State};
use sha2::block_api::compress256;

/// HMAC, SHA-256 and base64 on vector units are what the crates `hmac`, `sha2` and `base64ct` compute; nothing where the processor has none.
pub fn engines(data: &[u8]) {
    let mut input = Input::new(data);
    let (key, other) = (sha256(&input.array::<8>()), sha256(&input.array::<8>()));
    if let Some(engine) = Sha256::detect() {
        let expected = words(&hmac(&key, input.text));
        assert_eq!(engine.hmac(&words(&key), input.text), expected);
        let both = engine.hmac_and_digest32(&words(&key), input.text, &other);
        assert_eq!(both, (expected, words(&sha256(&other))));
        let midstates = [0x36, 0x5c].map(|pad| midstate(&key, pad));
        let [inner, outer] = &midstates;
        assert_eq!(engine.hmac_from([inner, outer], input.text), expected);
        assert_eq!(engine.hmac_words_from([inner, outer], &words(&other)), words(&hmac(&key, &other)));
    }
    if let Some(engine) = Base64::detect() {
        let text = input.text;
        let mut out = vec![0; text.len() / 4 * 3 + text.len() % 4 * 3 / 4];
        let marks = engine.decode(text, &mut out);
        let faulty = marks.invalid || (marks.standard && marks.url_safe) || marks.spare != 0 || text.len() % 4 == 1;
        assert_eq!((!faulty).then_some(out), base64(text).filter(|_| !text.ends_with(b"=")));
    }
}

fn words(bytes: &[u8; 32]) -> State {
    let (words, _) = bytes.as_chunks::<4>();
    core::array::from_fn(|at| u32::from_be_bytes(words[at]))
}

/// The state after one of HMAC's key blocks.
fn midstate(key: &[u8; 32], pad: u8) -> State {
    let mut block = [pad; 64];
    block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    let mut state = IV;
    compress256(&mut state, &[block]);
    state
}

/// The initial state (FIPS 180-4 §5.3.3).
const IV: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

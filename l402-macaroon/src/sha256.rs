//! SHA-256 on whole blocks: the one place that calls the compression function.
//!
//! 1. The state stays in words from one step of a chain to the next.
//! 2. Padding is written into the caller's blocks, so that key block and message go through one call (FIPS 180-4 §5.1.1).
//! 3. HMAC's two halves (RFC 2104 §2) are built from it in [`crate::MacKey`] and in the signature chain.

use sha2::block_api::compress256;
use subtle::{Choice, ConstantTimeEq};

/// A SHA-256 state: eight words, in the order of FIPS 180-4 §5.3.3.
pub(crate) type State = [u32; 8];

/// Bytes in a block.
pub(crate) const BLOCK: usize = 64;

/// The initial state (FIPS 180-4 §5.3.3).
const IV: State =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The longest message tail that shares its last block with the padding.
const TAIL_IN_ONE: usize = BLOCK - 9;

/// Returns SHA-256 of 32 bytes, such as a payment preimage; one compression.
///
/// ```
/// # use l402_macaroon::{hex, sha256};
/// let mut text = [0; 64];
/// let digest = sha256::digest32(&[0x11; 32]);
/// assert!(hex::encode_into(&digest, &mut text).unwrap().starts_with("02d449a3"));
/// ```
#[inline]
pub fn digest32(message: &[u8; 32]) -> [u8; 32] {
    to_bytes(&digest32_words(message))
}

/// Compares SHA-256 of 32 bytes with a digest, in constant time.
///
/// ```
/// # use l402_macaroon::sha256;
/// let digest = sha256::digest32(&[0x11; 32]);
/// assert!(bool::from(sha256::digest32_matches(&[0x11; 32], &digest)));
/// assert!(!bool::from(sha256::digest32_matches(&[0x12; 32], &digest)));
/// ```
#[inline]
pub fn digest32_matches(message: &[u8; 32], digest: &[u8; 32]) -> Choice {
    same(&digest32_words(message), digest)
}

/// The one constant-time comparison of digests: whether a state is these bytes.
#[inline]
pub(crate) fn same(state: &State, bytes: &[u8; 32]) -> Choice {
    let differing = state.iter().zip(from_bytes(bytes)).fold(0, |all, (left, right)| all | (left ^ right));
    differing.ct_eq(&0)
}

/// HMAC-SHA256 under a key of 32 bytes that is held as words; key block and message share a call.
#[cfg_attr(target_pointer_width = "64", inline(always))]
#[cfg_attr(
    target_pointer_width = "64",
    expect(clippy::inline_always, reason = "the state of a chain stays in registers")
)]
pub(crate) fn hmac_words(key: &State, message: &[u8]) -> State {
    #[cfg(feature = "accel")]
    if let Some(engine) = l402_accel::Sha256::detect() {
        return engine.hmac(key, message);
    }
    let key = key.map(u32::to_be);
    let inner = absorb_after(key_block(&key, 0x36), message);
    let mut outer = IV;
    compress256(&mut outer, &[key_block(&key, 0x5c), padded_digest(&to_bytes(&inner), 1)]);
    outer
}

/// As [`hmac_words`], and SHA-256 of 32 other bytes.
#[inline]
pub(crate) fn hmac_words_and_digest32(key: &State, message: &[u8], other: &[u8; 32]) -> (State, State) {
    #[cfg(feature = "accel")]
    if let Some(engine) = l402_accel::Sha256::detect() {
        return engine.hmac_and_digest32(key, message, other);
    }
    (hmac_words(key, message), digest32_words(other))
}

/// The states after the two key blocks of HMAC for a key of at most one block.
pub(crate) fn hmac_midstates(key: &[u8; BLOCK]) -> (State, State) {
    let (mut inner, mut outer) = (IV, IV);
    compress256(&mut inner, &[key.map(|byte| byte ^ 0x36)]);
    compress256(&mut outer, &[key.map(|byte| byte ^ 0x5c)]);
    (inner, outer)
}

/// Finishes HMAC from its midstates; the message follows the key block.
#[inline]
pub(crate) fn hmac_from_midstates(inner: &State, outer: &State, message: &[u8]) -> State {
    #[cfg(feature = "accel")]
    if let Some(engine) = l402_accel::Sha256::detect() {
        return engine.hmac_from([inner, outer], message);
    }
    let digest = finish(*inner, message, BLOCK);
    hmac_outer(outer, &digest)
}

/// Finishes HMAC from its midstates for a message of 32 bytes that is held as words.
#[inline]
pub(crate) fn hmac_words_from_midstates(inner: &State, outer: &State, message: &State) -> State {
    #[cfg(feature = "accel")]
    if let Some(engine) = l402_accel::Sha256::detect() {
        return engine.hmac_words_from([inner, outer], message);
    }
    let mut digest = *inner;
    compress256(&mut digest, &[padded_digest(&to_bytes(message), 1)]);
    hmac_outer(outer, &digest)
}

/// SHA-256 of a message of any length, as words.
pub(crate) fn digest(message: &[u8]) -> State {
    finish(IV, message, 0)
}

/// Big-endian bytes of a state.
#[inline]
pub(crate) fn to_bytes(state: &State) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *chunk = word.to_be_bytes();
    }
    bytes
}

/// A state from its big-endian bytes.
#[inline]
pub(crate) fn from_bytes(bytes: &[u8; 32]) -> State {
    let mut state = [0; 8];
    for (word, chunk) in state.iter_mut().zip(bytes.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*chunk);
    }
    state
}

#[inline]
fn digest32_words(message: &[u8; 32]) -> State {
    let mut state = IV;
    compress256(&mut state, &[padded_digest(message, 0)]);
    state
}

#[inline]
fn hmac_outer(outer: &State, digest: &State) -> State {
    let mut state = *outer;
    compress256(&mut state, &[padded_digest(&to_bytes(digest), 1)]);
    state
}

/// One block that holds a 32-byte message and its padding, `before` blocks into the stream.
#[inline]
fn padded_digest(message: &[u8; 32], before: u8) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    if let Some((head, _)) = block.split_first_chunk_mut::<32>() {
        *head = *message;
    }
    block[32] = 0x80;
    block[62] = 1 + 2 * before; // 256 or 768 bits
    block
}

/// The key block of HMAC for a key of 32 bytes, as words in the order of memory: the key and zeroes, each byte xor `pad`.
#[inline]
fn key_block(key: &State, pad: u8) -> [u8; BLOCK] {
    let mut block = [pad; BLOCK];
    for (chunk, word) in block.as_chunks_mut::<4>().0.iter_mut().zip(key) {
        *chunk = (word ^ u32::from_ne_bytes([pad; 4])).to_ne_bytes();
    }
    block
}

/// Hashes `first` and then `message`, in one call where they fit three blocks.
#[cfg_attr(target_pointer_width = "64", inline(always))]
#[cfg_attr(target_pointer_width = "64", expect(clippy::inline_always, reason = "as for `hmac_words`"))]
fn absorb_after(first: [u8; BLOCK], message: &[u8]) -> State {
    let mut state = IV;
    let mut blocks = [first, [0; BLOCK], [0; BLOCK]];
    let (head, tail) = blocks.split_at_mut(1);
    if message.len() <= TAIL_IN_ONE {
        pad_into(tail[0].as_mut_slice(), message, BLOCK);
        compress256(&mut state, &blocks[..2]);
    } else if message.len() <= TAIL_IN_ONE + BLOCK {
        pad_into(tail.as_flattened_mut(), message, BLOCK);
        compress256(&mut state, &blocks);
    } else {
        compress256(&mut state, head);
        state = finish(state, message, BLOCK);
    }
    state
}

/// Hashes the rest of a stream of which `before` bytes, whole blocks, are in the state.
#[inline]
fn finish(mut state: State, message: &[u8], before: usize) -> State {
    let (whole, tail) = message.as_chunks::<BLOCK>();
    if !whole.is_empty() {
        compress256(&mut state, whole);
    }
    let mut blocks = [[0; BLOCK]; 2];
    let before = before + whole.len() * BLOCK;
    if tail.len() <= TAIL_IN_ONE {
        pad_into(blocks[0].as_mut_slice(), tail, before);
        compress256(&mut state, &blocks[..1]);
    } else {
        pad_into(blocks.as_flattened_mut(), tail, before);
        compress256(&mut state, &blocks);
    }
    state
}

/// Writes the last bytes of a stream and its padding; `blocks` is zeroed and long enough for both.
#[inline]
fn pad_into(blocks: &mut [u8], tail: &[u8], before: usize) {
    let bits = (before as u64 + tail.len() as u64) * 8;
    if let Some((message, padding)) = blocks.split_at_mut_checked(tail.len()) {
        message.copy_from_slice(tail);
        if let Some(first) = padding.first_mut() {
            *first = 0x80;
        }
    }
    if let Some(length) = blocks.last_chunk_mut::<8>() {
        *length = bits.to_be_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitcoin_hashes::{Hash, HashEngine, Hmac, HmacEngine, sha256};
    use std::vec;

    #[test]
    #[cfg_attr(miri, ignore = "walks over every case, which takes an interpreter minutes")]
    fn every_length_around_the_block_borders_agrees_with_bitcoin_hashes() {
        let key = core::array::from_fn(|i| u8::try_from(i).unwrap());
        for length in 0..400 {
            let message = vec![0xa5; length];
            assert_eq!(to_bytes(&digest(&message)), sha256::Hash::hash(&message).to_byte_array());

            let mut oracle = HmacEngine::<sha256::Hash>::new(&key);
            oracle.input(&message);
            let expected = Hmac::from_engine(oracle).to_byte_array();
            assert_eq!(to_bytes(&hmac_words(&from_bytes(&key), &message)), expected, "{length}");
        }
    }

    #[test]
    fn digest32_agrees_with_bitcoin_hashes() {
        let message = core::array::from_fn(|i| u8::try_from(i).unwrap() * 7);
        assert_eq!(digest32(&message), sha256::Hash::hash(&message).to_byte_array());
    }
}

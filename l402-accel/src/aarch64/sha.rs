//! The SHA2 extension: the vocabulary that [`crate::hmac`] is written in.
//!
//! The instructions hold a state as two vectors, `ABCD` and `EFGH` (Arm ARM, `SHA256H`, `SHA256H2`): words in their own order.

use crate::{BLOCK, K, State};
use core::arch::aarch64::{
    uint32x4_t, vaddq_u32, vdupq_n_u32, veorq_u32, vld1q_u8, vld1q_u32, vreinterpretq_u32_u8, vrev32q_u8,
    vsetq_lane_u32, vsha256h2q_u32, vsha256hq_u32, vsha256su0q_u32, vsha256su1q_u32, vst1q_u32,
};

cpufeatures::new!(has_sha2, "sha2");

/// Whether the processor has the SHA2 extension.
pub(crate) use has_sha2::get as is_there;

/// A state as the instructions hold it.
#[derive(Clone, Copy)]
pub(crate) struct Hash {
    abcd: uint32x4_t,
    efgh: uint32x4_t,
}

/// The sixteen words of a block, in order.
pub(crate) type Block = [uint32x4_t; 4];

/// The eight words of a state, in order.
pub(crate) type Words = [uint32x4_t; 2];

/// Two compressions that have nothing to do with each other, four rounds of each in turn.
#[inline]
#[target_feature(enable = "sha2")]
pub(crate) fn compress2<const SITE: usize>(start: [Hash; 2], [mut v, mut w]: [Block; 2]) -> (Hash, Hash) {
    let [mut left, mut right] = start;
    for i in 0..4 {
        rounds4(&mut left, v[i], i);
        rounds4(&mut right, w[i], i);
    }
    for sixteen in 1..4 {
        for i in 0..4 {
            (v[i], w[i]) = (schedule(&v, i), schedule(&w, i));
            rounds4(&mut left, v[i], 4 * sixteen + i);
            rounds4(&mut right, w[i], 4 * sixteen + i);
        }
    }
    (add(left, start[0]), add(right, start[1]))
}

#[inline]
#[target_feature(enable = "sha2")]
pub(crate) fn load_block(block: &[u8; BLOCK]) -> Block {
    let mut words = [vdupq_n_u32(0); 4];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<16>().0) {
        // SAFETY: reads the 16 bytes behind the reference.
        let loaded = unsafe { vld1q_u8(bytes.as_ptr()) };
        *word = vreinterpretq_u32_u8(vrev32q_u8(loaded));
    }
    words
}

#[inline]
#[target_feature(enable = "sha2")]
pub(crate) fn load_words(state: &State) -> Words {
    let [low, high] = [&state.as_chunks::<4>().0[0], &state.as_chunks::<4>().0[1]];
    [load4(low), load4(high)]
}

#[inline]
#[target_feature(enable = "sha2")]
pub(crate) fn pack(state: &State) -> Hash {
    let [abcd, efgh] = load_words(state);
    Hash { abcd, efgh }
}

#[inline]
#[target_feature(enable = "sha2")]
pub(crate) fn words(Hash { abcd, efgh }: Hash) -> Words {
    [abcd, efgh]
}

#[inline]
#[target_feature(enable = "sha2")]
pub(crate) fn unpack(hash: Hash) -> State {
    let mut state = [0; 8];
    for (half, vector) in state.as_chunks_mut::<4>().0.iter_mut().zip(words(hash)) {
        // SAFETY: writes the 16 bytes behind the reference.
        unsafe { vst1q_u32(half.as_mut_ptr(), vector) }
    }
    state
}

/// The key block of HMAC: 32 bytes of key and zeroes, each xor a byte that `pad` repeats.
#[inline]
#[target_feature(enable = "sha2")]
pub(crate) fn key_block([low, high]: Words, pad: u32) -> Block {
    let pad = vdupq_n_u32(pad);
    [veorq_u32(low, pad), veorq_u32(high, pad), pad, pad]
}

/// The last block of HMAC: the inner digest, behind a key block.
#[inline]
#[target_feature(enable = "sha2")]
pub(crate) fn digest_block([low, high]: Words) -> Block {
    let zero = vdupq_n_u32(0);
    [low, high, vsetq_lane_u32::<0>(0x8000_0000, zero), vsetq_lane_u32::<3>(768, zero)]
}

#[inline]
#[target_feature(enable = "sha2")]
pub(crate) fn rounds4(hash: &mut Hash, four: uint32x4_t, i: usize) {
    let t = vaddq_u32(four, load4(&K.as_chunks::<4>().0[i]));
    let abcd = hash.abcd;
    hash.abcd = vsha256hq_u32(abcd, hash.efgh, t);
    hash.efgh = vsha256h2q_u32(hash.efgh, abcd, t);
}

/// The next four words of the message schedule, in place of `w[i]`.
#[inline]
#[target_feature(enable = "sha2")]
pub(crate) fn schedule(w: &Block, i: usize) -> uint32x4_t {
    let [first, second, third, fourth] = [w[i], w[(i + 1) % 4], w[(i + 2) % 4], w[(i + 3) % 4]];
    vsha256su1q_u32(vsha256su0q_u32(first, second), third, fourth)
}

#[inline]
#[target_feature(enable = "sha2")]
fn load4(words: &[u32; 4]) -> uint32x4_t {
    // SAFETY: reads the 16 bytes behind the reference.
    unsafe { vld1q_u32(words.as_ptr()) }
}

#[inline]
#[target_feature(enable = "sha2")]
pub(crate) fn add(left: Hash, right: Hash) -> Hash {
    Hash { abcd: vaddq_u32(left.abcd, right.abcd), efgh: vaddq_u32(left.efgh, right.efgh) }
}

//! The SHA extensions: the vocabulary that [`crate::hmac`] is written in.
//!
//! The instructions hold a state as two vectors, `ABEF` and `CDGH` (Intel SDM, `SHA256RNDS2`), and do four rounds in two
//! instructions of four cycles each, one behind the other. Two streams fill each other's waiting.

use super::memory::{load_bytes16, load_words16, store_words16};
use crate::{BLOCK, K, State};
use core::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_blend_epi16, _mm_set_epi32, _mm_set_epi64x, _mm_set1_epi32,
    _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
    _mm_xor_si128,
};

cpufeatures::new!(has_sha, "sha", "ssse3", "sse4.1");

/// Whether the processor has the SHA extensions and SSE4.1.
pub(crate) use has_sha::get as is_there;

/// A state as the instructions hold it.
#[derive(Clone, Copy)]
pub(crate) struct Hash {
    abef: __m128i,
    cdgh: __m128i,
}

/// The sixteen words of a block, in order.
pub(crate) type Block = [__m128i; 4];

/// The eight words of a state, in order.
pub(crate) type Words = [__m128i; 2];

/// Two compressions that have nothing to do with each other, an instruction of each in turn.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub(crate) fn compress2<const SITE: usize>(start: [Hash; 2], [mut v, mut w]: [Block; 2]) -> (Hash, Hash) {
    let [mut left, mut right] = start;
    for i in 0..4 {
        rounds4_twice(&mut left, &mut right, [v[i], w[i]], i);
    }
    for sixteen in 1..4 {
        for i in 0..4 {
            (v[i], w[i]) = (schedule(&v, i), schedule(&w, i));
            rounds4_twice(&mut left, &mut right, [v[i], w[i]], 4 * sixteen + i);
        }
    }
    (add(left, start[0]), add(right, start[1]))
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub(crate) fn load_block(block: &[u8; BLOCK]) -> Block {
    let mut words = [_mm_set1_epi32(0); 4];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks::<16>().0) {
        *word = _mm_shuffle_epi8(load_bytes16(bytes), _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203));
    }
    words
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub(crate) fn load_words(state: &State) -> Words {
    let mut words = [_mm_set1_epi32(0); 2];
    for (word, half) in words.iter_mut().zip(state.as_chunks::<4>().0) {
        *word = load_words16(half);
    }
    words
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub(crate) fn pack(state: &State) -> Hash {
    let [dcba, hgfe] = load_words(state);
    let (cdab, efgh) = (_mm_shuffle_epi32::<0xb1>(dcba), _mm_shuffle_epi32::<0x1b>(hgfe));
    Hash { abef: _mm_alignr_epi8::<8>(cdab, efgh), cdgh: _mm_blend_epi16::<0xf0>(efgh, cdab) }
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub(crate) fn words(Hash { abef, cdgh }: Hash) -> Words {
    let (feba, dchg) = (_mm_shuffle_epi32::<0x1b>(abef), _mm_shuffle_epi32::<0xb1>(cdgh));
    [_mm_blend_epi16::<0xf0>(feba, dchg), _mm_alignr_epi8::<8>(dchg, feba)]
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub(crate) fn unpack(hash: Hash) -> State {
    let mut state = [0; 8];
    for (half, vector) in state.as_chunks_mut::<4>().0.iter_mut().zip(words(hash)) {
        store_words16(half, vector);
    }
    state
}

/// The key block of HMAC: 32 bytes of key and zeroes, each xor a byte that `pad` repeats.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub(crate) fn key_block([low, high]: Words, pad: u32) -> Block {
    let pad = _mm_set1_epi32(pad.cast_signed());
    [_mm_xor_si128(low, pad), _mm_xor_si128(high, pad), pad, pad]
}

/// The last block of HMAC: the inner digest, behind a key block.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub(crate) fn digest_block([low, high]: Words) -> Block {
    [low, high, _mm_set_epi32(0, 0, 0, i32::MIN), _mm_set_epi32(768, 0, 0, 0)]
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub(crate) fn rounds4(hash: &mut Hash, four: __m128i, i: usize) {
    let t = _mm_add_epi32(four, constants(i));
    hash.cdgh = _mm_sha256rnds2_epu32(hash.cdgh, hash.abef, t);
    hash.abef = _mm_sha256rnds2_epu32(hash.abef, hash.cdgh, _mm_shuffle_epi32::<0x0e>(t));
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn rounds4_twice(left: &mut Hash, right: &mut Hash, fours: [__m128i; 2], i: usize) {
    let [t, u] = [_mm_add_epi32(fours[0], constants(i)), _mm_add_epi32(fours[1], constants(i))];
    left.cdgh = _mm_sha256rnds2_epu32(left.cdgh, left.abef, t);
    right.cdgh = _mm_sha256rnds2_epu32(right.cdgh, right.abef, u);
    left.abef = _mm_sha256rnds2_epu32(left.abef, left.cdgh, _mm_shuffle_epi32::<0x0e>(t));
    right.abef = _mm_sha256rnds2_epu32(right.abef, right.cdgh, _mm_shuffle_epi32::<0x0e>(u));
}

/// The next four words of the message schedule, in place of `w[i]`.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub(crate) fn schedule(w: &Block, i: usize) -> __m128i {
    let [first, second, third, fourth] = [w[i], w[(i + 1) % 4], w[(i + 2) % 4], w[(i + 3) % 4]];
    let sum = _mm_add_epi32(_mm_sha256msg1_epu32(first, second), _mm_alignr_epi8::<4>(fourth, third));
    _mm_sha256msg2_epu32(sum, fourth)
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn constants(i: usize) -> __m128i {
    load_words16(&K.as_chunks::<4>().0[i])
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
pub(crate) fn add(left: Hash, right: Hash) -> Hash {
    Hash { abef: _mm_add_epi32(left.abef, right.abef), cdgh: _mm_add_epi32(left.cdgh, right.cdgh) }
}

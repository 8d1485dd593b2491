//! Sixteen lanes by AVX-512: a vector holds the same word of sixteen states.
#![expect(clippy::large_types_passed_by_value, reason = "they live in registers")]

use super::memory::{load_front, load64, store64};
use crate::lanes::{LANES, States};
use crate::{BLOCK, IV, K};
use core::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_mask_mov_epi8, _mm512_mask_mov_epi32, _mm512_or_si512, _mm512_ror_epi32,
    _mm512_set_epi64, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_shuffle_epi8,
    _mm512_shuffle_i32x4, _mm512_srli_epi32, _mm512_ternarylogic_epi32, _mm512_unpackhi_epi32, _mm512_unpackhi_epi64,
    _mm512_unpacklo_epi32, _mm512_unpacklo_epi64, _mm512_xor_si512,
};

cpufeatures::new!(has_avx512, "avx512f", "avx512bw");

/// The proof that the processor, and the operating system, support AVX-512 F and BW: only [`Engine::detect`] makes one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Engine(());

#[expect(clippy::unused_self, reason = "it is the proof")]
impl Engine {
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        has_avx512::get().then_some(Self(()))
    }

    #[inline]
    pub(crate) fn digest(self, messages: &[&[u8]; LANES]) -> States {
        // SAFETY: `self` exists, so the processor has the features.
        unsafe { digest(messages) }
    }

    #[inline]
    pub(crate) fn extend(self, keys: &mut States, messages: &[Option<&[u8]>; LANES]) {
        // SAFETY: `self` exists, so the processor has the features.
        unsafe { extend(keys, messages) }
    }

    #[inline]
    pub(crate) fn hmac_from(self, inner: &States, outer: &States, messages: &[&[u8]; LANES]) -> States {
        // SAFETY: `self` exists, so the processor has the features.
        unsafe { hmac_from(inner, outer, messages) }
    }

    #[inline]
    pub(crate) fn hmac_words_from(self, inner: &States, outer: &States, messages: &States) -> States {
        // SAFETY: `self` exists, so the processor has the features.
        unsafe { hmac_words_from(inner, outer, messages) }
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn digest(messages: &[&[u8]; LANES]) -> States {
    store(finish(initial(), messages, 0))
}

#[target_feature(enable = "avx512f,avx512bw")]
fn extend(keys: &mut States, messages: &[Option<&[u8]>; LANES]) {
    let mut present = 0;
    let mut known: [&[u8]; LANES] = [&[]; LANES];
    for (lane, (slot, message)) in known.iter_mut().zip(messages).enumerate() {
        if let Some(message) = message {
            (*slot, present) = (message, present | 1 << lane);
        }
    }
    let old = load(keys);
    let inner = finish(compress(&initial(), &key_block(&old, 0x3636_3636)), &known, BLOCK);
    let outer = compress(&initial(), &key_block(&old, 0x5c5c_5c5c));
    *keys = store(choose(present, &compress(&outer, &digest_block(&inner)), old));
}

#[target_feature(enable = "avx512f,avx512bw")]
fn hmac_from(inner: &States, outer: &States, messages: &[&[u8]; LANES]) -> States {
    let inner = finish(load(inner), messages, BLOCK);
    store(compress(&load(outer), &digest_block(&inner)))
}

#[target_feature(enable = "avx512f,avx512bw")]
fn hmac_words_from(inner: &States, outer: &States, messages: &States) -> States {
    let inner = compress(&load(inner), &digest_block(&load(messages)));
    store(compress(&load(outer), &digest_block(&inner)))
}

/// Word by word, sixteen states.
type Hash = [__m512i; 8];

/// Word by word, sixteen blocks.
type Block = [__m512i; 16];

/// Hashes messages, of which whole blocks of `before` bytes are in the state, and their padding. A lane whose message has
/// ended keeps its state while others go on.
#[target_feature(enable = "avx512f,avx512bw")]
fn finish(mut hash: Hash, messages: &[&[u8]; LANES], before: usize) -> Hash {
    // A message takes the blocks 0 to `last`: its bytes, a bit, and eight bytes of length.
    let last = messages.map(|message| (message.len() + 8) / BLOCK);
    for block in 0..=last.into_iter().max().unwrap_or(0) {
        let (mut going_on, mut bits) = (0, [[0; LANES]; 2]);
        for (lane, (message, &last)) in messages.iter().zip(&last).enumerate() {
            going_on |= u16::from(block <= last) << lane;
            if block == last {
                let length = ((before + message.len()) as u64 * 8).to_be_bytes();
                let [high, low] = [&length[..4], &length[4..]]
                    .map(|half| half.try_into().map(u32::from_be_bytes).unwrap_or_default());
                (bits[0][lane], bits[1][lane]) = (high, low);
            }
        }
        let mut w = gather(messages, block);
        w[14] = _mm512_or_si512(w[14], load64(&bits[0]));
        w[15] = _mm512_or_si512(w[15], load64(&bits[1]));
        hash = choose(going_on, &compress(&hash, &w), hash);
    }
    hash
}

/// Block number `block` of each message, with the bit behind its end and without its length.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn gather(messages: &[&[u8]; LANES], block: usize) -> Block {
    let big_endian = _mm512_set_epi64(
        0x0c0d_0e0f_0809_0a0b,
        0x0405_0607_0001_0203,
        0x0c0d_0e0f_0809_0a0b,
        0x0405_0607_0001_0203,
        0x0c0d_0e0f_0809_0a0b,
        0x0405_0607_0001_0203,
        0x0c0d_0e0f_0809_0a0b,
        0x0405_0607_0001_0203,
    );
    let mut rows = [_mm512_setzero_si512(); 16];
    for (row, message) in rows.iter_mut().zip(messages) {
        let bytes = load_front(message.get(block * BLOCK..).unwrap_or_default());
        let end = u64::from(message.len() / BLOCK == block) << (message.len() % BLOCK);
        let padded = _mm512_mask_mov_epi8(bytes, end, _mm512_set1_epi8(i8::MIN));
        *row = _mm512_shuffle_epi8(padded, big_endian);
    }
    transpose(rows)
}

/// Sixteen rows of sixteen words to sixteen columns.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(mut rows: Block) -> Block {
    let mut pairs = rows;
    for i in (0..16).step_by(2) {
        pairs[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        pairs[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    // rows[4 g + j]: in quarter q, word 4 q + j of rows 4 g to 4 g + 3
    for i in (0..16).step_by(4) {
        rows[i] = _mm512_unpacklo_epi64(pairs[i], pairs[i + 2]);
        rows[i + 1] = _mm512_unpackhi_epi64(pairs[i], pairs[i + 2]);
        rows[i + 2] = _mm512_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
        rows[i + 3] = _mm512_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
    }
    let mut columns = rows;
    for j in 0..4 {
        let [a, b, c, d] = [rows[j], rows[4 + j], rows[8 + j], rows[12 + j]];
        let (even, odd) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b));
        let (even_high, odd_high) = (_mm512_shuffle_i32x4::<0x88>(c, d), _mm512_shuffle_i32x4::<0xdd>(c, d));
        columns[j] = _mm512_shuffle_i32x4::<0x88>(even, even_high);
        columns[4 + j] = _mm512_shuffle_i32x4::<0x88>(odd, odd_high);
        columns[8 + j] = _mm512_shuffle_i32x4::<0xdd>(even, even_high);
        columns[12 + j] = _mm512_shuffle_i32x4::<0xdd>(odd, odd_high);
    }
    columns
}

/// Writes a step out for each of sixteen words: in a loop, they would not stay in registers.
macro_rules! sixteen {
    ($step:ident($($argument:expr),*)) => {
        sixteen!($step($($argument),*); 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    };
    ($step:ident $arguments:tt; $($i:literal)*) => { $(sixteen!(@ $step $arguments $i);)* };
    (@ $step:ident($($argument:expr),*) $i:literal) => { $step($($argument,)* $i) };
}

/// One compression in every lane (FIPS 180-4 §6.2.2).
#[inline(never)]
#[target_feature(enable = "avx512f")]
fn compress(start: &Hash, block: &Block) -> Hash {
    let (mut hash, mut w) = (*start, *block);
    let [first, rest @ ..] = &K.as_chunks::<16>().0 else { return hash };
    sixteen!(round(&mut hash, &w, first));
    for constants in rest {
        sixteen!(schedule_and_round(&mut hash, &mut w, constants));
    }
    for (word, before) in hash.iter_mut().zip(start) {
        *word = _mm512_add_epi32(*word, *before);
    }
    hash
}

#[inline]
#[target_feature(enable = "avx512f")]
fn schedule_and_round(hash: &mut Hash, w: &mut Block, constants: &[u32; 16], i: usize) {
    let (x, y) = (w[(i + 1) % 16], w[(i + 14) % 16]);
    let small0 = xor3(_mm512_ror_epi32::<7>(x), _mm512_ror_epi32::<18>(x), _mm512_srli_epi32::<3>(x));
    let small1 = xor3(_mm512_ror_epi32::<17>(y), _mm512_ror_epi32::<19>(y), _mm512_srli_epi32::<10>(y));
    w[i] = _mm512_add_epi32(_mm512_add_epi32(w[i], small0), _mm512_add_epi32(w[(i + 9) % 16], small1));
    round(hash, w, constants, i);
}

#[inline]
#[target_feature(enable = "avx512f")]
#[expect(clippy::many_single_char_names, reason = "the names of the standard")]
fn round(hash: &mut Hash, w: &Block, constants: &[u32; 16], i: usize) {
    let [a, b, c, d, e, f, g, h] = *hash;
    let sum1 = xor3(_mm512_ror_epi32::<6>(e), _mm512_ror_epi32::<11>(e), _mm512_ror_epi32::<25>(e));
    let sum0 = xor3(_mm512_ror_epi32::<2>(a), _mm512_ror_epi32::<13>(a), _mm512_ror_epi32::<22>(a));
    let ch = _mm512_ternarylogic_epi32::<0xca>(e, f, g);
    let maj = _mm512_ternarylogic_epi32::<0xe8>(a, b, c);
    let added = _mm512_add_epi32(_mm512_add_epi32(h, w[i]), splat(constants[i]));
    let t = _mm512_add_epi32(_mm512_add_epi32(added, ch), sum1);
    *hash = [_mm512_add_epi32(t, _mm512_add_epi32(sum0, maj)), a, b, c, _mm512_add_epi32(d, t), e, f, g];
}

/// The key block of HMAC: 32 bytes of key and zeroes, each xor a byte that `pad` repeats.
#[inline]
#[target_feature(enable = "avx512f")]
fn key_block(key: &Hash, pad: u32) -> Block {
    let pad = splat(pad);
    let mut block = [pad; 16];
    for (word, key) in block.iter_mut().zip(key) {
        *word = _mm512_xor_si512(*key, pad);
    }
    block
}

/// A block that holds 32 bytes behind a key block, and their padding.
#[inline]
#[target_feature(enable = "avx512f")]
fn digest_block(digest: &Hash) -> Block {
    let mut block = [_mm512_setzero_si512(); 16];
    for (word, digest) in block.iter_mut().zip(digest) {
        *word = *digest;
    }
    (block[8], block[15]) = (splat(0x8000_0000), splat(768));
    block
}

#[inline]
#[target_feature(enable = "avx512f")]
fn initial() -> Hash {
    let mut hash = [_mm512_setzero_si512(); 8];
    for (word, value) in hash.iter_mut().zip(IV) {
        *word = splat(value);
    }
    hash
}

/// `new` in the lanes of the mask, `old` in the others.
#[inline]
#[target_feature(enable = "avx512f")]
fn choose(lanes: u16, new: &Hash, mut old: Hash) -> Hash {
    for (old, new) in old.iter_mut().zip(new) {
        *old = _mm512_mask_mov_epi32(*old, lanes, *new);
    }
    old
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(states: &States) -> Hash {
    let mut hash = [_mm512_setzero_si512(); 8];
    for (word, words) in hash.iter_mut().zip(&states.0) {
        *word = load64(words);
    }
    hash
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(hash: Hash) -> States {
    let mut states = States([[0; LANES]; 8]);
    for (words, word) in states.0.iter_mut().zip(hash) {
        store64(words, word);
    }
    states
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(word: u32) -> __m512i {
    _mm512_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn xor3(a: __m512i, b: __m512i, c: __m512i) -> __m512i {
    _mm512_ternarylogic_epi32::<0x96>(a, b, c)
}

//! Base64 by AVX2: ranges are found by comparison, so that nothing is looked up.

use super::memory::{load32, store_bytes16};
use crate::marks::Marks;
use core::arch::x86_64::{
    __m256i, _mm256_add_epi8, _mm256_and_si256, _mm256_castsi256_si128, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8,
    _mm256_extracti128_si256, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_permutevar8x32_epi32, _mm256_set1_epi8, _mm256_set1_epi32, _mm256_setr_epi8, _mm256_setr_epi32,
    _mm256_setzero_si256, _mm256_shuffle_epi8,
};

cpufeatures::new!(has_avx2, "avx2");

/// The proof that the processor, and the operating system, support AVX2: only [`Engine::detect`] makes one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Engine(());

#[expect(clippy::unused_self, reason = "it is the proof")]
impl Engine {
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        has_avx2::get().then_some(Self(()))
    }

    #[inline]
    pub(crate) fn decode(self, text: &[u8], out: &mut [u8]) -> Marks {
        // SAFETY: `self` exists, so the processor has the feature.
        unsafe { decode(text, out) }
    }
}

/// Characters and bytes of one step.
const CHARACTERS: usize = 32;
const BYTES: usize = 24;

#[target_feature(enable = "avx2")]
fn decode(text: &[u8], out: &mut [u8]) -> Marks {
    let mut seen = Seen::new();
    let (chunks, rest) = text.as_chunks::<CHARACTERS>();
    for (chunk, bytes) in chunks.iter().zip(out.as_chunks_mut().0) {
        store24(bytes, decode_step(chunk, &mut seen));
    }
    // The last 32 characters that make whole bytes are decoded with those before them once more, where there are as many:
    // that is cheaper than to copy what the chunks left over.
    let groups = text.len() / 4;
    let last = text.get(..4 * groups).and_then(|text| text.last_chunk());
    let decoded = out.get_mut(..3 * groups).and_then(|out| out.last_chunk_mut());
    let (rest, from) = if let (Some(chunk), Some(bytes)) = (last, decoded) {
        store24(bytes, decode_step(chunk, &mut seen));
        (text.get(4 * groups..).unwrap_or_default(), 3 * groups)
    } else {
        (rest, chunks.len() * BYTES)
    };
    let spare = if rest.is_empty() { 0 } else { decode_rest(rest, out.get_mut(from..).unwrap_or_default(), &mut seen) };
    seen.marks(spare)
}

/// Decodes fewer characters than a step takes, and returns the byte behind the last one that they make.
#[inline]
#[target_feature(enable = "avx2")]
fn decode_rest(rest: &[u8], out: &mut [u8], seen: &mut Seen) -> u8 {
    // 'A' fills up with zero bits, so that whatever is set behind the last byte came from the text.
    let mut chunk = [b'A'; CHARACTERS];
    for (to, from) in chunk.iter_mut().zip(rest) {
        *to = *from;
    }
    store_part(out, decode_step(&chunk, seen))
}

/// What was met so far: a lane is not zero where it was.
struct Seen {
    valid: __m256i,
    standard: __m256i,
    url_safe: __m256i,
}

impl Seen {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn new() -> Self {
        Self { valid: _mm256_set1_epi8(-1), standard: _mm256_setzero_si256(), url_safe: _mm256_setzero_si256() }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn marks(&self, spare: u8) -> Marks {
        Marks {
            invalid: _mm256_movemask_epi8(self.valid) != -1,
            standard: _mm256_movemask_epi8(self.standard) != 0,
            url_safe: _mm256_movemask_epi8(self.url_safe) != 0,
            spare,
        }
    }
}

/// Decodes 32 characters to 24 bytes, which lie in the front of the vector.
#[inline]
#[target_feature(enable = "avx2")]
fn decode_step(chunk: &[u8; CHARACTERS], seen: &mut Seen) -> __m256i {
    let c = load32(chunk);
    let (upper, lower, digit) = (within(c, b'A', b'Z'), within(c, b'a', b'z'), within(c, b'0', b'9'));
    let (plus, slash, minus, underscore) = (is(c, b'+'), is(c, b'/'), is(c, b'-'), is(c, b'_'));
    let (standard, url_safe) = (_mm256_or_si256(plus, slash), _mm256_or_si256(minus, underscore));
    seen.standard = _mm256_or_si256(seen.standard, standard);
    seen.url_safe = _mm256_or_si256(seen.url_safe, url_safe);

    let other = _mm256_or_si256(standard, url_safe);
    let valid = _mm256_or_si256(_mm256_or_si256(_mm256_or_si256(upper, lower), digit), other);
    seen.valid = _mm256_and_si256(seen.valid, valid);

    // Modulo 64, which is all that counts: from each character to its value. A mask is also the number -1.
    let shift = _mm256_add_epi8(_mm256_set1_epi8(4), _mm256_or_si256(only(upper, -5), only(lower, -11)));
    let ordinary = _mm256_add_epi8(c, shift);
    let first = _mm256_or_si256(plus, minus);
    let values = _mm256_add_epi8(_mm256_or_si256(ordinary, only(other, 63)), first);
    pack(_mm256_and_si256(values, _mm256_set1_epi8(63)))
}

/// Packs 32 values of six bits into 24 bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn pack(values: __m256i) -> __m256i {
    let twelve = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x0140_0140));
    let twenty_four = _mm256_madd_epi16(twelve, _mm256_set1_epi32(0x0001_1000));
    let order = _mm256_setr_epi8(
        2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1, 2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1,
    );
    let halves = _mm256_shuffle_epi8(twenty_four, order);
    _mm256_permutevar8x32_epi32(halves, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7))
}

#[inline]
#[target_feature(enable = "avx2")]
fn store24(bytes: &mut [u8; BYTES], step: __m256i) {
    let [low, high] = split(step);
    let (front, back) = bytes.split_at_mut(16);
    front.copy_from_slice(&low);
    back.copy_from_slice(&high[..8]);
}

/// Writes the front of a step and returns the byte behind it.
#[inline]
#[target_feature(enable = "avx2")]
fn store_part(bytes: &mut [u8], step: __m256i) -> u8 {
    let halves = split(step);
    let all = halves.as_flattened();
    for (to, from) in bytes.iter_mut().zip(all) {
        *to = *from;
    }
    all.get(bytes.len()).copied().unwrap_or(0)
}

#[inline]
#[target_feature(enable = "avx2")]
fn split(step: __m256i) -> [[u8; 16]; 2] {
    let mut halves = [[0; 16]; 2];
    store_bytes16(&mut halves[0], _mm256_castsi256_si128(step));
    store_bytes16(&mut halves[1], _mm256_extracti128_si256::<1>(step));
    halves
}

#[inline]
#[target_feature(enable = "avx2")]
fn is(c: __m256i, character: u8) -> __m256i {
    _mm256_cmpeq_epi8(c, _mm256_set1_epi8(character.cast_signed()))
}

/// All bits where `low <= c <= high`. Bytes above 127 are negative, and so in no range.
#[inline]
#[target_feature(enable = "avx2")]
fn within(c: __m256i, low: u8, high: u8) -> __m256i {
    let above = _mm256_cmpgt_epi8(c, _mm256_set1_epi8(low.cast_signed() - 1));
    let below = _mm256_cmpgt_epi8(_mm256_set1_epi8(high.cast_signed() + 1), c);
    _mm256_and_si256(above, below)
}

#[inline]
#[target_feature(enable = "avx2")]
fn only(mask: __m256i, value: i8) -> __m256i {
    _mm256_and_si256(mask, _mm256_set1_epi8(value))
}

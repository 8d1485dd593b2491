//! Vectors to and from arrays: the only places where a pointer is followed.

use core::arch::x86_64::{__m128i, __m256i, _mm_loadu_si128, _mm_storeu_si128, _mm256_loadu_si256};
use core::ptr::{from_mut, from_ref};

#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn load_bytes16(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: reads the 16 bytes behind the reference; the instruction needs no alignment.
    unsafe { _mm_loadu_si128(from_ref(bytes).cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn load_words16(words: &[u32; 4]) -> __m128i {
    // SAFETY: reads the 16 bytes behind the reference; the instruction needs no alignment.
    unsafe { _mm_loadu_si128(from_ref(words).cast()) }
}

#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn store_words16(words: &mut [u32; 4], vector: __m128i) {
    // SAFETY: writes the 16 bytes behind the reference, for which any bits are a value; no alignment is needed.
    unsafe { _mm_storeu_si128(from_mut(words).cast(), vector) }
}

#[inline]
#[target_feature(enable = "sse2")]
pub(super) fn store_bytes16(bytes: &mut [u8; 16], vector: __m128i) {
    // SAFETY: writes the 16 bytes behind the reference, for which any bits are a value; no alignment is needed.
    unsafe { _mm_storeu_si128(from_mut(bytes).cast(), vector) }
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load32(bytes: &[u8; 32]) -> __m256i {
    // SAFETY: reads the 32 bytes behind the reference; the instruction needs no alignment.
    unsafe { _mm256_loadu_si256(from_ref(bytes).cast()) }
}

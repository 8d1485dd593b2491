//! Vectors to and from arrays: the only places where a pointer is followed.

use core::arch::x86_64::{
    __m128i, __m256i, __m512i, __mmask64, _mm_loadu_si128, _mm_storeu_si128, _mm256_loadu_si256, _mm512_loadu_si512,
    _mm512_maskz_loadu_epi8, _mm512_storeu_si512,
};
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

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn load64(words: &[u32; 16]) -> __m512i {
    // SAFETY: reads the 64 bytes behind the reference; the instruction needs no alignment.
    unsafe { _mm512_loadu_si512(from_ref(words).cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn store64(words: &mut [u32; 16], vector: __m512i) {
    // SAFETY: writes the 64 bytes behind the reference, for which any bits are a value; no alignment is needed.
    unsafe { _mm512_storeu_si512(from_mut(words).cast(), vector) }
}

/// The first 64 bytes of a slice, or all of a shorter one and zeroes behind it.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn load_front(bytes: &[u8]) -> __m512i {
    let mask: __mmask64 = if bytes.len() < 64 { (1 << bytes.len()) - 1 } else { u64::MAX };
    // SAFETY: the mask has a bit set for bytes inside the slice only; bytes whose bit is not set are not accessed.
    unsafe { _mm512_maskz_loadu_epi8(mask, bytes.as_ptr().cast()) }
}

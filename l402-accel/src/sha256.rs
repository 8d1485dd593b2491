//! One stream of SHA-256, or two at a time.

use crate::{State, arch};

/// SHA-256 by the processor's own instructions: SHA extensions with SSE4.1 on x86-64, SHA2 on `AArch64`.
///
/// ```
/// use l402_accel::Sha256;
///
/// if let Some(engine) = Sha256::detect() {
///     let (_tag, digest) = engine.hmac_and_digest32(&[0; 8], b"message", &[0x11; 32]);
///     assert_eq!(digest[0], 0x02d449a3);
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Sha256(arch::Sha256);

impl Sha256 {
    /// Returns the engine where the processor has the instructions. The answer is kept: asking again costs one load.
    #[inline]
    pub fn detect() -> Option<Self> {
        arch::Sha256::detect().map(Self)
    }

    /// HMAC-SHA256 (RFC 2104) of a message under a key of 32 bytes that is held as words; the two key blocks are compressed
    /// together.
    #[inline]
    pub fn hmac(self, key: &State, message: &[u8]) -> State {
        self.0.hmac(key, message)
    }

    /// As [`Sha256::hmac`], and SHA-256 of 32 other bytes as well, which costs little where the message has 64 bytes or
    /// more: it is compressed together with the first block.
    #[inline]
    pub fn hmac_and_digest32(self, key: &State, message: &[u8], other: &[u8; 32]) -> (State, State) {
        self.0.hmac_and_digest32(key, message, other)
    }

    /// HMAC-SHA256 of a message from the states after the two key blocks, inner and outer.
    #[inline]
    pub fn hmac_from(self, midstates: [&State; 2], message: &[u8]) -> State {
        self.0.hmac_from(midstates, message)
    }

    /// As [`Sha256::hmac_from`], for a message of 32 bytes that is held as words.
    #[inline]
    pub fn hmac_words_from(self, midstates: [&State; 2], message: &State) -> State {
        self.0.hmac_words_from(midstates, message)
    }
}

//! One stream of SHA-256, or two at a time.

use crate::{BLOCK, State, arch};

/// SHA-256 by the processor's own instructions: SHA extensions with SSE4.1 on x86-64, SHA2 on `AArch64`.
///
/// ```
/// use l402_accel::Sha256;
///
/// let mut state = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
/// let mut empty = [0; 64]; // the padded empty message
/// empty[0] = 0x80;
/// if let Some(engine) = Sha256::detect() {
///     engine.compress(&mut state, &[empty]);
///     assert_eq!(state[0], 0xe3b0c442);
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

    /// Compresses whole blocks into a state (FIPS 180-4 §6.2.2).
    #[inline]
    pub fn compress(self, state: &mut State, blocks: &[[u8; BLOCK]]) {
        self.0.compress(state, blocks);
    }

    /// Compresses one block into each of two states that have nothing to do with each other, in little more than the time of
    /// one: a single stream waits for its own rounds half of the time.
    #[inline]
    pub fn compress2(self, states: &mut [State; 2], blocks: [&[u8; BLOCK]; 2]) {
        self.0.compress2(states, blocks);
    }

    /// HMAC-SHA256 (RFC 2104) of a message under a key of 32 bytes that is held as words; the two key blocks are compressed
    /// together.
    #[inline]
    pub fn hmac(self, key: &State, message: &[u8]) -> State {
        self.0.hmac(key, message)
    }

    /// Finishes HMAC-SHA256 from the states after its two key blocks.
    #[inline]
    pub fn hmac_from(self, inner: &State, outer: &State, message: &[u8]) -> State {
        self.0.hmac_from(inner, outer, message)
    }
}

//! Sixteen streams of SHA-256 at once.

use crate::{State, arch};

/// How many streams go side by side.
pub const LANES: usize = 16;

/// HMAC-SHA256 over sixteen keys and messages, one in each lane of a vector: AVX-512 (F and BW).
///
/// Sixteen take about as long as eight of [`crate::Sha256`]: it pays from there on. Each lane has a message of its own length;
/// the time is that of the longest.
#[derive(Debug, Clone, Copy)]
pub struct Lanes(arch::Lanes);

impl Lanes {
    /// Returns the engine where the processor has the instructions. The answer is kept: asking again costs one load.
    #[inline]
    pub fn detect() -> Option<Self> {
        arch::Lanes::detect().map(Self)
    }

    /// Returns SHA-256 of each message.
    ///
    /// ```
    /// use l402_accel::{LANES, Lanes};
    ///
    /// if let Some(engine) = Lanes::detect() {
    ///     let mut messages = [&b""[..]; LANES];
    ///     messages[3] = b"abc";
    ///     let digests = engine.digest(&messages);
    ///     assert_eq!(digests.lane(0)[0], 0xe3b0c442);
    ///     assert_eq!(digests.lane(3)[0], 0xba7816bf);
    /// }
    /// ```
    #[inline]
    pub fn digest(self, messages: &[&[u8]; LANES]) -> States {
        self.0.digest(messages)
    }

    /// Replaces the key of each lane that has a message, 32 bytes as words, by the HMAC of that message under it.
    #[inline]
    pub fn extend(self, keys: &mut States, messages: &[Option<&[u8]>; LANES]) {
        self.0.extend(keys, messages);
    }

    /// Finishes HMAC of each message from the states after the two key blocks.
    #[inline]
    pub fn hmac_from(self, inner: &States, outer: &States, messages: &[&[u8]; LANES]) -> States {
        self.0.hmac_from(inner, outer, messages)
    }

    /// As [`Lanes::hmac_from`], for messages of 32 bytes that are held as words.
    #[inline]
    pub fn hmac_words_from(self, inner: &States, outer: &States, messages: &States) -> States {
        self.0.hmac_words_from(inner, outer, messages)
    }
}

/// Sixteen states, or values of 32 bytes as words: the first word of each, then the second of each, and so on.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub struct States(pub(crate) [[u32; LANES]; 8]);

impl States {
    /// The same state in every lane.
    pub fn splat(state: &State) -> Self {
        Self(state.map(|word| [word; LANES]))
    }

    /// Returns the state in a lane; a lane that does not exist holds zeroes.
    #[inline]
    pub fn lane(&self, lane: usize) -> State {
        self.0.map(|words| words.get(lane).copied().unwrap_or(0))
    }

    /// Puts a state into a lane.
    #[inline]
    pub fn set(&mut self, lane: usize, state: &State) {
        for (words, word) in self.0.iter_mut().zip(state) {
            if let Some(slot) = words.get_mut(lane) {
                *slot = *word;
            }
        }
    }
}

impl core::fmt::Debug for States {
    /// Shows nothing: a state may be a key.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("States(redacted)")
    }
}

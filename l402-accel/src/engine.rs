//! The engine of SHA-256: the door from code that may run anywhere to [`hmac`](mod@hmac), which may not.
#![expect(unsafe_code, reason = "this crate exists to hold it; each block says why it is sound")]

use crate::arch::sha;
use crate::{State, hmac};

/// The proof that the processor has what [`hmac`] is compiled for: only [`Engine::detect`] makes one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Engine(());

#[expect(clippy::unused_self, reason = "it is the proof")]
impl Engine {
    #[inline]
    pub(crate) fn detect() -> Option<Self> {
        sha::is_there().then_some(Self(()))
    }

    #[inline]
    pub(crate) fn hmac(self, key: &State, message: &[u8]) -> State {
        // SAFETY: `self` exists, so the processor has the features.
        unsafe { hmac::hmac(key, message) }
    }

    #[inline]
    pub(crate) fn hmac_and_digest32(self, key: &State, message: &[u8], other: &[u8; 32]) -> (State, State) {
        // SAFETY: `self` exists, so the processor has the features.
        unsafe { hmac::hmac_and_digest32(key, message, other) }
    }

    #[inline]
    pub(crate) fn hmac_from(self, midstates: [&State; 2], message: &[u8]) -> State {
        // SAFETY: `self` exists, so the processor has the features.
        unsafe { hmac::hmac_from(midstates, message) }
    }

    #[inline]
    pub(crate) fn hmac_words_from(self, midstates: [&State; 2], message: &State) -> State {
        // SAFETY: `self` exists, so the processor has the features.
        unsafe { hmac::hmac_words_from(midstates, message) }
    }
}

//! The signature chain and the one comparison: the hot path of every request.
//!
//! `s0 = HMAC(k, identifier)`, `s(i) = HMAC(s(i-1), caveat)`, where `k` is what [`RootKey`] holds. A third-party caveat
//! binds two values: `HMAC(s, HMAC(s, verification id) ‖ HMAC(s, id))`.

use crate::caveat::RawCaveat;
use crate::secret::RootKey;
use crate::sha256::{State, hmac_words, hmac_words_and_digest32, same, to_bytes};
use crate::view::MacaroonRef;
use subtle::Choice;

/// Walks the chain to its end and compares there, in constant time.
#[inline]
pub(crate) fn signature_matches(token: &MacaroonRef<'_>, key: &RootKey) -> Choice {
    ends_in_signature(hmac_words(key.words(), token.identifier()), token)
}

/// As [`signature_matches`], and whether SHA-256 of 32 bytes is a digest.
#[inline]
pub(crate) fn signature_and_digest_match(
    token: &MacaroonRef<'_>,
    key: &RootKey,
    message: &[u8; 32],
    digest: &[u8; 32],
) -> Choice {
    let (state, hashed) = hmac_words_and_digest32(key.words(), token.identifier(), message);
    ends_in_signature(state, token) & same(&hashed, digest)
}

/// Walks from the state after the identifier to the end.
#[inline]
fn ends_in_signature(mut state: State, token: &MacaroonRef<'_>) -> Choice {
    for caveat in token.unverified_caveats() {
        state = bind(&state, &caveat);
    }
    same(&state, token.signature())
}

#[inline]
fn bind(state: &State, caveat: &RawCaveat<'_>) -> State {
    match caveat.verification_id {
        None => hmac_words(state, caveat.id),
        Some(verification_id) => bind_third_party(state, verification_id, caveat.id),
    }
}

#[cold]
fn bind_third_party(state: &State, verification_id: &[u8], id: &[u8]) -> State {
    let mut both = [0; 64];
    let halves = both.as_chunks_mut::<32>().0;
    for (half, part) in halves.iter_mut().zip([verification_id, id]) {
        *half = to_bytes(&hmac_words(state, part));
    }
    hmac_words(state, &both)
}

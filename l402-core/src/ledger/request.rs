//! What tells requests apart: the client's key, the fingerprint, and the key that the upstream gets.
//!
//! 1. Two requests with one fingerprint ask for the same. What is in it has its length before it, so that no two requests are
//!    spelled alike.
//! 2. The upstream gets a key of the gateway's own in place of the client's (draft-ietf-httpapi-idempotency-key-header), since
//!    clients choose theirs alike. A use that is released and goes to another request keeps its number, so the key is over the
//!    request too: an upstream never takes one request for a repetition of another.

use super::attempt::{Fingerprint, IdempotencyKey};
use crate::payment::PaymentHash;
use l402_macaroon::{MacKey, RootKey};
use sha2::{Digest, Sha256};

/// What a request brings beside its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// An `Idempotency-Key`, which stands for the body.
    Key(IdempotencyKey),
    /// A body with this SHA-256.
    Body([u8; 32]),
}

impl Content {
    /// No body.
    pub fn empty() -> Self {
        Self::Body(Sha256::digest([]).into())
    }
}

impl Fingerprint {
    /// Takes the fingerprint of a request by its method, its canonical path, its query and its content.
    ///
    /// ```
    /// use l402_core::ledger::{Content, Fingerprint};
    ///
    /// let one = Fingerprint::of("GET", "/v1/rain", Some("day=1"), &Content::empty());
    /// assert_eq!(one, Fingerprint::of("GET", "/v1/rain", Some("day=1"), &Content::empty()));
    /// assert_ne!(one, Fingerprint::of("GET", "/v1/rain", None, &Content::empty()));
    /// ```
    pub fn of(method: &str, path: &str, query: Option<&str>, content: &Content) -> Self {
        let mut hash = Sha256::new_with_prefix(FINGERPRINT_LABEL);
        let mut add = |text: &[u8]| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text);
        };
        add(method.as_bytes());
        add(path.as_bytes());
        match query {
            Some(query) => add(query.as_bytes()),
            None => add(&[0]), // no query is another than an empty one, and none has this byte
        }
        match content {
            Content::Key(key) => {
                add(b"key");
                add(key.as_bytes());
            }
            Content::Body(digest) => {
                add(b"body");
                add(digest);
            }
        }
        Self::from_bytes(hash.finalize().into())
    }
}

impl IdempotencyKey {
    /// The longest value that is taken, in bytes.
    pub const MAX_LEN: usize = 256;

    /// Takes the value of the header.
    pub fn of(value: &[u8]) -> Self {
        Self::from_bytes(Sha256::new_with_prefix(KEY_LABEL).chain_update(value).finalize().into())
    }
}

/// Makes the `Idempotency-Key` that the upstream gets with each request that may have an effect: an HMAC, under a key that only
/// the gateway can derive from the token's root key, over payment, number of the use, and the request's fingerprint.
///
/// ```
/// use l402_core::PaymentHash;
/// use l402_core::ledger::UpstreamKeys;
/// use l402_core::macaroon::RootKey;
///
/// let keys = UpstreamKeys::new(&RootKey::new(b"root key"), PaymentHash::from_bytes([1; 32]));
/// assert_eq!(keys.key(0, None), keys.key(0, None));
/// assert_ne!(keys.key(0, None), keys.key(1, None));
/// ```
#[derive(Debug, Clone)]
pub struct UpstreamKeys {
    key: MacKey,
    payment: PaymentHash,
}

impl UpstreamKeys {
    /// Derives the key of a payment's token.
    pub fn new(root: &RootKey, payment: PaymentHash) -> Self {
        Self { key: root.derive_key(UPSTREAM_LABEL), payment }
    }

    /// Makes the key for a use and the request that has it; a request that nothing tells apart has no fingerprint.
    pub fn key(&self, number: u32, request: Option<&Fingerprint>) -> [u8; 32] {
        let mut message = [0; 32 + 4 + 1 + 32];
        let parts = [&self.payment.as_bytes()[..], &number.to_be_bytes(), &[u8::from(request.is_some())]];
        let request = request.map_or(&[0; 32], Fingerprint::as_bytes);
        let bytes = parts.into_iter().flatten().chain(request);
        for (place, byte) in message.iter_mut().zip(bytes) {
            *place = *byte;
        }
        self.key.mac(&message)
    }
}

const FINGERPRINT_LABEL: &[u8] = b"l402 ledger fingerprint v1";
const KEY_LABEL: &[u8] = b"l402 ledger idempotency key v1";
const UPSTREAM_LABEL: &[u8] = b"l402 ledger upstream key v1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s2_each_part_tells_requests_apart() {
        let key = |value: &[u8]| Content::Key(IdempotencyKey::of(value));
        let bare = ("POST", "/a", None, Content::empty());
        let others = [
            ("PUT", "/a", None, Content::empty()),
            ("POST", "/b", None, Content::empty()),
            ("POST", "/a", Some(""), Content::empty()),
            ("POST", "/a", Some("b"), Content::empty()),
            ("POST", "/", Some("a"), Content::empty()),
            ("POST", "/a", None, Content::Body([1; 32])),
            ("POST", "/a", None, key(b"one")),
            ("POST", "/a", None, key(b"two")),
        ];
        let all = [bare]
            .into_iter()
            .chain(others)
            .map(|(method, path, query, content)| Fingerprint::of(method, path, query, &content));
        let all: std::vec::Vec<_> = all.collect();
        for (at, one) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|other| other == one), Some(at));
        }
    }

    #[test]
    fn s2_the_upstream_gets_another_key_for_each_payment_use_and_request() {
        let keys =
            |root: &[u8], payment| UpstreamKeys::new(&RootKey::new(root), PaymentHash::from_bytes([payment; 32]));
        let request = Fingerprint::of("POST", "/", None, &Content::empty());
        let zeroes = Fingerprint::from_bytes([0; 32]);
        let all = [
            keys(b"a", 1).key(0, None),
            keys(b"b", 1).key(0, None),
            keys(b"a", 2).key(0, None),
            keys(b"a", 1).key(1, None),
            keys(b"a", 1).key(0, Some(&request)),
            keys(b"a", 1).key(0, Some(&zeroes)),
        ];
        for (at, one) in all.iter().enumerate() {
            assert_eq!(all.iter().position(|other| other == one), Some(at));
        }
    }
}

//! Under which name an answer is kept, and under which key.
//!
//! 1. Both come from the token's root key, and so from the master key, and no file or store holds either.
//! 2. The key comes from the exact credential too, preimage included. Another token of the same payment opens nothing. Who has added
//!    a caveat to a token and handed that on can write the same credential, and so can read what it was answered.
//! 3. A name tells nothing of a request. That of a request with an `Idempotency-Key` is the same for all tokens of a payment, because
//!    the key of a kept use never takes another. Any other is of one credential.
//! 4. The seal is XChaCha20-Poly1305 with a random nonce. It holds only with the name and the end that it was made with.

use super::name::AnswerName;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use core::fmt;
use http::header::HeaderMap;
use l402_core::ledger::{Fingerprint, IdempotencyKey};
use l402_core::macaroon::{MacKey, RootKey};
use l402_core::{CredentialHeaders, UnixSeconds};
use zeroize::{Zeroize, Zeroizing};

/// What tells one credential from another. Only with the root key anything follows from it.
#[derive(Clone)]
pub(in crate::service) struct Presented([u8; 32]);

impl Presented {
    /// Takes the credential of a request as it came.
    pub(in crate::service) fn of(fields: &HeaderMap) -> Self {
        let mut state = MacKey::new(CREDENTIAL_LABEL).mac(&[]);
        let mut add = |part: &[u8]| state = MacKey::new(&state).mac(part);
        for (name, value) in fields {
            if CredentialHeaders::is_credential(name.as_str(), value.as_bytes()) {
                add(name.as_str().as_bytes());
                add(value.as_bytes());
            }
        }
        Self(state)
    }
}

impl Drop for Presented {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Presented(redacted)")
    }
}

/// The name and the key of one answer.
#[derive(Debug, Clone)]
pub(super) struct Lock {
    pub(super) name: AnswerName,
    key: SealKey,
}

#[derive(Clone)]
struct SealKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey(redacted)")
    }
}

impl Lock {
    /// Derives both for a request.
    pub(super) fn of(
        root: &RootKey,
        presented: &Presented,
        key: Option<&IdempotencyKey>,
        fingerprint: &Fingerprint,
    ) -> Self {
        let secret = Zeroizing::new(root.derive_key(KEY_LABEL).mac(&presented.0));
        let name = match key {
            Some(key) => root.derive_key(KEYED_LABEL).mac(key.as_bytes()),
            None => MacKey::new(&root.derive_key(UNKEYED_LABEL).mac(&presented.0)).mac(fingerprint.as_bytes()),
        };
        Self { name: AnswerName::from_bytes(name), key: SealKey(secret) }
    }

    /// Seals what is kept until then; [`None`] where the system has no random bytes.
    pub(super) fn seal(&self, plain: &[u8], until: UnixSeconds) -> Option<Vec<u8>> {
        let mut sealed = vec![0; NONCE];
        getrandom::fill(&mut sealed).ok()?;
        let nonce = XNonce::try_from(&sealed[..]).ok()?;
        let payload = Payload { msg: plain, aad: &self.bound(until) };
        sealed.extend(self.cipher().encrypt(&nonce, payload).ok()?);
        Some(sealed)
    }

    /// Opens it; [`None`] where it was sealed under another credential, or is damaged.
    pub(super) fn open(&self, sealed: &[u8], until: UnixSeconds) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: sealed, aad: &self.bound(until) };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.key.0))
    }

    fn bound(&self, until: UnixSeconds) -> Vec<u8> {
        [&self.name.as_bytes()[..], &until.get().to_be_bytes()].concat()
    }
}

const NONCE: usize = 24;
const CREDENTIAL_LABEL: &[u8] = b"l402 kept answer credential v1";
const KEY_LABEL: &[u8] = b"l402 kept answer key v1";
const KEYED_LABEL: &[u8] = b"l402 kept answer name of key v1";
const UNKEYED_LABEL: &[u8] = b"l402 kept answer name of request v1";

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};

    fn presented(credential: &'static str, accept: &'static str) -> Presented {
        let credential = HeaderValue::from_static(credential);
        Presented::of(&HeaderMap::from_iter([(AUTHORIZATION, credential), (ACCEPT, HeaderValue::from_static(accept))]))
    }

    fn lock(root: &[u8], presented: &Presented, key: Option<&[u8]>, request: u8) -> Lock {
        let key = key.map(IdempotencyKey::of);
        Lock::of(&RootKey::new(root), presented, key.as_ref(), &Fingerprint::from_bytes([request; 32]))
    }

    #[test]
    fn s4_only_the_credential_that_was_answered_opens_an_answer() {
        let one = presented("L402 AgEE:00", "a");
        let sealed = lock(b"root", &one, None, 1).seal(b"the answer", 5.into()).unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"answer"));
        let open = |lock: &Lock, until: u64| lock.open(&sealed, until.into());
        let again = lock(b"root", &presented("L402 AgEE:00", "b"), None, 1);
        assert_eq!(open(&again, 5).as_deref(), Some(&b"the answer"[..]));
        assert_eq!(open(&again, 6), None, "its end cannot be moved");
        for other in [
            lock(b"root", &presented("L402 AgEE:01", "a"), None, 1), // another preimage
            lock(b"root", &presented("LSAT AgEE:00", "a"), None, 1),
            lock(b"other", &one, None, 1),
            lock(b"root", &one, None, 2),
            lock(b"root", &one, Some(b"key"), 1),
        ] {
            assert_eq!(open(&other, 5), None);
        }
        for at in [0, NONCE, sealed.len() - 1] {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(again.open(&damaged, 5.into()), None);
        }
        assert_eq!(again.open(&sealed[..NONCE - 1], 5.into()), None);
    }

    #[test]
    fn s4_a_name_is_of_the_payment_and_its_key_or_of_one_credential_and_its_request() {
        let (one, two) = (presented("L402 AgEE:00", ""), presented("L402 AgEF:00", ""));
        let name = |root: &[u8], presented, key, request| lock(root, presented, key, request).name;
        assert_eq!(name(b"root", &one, Some(b"key"), 1), name(b"root", &two, Some(b"key"), 2));
        assert_ne!(name(b"root", &one, Some(b"key"), 1), name(b"other", &one, Some(b"key"), 1));
        assert_ne!(name(b"root", &one, Some(b"key"), 1), name(b"root", &one, Some(b"kez"), 1));
        assert_ne!(name(b"root", &one, None, 1), name(b"root", &two, None, 1));
        assert_ne!(name(b"root", &one, None, 1), name(b"root", &one, None, 2));
    }

    #[test]
    fn h2_nothing_of_a_credential_is_shown() {
        let presented = presented("L402 AgEE:00", "");
        let shown = format!("{presented:?} {:?}", lock(b"root", &presented, None, 1));
        assert!(!shown.contains("AgEE") && shown.matches("redacted").count() == 2, "{shown}");
    }
}

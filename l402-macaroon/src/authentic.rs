//! What a macaroon promises once its signature was checked: only then do its caveats mean anything.

use crate::caveat::RawCaveat;
use crate::chain;
use crate::secret::RootKey;
use crate::view::{Caveats, MacaroonRef};
use core::fmt;
use subtle::Choice;

impl<'a> MacaroonRef<'a> {
    /// Checks the signature chain with one constant-time comparison; no caveat means anything before.
    ///
    /// # Errors
    /// [`Forged`], whatever the reason was.
    ///
    /// ```
    /// use l402_macaroon::{RootKey, mint};
    ///
    /// let (key, mut out) = (RootKey::new(b"a key"), [0; 128]);
    /// let token = mint(&key, b"", b"token 1", &[b"tier = 1"], &mut out)?;
    /// assert!(token.verify(&key)?.caveats().all(|caveat| caveat.id == b"tier = 1"));
    /// assert!(token.verify(&RootKey::new(b"another key")).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn verify(self, key: &RootKey) -> Result<Authentic<'a>, Forged> {
        self.verify_and(key, Choice::from(1))
    }

    /// Checks the signature chain and, in the same single branch, a verdict that the caller reached in constant time.
    ///
    /// # Errors
    /// [`Forged`] when either fails; which of them it was takes the same time and cannot be told.
    ///
    /// ```
    /// use l402_macaroon::{RootKey, mint, sha256};
    ///
    /// let (key, mut out) = (RootKey::new(b"a key"), [0; 128]);
    /// let token = mint(&key, b"", b"token 1", &[], &mut out)?;
    /// let digest = sha256::digest32(&[1; 32]);
    /// assert!(token.verify_and(&key, sha256::digest32_matches(&[1; 32], &digest)).is_ok());
    /// assert!(token.verify_and(&key, sha256::digest32_matches(&[2; 32], &digest)).is_err());
    /// # Ok::<(), l402_macaroon::MintError>(())
    /// ```
    #[inline]
    pub fn verify_and(self, key: &RootKey, also: Choice) -> Result<Authentic<'a>, Forged> {
        self.decided(chain::signature_matches(&self, key) & also)
    }

    /// Checks the signature chain and, in the same single branch, that SHA-256 of `message` is `digest`.
    ///
    /// # Errors
    /// As [`MacaroonRef::verify_and`].
    ///
    /// ```
    /// use l402_macaroon::{RootKey, mint, sha256};
    ///
    /// let (key, mut out) = (RootKey::new(b"a key"), [0; 128]);
    /// let token = mint(&key, b"", b"token 1", &[], &mut out)?;
    /// let digest = sha256::digest32(&[1; 32]);
    /// assert!(token.verify_with_digest(&key, &[1; 32], &digest).is_ok());
    /// assert!(token.verify_with_digest(&key, &[2; 32], &digest).is_err());
    /// # Ok::<(), l402_macaroon::MintError>(())
    /// ```
    #[inline]
    pub fn verify_with_digest(
        self,
        key: &RootKey,
        message: &[u8; 32],
        digest: &[u8; 32],
    ) -> Result<Authentic<'a>, Forged> {
        self.decided(chain::signature_and_digest_match(&self, key, message, digest))
    }

    /// The one branch on a verdict.
    #[inline]
    fn decided(self, verdict: Choice) -> Result<Authentic<'a>, Forged> {
        if bool::from(verdict) { Ok(Authentic(self)) } else { Err(Forged) }
    }
}

/// A macaroon whose signature was checked; made only by [`MacaroonRef::verify`] and its two variants.
///
/// The signature says who wrote the caveats, and nothing of whether they hold. Decide each of [`Authentic::caveats`], and
/// refuse the token where one fails or is not known.
///
/// # Third-party caveats
/// A third-party caveat holds only where another service has discharged it. This crate verifies no discharge, so every caveat
/// of [`Authentic::third_party_caveats`] is open: a verifier without a discharge protocol of its own refuses the token. A
/// caller that looks at [`RawCaveat::id`] alone would take such a caveat for one of its own conditions.
#[derive(Debug, Clone, Copy)]
#[must_use = "the caveats of an authentic macaroon must hold, too"]
pub struct Authentic<'a>(MacaroonRef<'a>);

impl<'a> Authentic<'a> {
    /// Returns the caveats, in the order in which they were added; third-party caveats are among them.
    #[inline]
    pub fn caveats(&self) -> Caveats<'a> {
        self.0.unverified_caveats()
    }

    /// Returns the caveats that need a discharge by a third party, none of which is verified here.
    ///
    /// ```
    /// use l402_macaroon::{RootKey, mint};
    ///
    /// let (key, mut out) = (RootKey::new(b"a key"), [0; 128]);
    /// let authentic = mint(&key, b"", b"token 1", &[b"tier = 1"], &mut out)?.verify(&key)?;
    /// assert_eq!(authentic.third_party_caveats().count(), 0); // else: refuse
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn third_party_caveats(&self) -> impl Iterator<Item = RawCaveat<'a>> + use<'a> {
        self.caveats().filter(|caveat| caveat.verification_id.is_some())
    }

    /// Returns the macaroon that was checked.
    pub fn macaroon(&self) -> MacaroonRef<'a> {
        self.0
    }
}

/// The token was not made with this key, or was changed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Forged;

impl fmt::Display for Forged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signature does not match")
    }
}

impl core::error::Error for Forged {}

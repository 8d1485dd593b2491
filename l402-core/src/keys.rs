//! Where root keys come from.
//!
//! 1. Stateless by default: `root_key = HMAC-SHA256(HMAC-SHA256(master, label), identifier)`. Nothing is stored, and every
//!    replica that has the master key verifies.
//! 2. A master key has an epoch, a number that the first four bytes of a token id name, big-endian. The newest epoch mints;
//!    retired ones verify until the longest validity has passed.
//! 3. Every use of a master key has a label of its own ([`MasterKey::derive`]), so that no two secrets are related.
//!
//! A service that stores a key per token, as the specification describes, implements [`RootKeySource`] over its store.

use crate::identifier::{Identifier, TokenId};
use core::fmt;
use heapless::Vec;
use l402_macaroon::{MacKey, RootKey};
use zeroize::Zeroize;

/// Finds the root key of a token. Closures implement it.
///
/// Whoever minted with these keys must have written `services` and capabilities caveats into every token, as
/// [`DerivedKeys::mint`] does: where one is missing, the token's holder can add it, and so choose what it says.
///
/// ```
/// use l402_core::macaroon::RootKey;
/// use l402_core::{Identifier, PaymentHash, RootKeySource, TokenId};
/// use std::collections::HashMap;
///
/// // A key per token, as the specification describes it.
/// let identifier = Identifier::new(PaymentHash::from_bytes([1; 32]), TokenId::from_bytes([2; 32]));
/// let stored = HashMap::from([(identifier, [3; 32])]);
/// let keys = |identifier: &Identifier| stored.get(identifier).map(|key| RootKey::new(key));
/// assert!(keys.root_key(&identifier).is_some());
/// ```
pub trait RootKeySource {
    /// Returns the key that the token with this identifier was minted with; [`None`] where there is none, or no more.
    fn root_key(&self, identifier: &Identifier) -> Option<RootKey>;

    /// Returns the key for a token that is about to be minted; [`None`] where there can be none at the moment.
    ///
    /// A store that keeps one key per token makes the key here and keeps it before it returns. A source that derives its keys
    /// needs nothing but [`RootKeySource::root_key`].
    fn minting_key(&self, identifier: &Identifier) -> Option<RootKey> {
        self.root_key(identifier)
    }

    /// Returns the id of a new token from 28 bytes of a cryptographic random source. A source whose keys have epochs puts the
    /// one that mints in front of them; others leave it at epoch 0.
    ///
    /// What wraps another source forwards all three methods. A closure around [`DerivedKeys`] would mint at epoch 0, perhaps with
    /// a key that is retired.
    fn token_id(&self, random: [u8; 28]) -> TokenId {
        TokenId::new(0, random)
    }
}

impl<F: Fn(&Identifier) -> Option<RootKey>> RootKeySource for F {
    fn root_key(&self, identifier: &Identifier) -> Option<RootKey> {
        self(identifier)
    }
}

/// 32 random bytes: the only durable secret of a gateway. Wiped when dropped, redacted in `Debug`.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// Takes the 32 bytes, which must come from a cryptographic random source.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the secret bytes, to be written to a key file.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Derives the key of one purpose: `HMAC-SHA256(master, label)`. Nobody who has it learns the master key or another's.
    ///
    /// ```
    /// # use l402_core::MasterKey;
    /// let master = MasterKey::from_bytes([7; 32]);
    /// assert_ne!(master.derive("cookies v1").mac(b"x"), master.derive("receipts v1").mac(b"x"));
    /// ```
    pub fn derive(&self, label: &str) -> MacKey {
        let mut derived = MacKey::new(&self.0).mac(label.as_bytes());
        let key = MacKey::new(&derived);
        derived.zeroize();
        key
    }
}

impl Drop for MasterKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(redacted)")
    }
}

/// Root keys derived from a master key, with up to [`DerivedKeys::MAX_RETIRED`] retired ones.
///
/// ```
/// use l402_core::{DerivedKeys, Identifier, MasterKey, PaymentHash, RootKeySource};
///
/// let keys = DerivedKeys::new(2, &MasterKey::from_bytes([2; 32])).with_retired(1, &MasterKey::from_bytes([1; 32]))?;
/// let token_id = keys.token_id([0; 28]);
/// assert_eq!(token_id.epoch(), 2);
/// assert!(keys.root_key(&Identifier::new(PaymentHash::from_bytes([0; 32]), token_id)).is_some());
/// # Ok::<(), l402_core::EpochError>(())
/// ```
#[derive(Debug, Clone)]
pub struct DerivedKeys {
    epoch: u32,
    key: MacKey,
    retired: Vec<(u32, MacKey), { Self::MAX_RETIRED }>,
}

impl DerivedKeys {
    /// The label of root keys, with the version of the derivation, for [`MasterKey::derive`]: a verifier that has room for
    /// one key only finds root keys with [`RootKey::derive`] under it.
    pub const LABEL: &'static str = "l402 root key v1";

    /// The most retired epochs.
    pub const MAX_RETIRED: usize = 7;

    /// Takes the master key that mints, and its epoch, a number that no other master key of the service ever had.
    pub fn new(epoch: u32, master: &MasterKey) -> Self {
        Self { epoch, key: master.derive(Self::LABEL), retired: Vec::new() }
    }

    /// Adds the master key of another epoch, which verifies and never mints.
    ///
    /// # Errors
    /// [`EpochError`] when the epoch is known already, or there are too many.
    ///
    /// ```
    /// use l402_core::{DerivedKeys, EpochError, MasterKey};
    ///
    /// let keys = DerivedKeys::new(2, &MasterKey::from_bytes([2; 32])).with_retired(1, &MasterKey::from_bytes([1; 32]))?;
    /// assert_eq!(keys.with_retired(1, &MasterKey::from_bytes([3; 32])).unwrap_err(), EpochError::Taken(1));
    /// # Ok::<(), EpochError>(())
    /// ```
    pub fn with_retired(mut self, epoch: u32, master: &MasterKey) -> Result<Self, EpochError> {
        if self.key_of(epoch).is_some() {
            return Err(EpochError::Taken(epoch));
        }
        self.retired.push((epoch, master.derive(Self::LABEL))).map_err(|_| EpochError::TooMany)?;
        Ok(self)
    }

    /// Returns the id of a new token: the minting epoch and 28 bytes from a cryptographic random source.
    pub fn token_id(&self, random: [u8; 28]) -> TokenId {
        RootKeySource::token_id(self, random)
    }

    /// Returns an epoch for which both have a key, and not the same: tokens of the one are forged for the other.
    ///
    /// ```
    /// use l402_core::{DerivedKeys, MasterKey};
    ///
    /// let (old, new) = (MasterKey::from_bytes([1; 32]), MasterKey::from_bytes([2; 32]));
    /// let keys = DerivedKeys::new(0, &old);
    /// assert_eq!(keys.conflict(&DerivedKeys::new(1, &new).with_retired(0, &old)?), None);
    /// assert_eq!(keys.conflict(&DerivedKeys::new(0, &new)), Some(0));
    /// # Ok::<(), l402_core::EpochError>(())
    /// ```
    pub fn conflict(&self, other: &Self) -> Option<u32> {
        let mut epochs = [self.epoch].into_iter().chain(self.retired.iter().map(|(epoch, _)| *epoch));
        let sign = |key: &MacKey| key.mac(b"the same key");
        let differs = |epoch: &u32| {
            let [one, other] = [self, other].map(|keys| keys.key_of(*epoch).map(sign));
            other.is_some() && one != other
        };
        epochs.find(differs)
    }

    fn key_of(&self, epoch: u32) -> Option<&MacKey> {
        if epoch == self.epoch {
            return Some(&self.key);
        }
        self.retired.iter().find(|(retired, _)| *retired == epoch).map(|(_, key)| key)
    }
}

impl RootKeySource for DerivedKeys {
    #[inline]
    fn root_key(&self, identifier: &Identifier) -> Option<RootKey> {
        let key = self.key_of(identifier.token_id().epoch())?;
        Some(RootKey::derive(key, &identifier.to_bytes()))
    }

    fn token_id(&self, random: [u8; 28]) -> TokenId {
        TokenId::new(self.epoch, random)
    }
}

/// Why a retired key cannot be added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EpochError {
    /// This epoch has a key already.
    Taken(u32),
    /// There are [`DerivedKeys::MAX_RETIRED`] retired keys already.
    TooMany,
}

impl fmt::Display for EpochError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(epoch) => write!(f, "epoch {epoch} has a key already"),
            Self::TooMany => write!(f, "more than {} retired keys", DerivedKeys::MAX_RETIRED),
        }
    }
}

impl core::error::Error for EpochError {}

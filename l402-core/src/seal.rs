//! MACs between gateways that share a key file.
//!
//! 1. Each purpose has a key of its own, derived from the master key with a label.
//! 2. A seal names the epoch of its key. The newest epoch seals, retired ones verify.
//! 3. A MAC is compared in constant time.

use crate::keys::{DerivedKeys, EpochError, MasterKey};
use core::fmt;
use heapless::Vec;
use l402_macaroon::MacKey;
use l402_macaroon::subtle::ConstantTimeEq;

/// Seals what one gateway tells another, and verifies what it is told.
///
/// ```
/// use l402_core::{MasterKey, SealKeys, Sealer};
///
/// let (one, two) = (MasterKey::from_bytes([1; 32]), MasterKey::from_bytes([2; 32]));
/// let old = SealKeys::new("receipts v1", 0, &one);
/// let new = SealKeys::new("receipts v1", 1, &two).with_retired(0, &one)?;
/// let seal = old.seal(b"paid");
/// assert!(new.verify(b"paid", &seal).is_ok());
/// assert!(new.verify(b"paid twice", &seal).is_err());
/// # Ok::<(), l402_core::EpochError>(())
/// ```
#[derive(Debug, Clone)]
pub struct SealKeys {
    label: &'static str,
    epoch: u32,
    key: MacKey,
    retired: Vec<(u32, MacKey), { DerivedKeys::MAX_RETIRED }>,
}

impl SealKeys {
    /// Derives the key of a purpose from the master key that mints.
    pub fn new(label: &'static str, epoch: u32, master: &MasterKey) -> Self {
        Self { label, epoch, key: master.derive(label), retired: Vec::new() }
    }

    /// Adds the master key of another epoch, which verifies and never seals.
    ///
    /// # Errors
    /// [`EpochError`] when the epoch is known already, or there are too many.
    pub fn with_retired(mut self, epoch: u32, master: &MasterKey) -> Result<Self, EpochError> {
        if self.key_of(epoch).is_some() {
            return Err(EpochError::Taken(epoch));
        }
        self.retired.push((epoch, master.derive(self.label))).map_err(|_| EpochError::TooMany)?;
        Ok(self)
    }

    /// Tells whether there is a key of an epoch.
    pub fn knows(&self, epoch: u32) -> bool {
        self.key_of(epoch).is_some()
    }

    fn key_of(&self, epoch: u32) -> Option<&MacKey> {
        if epoch == self.epoch {
            return Some(&self.key);
        }
        self.retired.iter().find(|(retired, _)| *retired == epoch).map(|(_, key)| key)
    }
}

/// Seals and verifies. [`SealKeys`] is one; a program whose keys change while it runs has its own.
pub trait Sealer {
    /// Seals a text with the newest key.
    fn seal(&self, text: &[u8]) -> Seal;

    /// Verifies that whoever has the keys has sealed this text.
    ///
    /// # Errors
    /// [`SealError`]; the text must not be believed then.
    fn verify(&self, text: &[u8], seal: &Seal) -> Result<(), SealError>;
}

impl Sealer for SealKeys {
    fn seal(&self, text: &[u8]) -> Seal {
        Seal { epoch: self.epoch, mac: self.key.mac(text) }
    }

    fn verify(&self, text: &[u8], seal: &Seal) -> Result<(), SealError> {
        let key = self.key_of(seal.epoch).ok_or(SealError::UnknownEpoch(seal.epoch))?;
        if bool::from(key.mac(text).ct_eq(&seal.mac)) { Ok(()) } else { Err(SealError::Mismatch) }
    }
}

/// An epoch, and a MAC under its key.
#[derive(Debug, Clone, Copy)]
pub struct Seal {
    epoch: u32,
    mac: [u8; 32],
}

impl Seal {
    /// Bytes in a seal.
    pub const LEN: usize = 36;

    /// Reads the epoch, big-endian, and the MAC.
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let [a, b, c, d, mac @ ..] = *bytes;
        Self { epoch: u32::from_be_bytes([a, b, c, d]), mac }
    }

    /// Writes the epoch, big-endian, and the MAC.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        if let Some((epoch, mac)) = bytes.split_first_chunk_mut() {
            *epoch = self.epoch.to_be_bytes();
            mac.copy_from_slice(&self.mac);
        }
        bytes
    }

    /// Returns the epoch of its key.
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }
}

/// Why a text must not be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealError {
    /// There is no key of this epoch.
    UnknownEpoch(u32),
    /// The MAC is another: the text or the key is not the one that was sealed with.
    Mismatch,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownEpoch(epoch) => write!(f, "the key file has no key of epoch {epoch}"),
            Self::Mismatch => f.write_str("the MAC does not match"),
        }
    }
}

impl core::error::Error for SealError {}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: MasterKey = MasterKey::from_bytes([1; 32]);
    const TWO: MasterKey = MasterKey::from_bytes([2; 32]);

    #[test]
    fn s4_every_purpose_has_a_key_of_its_own() {
        let seal = SealKeys::new("one v1", 0, &ONE).seal(b"text");
        assert_eq!(SealKeys::new("other v1", 0, &ONE).verify(b"text", &seal), Err(SealError::Mismatch));
        assert_ne!(seal.mac, SealKeys::new(DerivedKeys::LABEL, 0, &ONE).seal(b"text").mac);
    }

    #[test]
    fn what_is_not_sealed_by_us_is_not_believed() {
        let keys = SealKeys::new("one v1", 1, &TWO).with_retired(0, &ONE).expect("one");
        let seal = keys.seal(b"text");
        assert_eq!((seal.epoch(), keys.verify(b"text", &seal)), (1, Ok(())));
        assert_eq!(keys.verify(b"Text", &seal), Err(SealError::Mismatch));
        for at in 0..Seal::LEN {
            let mut bytes = seal.to_bytes();
            bytes[at] ^= 1;
            assert!(keys.verify(b"text", &Seal::from_bytes(&bytes)).is_err(), "byte {at}");
        }
        let unknown = SealKeys::new("one v1", 2, &TWO).seal(b"text");
        assert_eq!(keys.verify(b"text", &unknown), Err(SealError::UnknownEpoch(2)));
    }
}

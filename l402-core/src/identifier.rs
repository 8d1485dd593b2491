//! What an L402 token's identifier says: version 0, a payment hash and a token id (L402 §Identifier).
//!
//! `u16 version, big-endian ‖ payment hash (32) ‖ token id (32)`: 66 bytes, no more and no less.

use crate::payment::PaymentHash;
use core::fmt;

/// An identifier of version 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Identifier {
    payment_hash: PaymentHash,
    token_id: TokenId,
}

impl Identifier {
    /// Bytes of an encoded identifier.
    pub const LEN: usize = 66;

    /// Joins the hash of the payment that buys a token and the token's id.
    pub const fn new(payment_hash: PaymentHash, token_id: TokenId) -> Self {
        Self { payment_hash, token_id }
    }

    /// Reads the 66 bytes (L402 §Identifier).
    ///
    /// # Errors
    /// [`IdentifierError::Version`] for a known length with another version, [`IdentifierError::Length`] for another length.
    ///
    /// ```
    /// # use l402_core::{Identifier, IdentifierError};
    /// let identifier = Identifier::parse(&[0; 66])?;
    /// assert_eq!(identifier.to_bytes(), [0; 66]);
    /// assert_eq!(Identifier::parse(&[1; 66]), Err(IdentifierError::Version(0x0101)));
    /// # Ok::<(), IdentifierError>(())
    /// ```
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<Self, IdentifierError> {
        IdentifierRef::parse(bytes).map(IdentifierRef::to_identifier)
    }

    /// Returns the 66 bytes.
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        if let Some((hash, token_id)) = bytes.get_mut(2..).and_then(|rest| rest.split_first_chunk_mut::<32>()) {
            *hash = *self.payment_hash.as_bytes();
            token_id.copy_from_slice(&self.token_id.0);
        }
        bytes
    }

    /// Returns the hash of the payment that bought the token.
    pub const fn payment_hash(&self) -> PaymentHash {
        self.payment_hash
    }

    /// Returns the 32 bytes that tell this token from others.
    pub const fn token_id(&self) -> TokenId {
        self.token_id
    }
}

/// An identifier of version 0 in the token that it stands in: it costs nothing to hand on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdentifierRef<'a> {
    payment_hash: &'a [u8; 32],
    token_id: &'a [u8; 32],
}

impl<'a> IdentifierRef<'a> {
    #[inline]
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, IdentifierError> {
        let length = IdentifierError::Length(bytes.len());
        let (version, rest) = bytes.split_first_chunk::<2>().ok_or(length)?;
        let (payment_hash, rest) = rest.split_first_chunk::<32>().ok_or(length)?;
        let token_id = rest.try_into().map_err(|_| length)?;
        match u16::from_be_bytes(*version) {
            0 => Ok(Self { payment_hash, token_id }),
            other => Err(IdentifierError::Version(other)),
        }
    }

    #[inline]
    pub(crate) const fn to_identifier(self) -> Identifier {
        Identifier::new(self.payment_hash(), TokenId::from_bytes(*self.token_id))
    }

    #[inline]
    pub(crate) const fn payment_hash(self) -> PaymentHash {
        PaymentHash::from_bytes(*self.payment_hash)
    }
}

/// 32 bytes that tell tokens apart.
///
/// Tokens minted here name in the first four bytes, big-endian, the epoch of the key they were minted with
/// (see [`crate::DerivedKeys`]); the other 28 are random.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[repr(align(8))] // moved in words
pub struct TokenId([u8; 32]);

impl TokenId {
    /// Wraps the 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Joins an epoch and 28 random bytes.
    ///
    /// ```
    /// # use l402_core::TokenId;
    /// let id = TokenId::new(7, [0xff; 28]);
    /// assert_eq!((id.epoch(), &id.as_bytes()[..5]), (7, &[0, 0, 0, 7, 0xff][..]));
    /// ```
    pub fn new(epoch: u32, random: [u8; 28]) -> Self {
        let mut bytes = [0; 32];
        if let Some((head, tail)) = bytes.split_first_chunk_mut::<4>() {
            *head = epoch.to_be_bytes();
            tail.copy_from_slice(&random);
        }
        Self(bytes)
    }

    /// Returns the 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the epoch that the first four bytes name.
    pub const fn epoch(&self) -> u32 {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d])
    }
}

impl fmt::Display for TokenId {
    /// Writes 64 hexadecimal digits, lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        PaymentHash::from_bytes(self.0).fmt(f)
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({self})")
    }
}

/// Why bytes are not an identifier of version 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentifierError {
    /// Not 66 bytes; this many.
    Length(usize),
    /// Another version.
    Version(u16),
}

impl fmt::Display for IdentifierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length(length) => write!(f, "the token identifier has {length} bytes instead of 66"),
            Self::Version(version) => write!(f, "token identifier version {version} is not supported"),
        }
    }
}

impl core::error::Error for IdentifierError {}

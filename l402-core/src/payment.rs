//! The two halves of a Lightning payment: the hash that everybody sees and the preimage that proves it was paid.
//!
//! 1. `payment_hash = SHA-256(preimage)`, both of 32 bytes (BOLT 11, L402 §Preimage).
//! 2. The hash is public. The preimage is a secret: wiped when dropped, redacted in `Debug`, compared in constant time.

use core::fmt;
use core::str::FromStr;
use l402_macaroon::subtle::{Choice, ConstantTimeEq};
use l402_macaroon::{hex, sha256};
use zeroize::Zeroize;

/// The SHA-256 of a preimage: 32 bytes, public.
///
/// ```
/// use l402_core::PaymentHash;
///
/// let hash: PaymentHash = "0101010101010101010101010101010101010101010101010101010101010101".parse()?;
/// assert_eq!(hash, PaymentHash::from_bytes([1; 32]));
/// # Ok::<(), l402_core::PaymentHashError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(align(8))] // moved in words
pub struct PaymentHash([u8; 32]);

impl PaymentHash {
    /// Wraps the 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Returns the 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PaymentHash {
    /// Writes 64 hexadecimal digits, lower case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 64];
        f.write_str(hex::encode_into(&self.0, &mut text).unwrap_or_default())
    }
}

impl fmt::Debug for PaymentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PaymentHash({self})")
    }
}

impl FromStr for PaymentHash {
    type Err = PaymentHashError;

    /// Reads 64 hexadecimal digits of either case.
    fn from_str(text: &str) -> Result<Self, PaymentHashError> {
        let mut hash = Self([0; 32]);
        if text.len() == 64 && hex::decode_into(text.as_bytes(), &mut hash.0).is_ok() {
            Ok(hash)
        } else {
            Err(PaymentHashError)
        }
    }
}

/// A text is not a payment hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentHashError;

impl fmt::Display for PaymentHashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the payment hash is not 64 hexadecimal digits")
    }
}

impl core::error::Error for PaymentHashError {}

/// The secret that proves a payment: 32 bytes.
///
/// ```
/// # use l402_core::Preimage;
/// let preimage = Preimage::from_hex(&[b'1'; 64])?;
/// assert!(preimage.hash().to_string().starts_with("02d449a3"));
/// assert_eq!(format!("{preimage:?}"), "Preimage(redacted)");
/// # Ok::<(), l402_core::PreimageError>(())
/// ```
#[derive(Clone)]
#[repr(align(8))] // moved in words
pub struct Preimage([u8; 32]);

impl Preimage {
    /// Wraps the 32 bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hexadecimal digits of either case, in constant time.
    ///
    /// # Errors
    /// [`PreimageError`], which does not tell the wrong character.
    ///
    /// ```
    /// # use l402_core::{Preimage, PreimageError};
    /// assert_eq!(Preimage::from_hex(&[b'a'; 64])?.expose(), &[0xaa; 32]);
    /// assert!(Preimage::from_hex(&[b'g'; 64]).is_err() && Preimage::from_hex(&[b'a'; 62]).is_err());
    /// # Ok::<(), PreimageError>(())
    /// ```
    #[inline]
    pub fn from_hex(text: &[u8]) -> Result<Self, PreimageError> {
        let mut preimage = Self([0; 32]);
        if text.len() == 64 && hex::decode_into(text, &mut preimage.0).is_ok() {
            Ok(preimage)
        } else {
            Err(PreimageError)
        }
    }

    /// Returns the secret bytes.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Returns the secret as 64 hexadecimal digits, lower case, in a text that is wiped when dropped.
    pub fn to_hex(&self) -> PreimageHex {
        let mut text = [0; 64];
        hex::encode_into(&self.0, &mut text);
        PreimageHex(text)
    }

    /// Returns the payment hash that this preimage proves: its SHA-256.
    pub fn hash(&self) -> PaymentHash {
        PaymentHash(sha256::digest32(&self.0))
    }

    /// Tells whether this preimage proves a payment: whether its SHA-256 is `hash`, in constant time (L402 §Preimage).
    ///
    /// ```
    /// # use l402_core::Preimage;
    /// let preimage = Preimage::from_bytes([1; 32]);
    /// assert!(preimage.matches(&preimage.hash()));
    /// assert!(!Preimage::from_bytes([2; 32]).matches(&preimage.hash()));
    /// ```
    pub fn matches(&self, hash: &PaymentHash) -> bool {
        self.matches_ct(hash).into()
    }

    /// As [`Preimage::matches`], for a verdict that is joined with others before it is looked at.
    #[inline]
    pub fn matches_ct(&self, hash: &PaymentHash) -> Choice {
        sha256::digest32_matches(&self.0, &hash.0)
    }

    /// Tells whether two preimages are the same, in constant time.
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Drop for Preimage {
    /// Not inlined: its stores of single bytes would take a preimage apart wherever one is made.
    #[inline(never)]
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Preimage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Preimage(redacted)")
    }
}

/// A text is not a preimage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreimageError;

impl fmt::Display for PreimageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the preimage is not 64 hexadecimal digits")
    }
}

impl core::error::Error for PreimageError {}

/// A preimage as text; wiped when dropped, redacted in `Debug`.
pub struct PreimageHex([u8; 64]);

impl PreimageHex {
    /// Returns the secret text: 64 hexadecimal digits, lower case.
    pub fn expose(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default() // hexadecimal digits are UTF-8
    }
}

impl Drop for PreimageHex {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for PreimageHex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PreimageHex(redacted)")
    }
}

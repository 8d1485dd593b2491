//! Making tokens: a new one under a root key, or a narrower one from a token at hand.

use crate::secret::RootKey;
use crate::sha256::{State, from_bytes, hmac_words, to_bytes};
use crate::view::MacaroonRef;
use crate::wire::{END, IDENTIFIER, LOCATION, ParseError, SIGNATURE, VERIFICATION_ID, VERSION, Writer};
use core::fmt;

/// Mints a macaroon with first-party caveats into the front of `out`, in format V2.
///
/// An empty `location` is left out of the encoding. A token takes 37 bytes, and for each of its parts the length and two to
/// four more.
///
/// # Errors
/// [`MintError::BufferTooSmall`] with the length that is needed, or [`MintError::Limit`] when the token would be longer than
/// [`crate::MAX_LEN`] or have more than [`crate::MAX_CAVEATS`] caveats.
///
/// ```
/// use l402_macaroon::{MintError, RootKey, mint};
///
/// let (key, mut out) = (RootKey::new(&[7; 32]), [0; 128]);
/// let token = mint(&key, b"example.org", b"token 1", &[b"tier = 1"], &mut out)?;
/// assert_eq!((token.location(), token.as_bytes().len()), (&b"example.org"[..], 70));
/// assert_eq!(mint(&key, b"", b"token 1", &[], &mut [0; 40]).unwrap_err(), MintError::BufferTooSmall { needed: 46 });
/// # Ok::<(), MintError>(())
/// ```
pub fn mint<'b>(
    key: &RootKey,
    location: &[u8],
    identifier: &[u8],
    caveats: &[&[u8]],
    out: &'b mut [u8],
) -> Result<MacaroonRef<'b>, MintError> {
    let mut writer = head(location, identifier, out);
    let mut signature = hmac_words(key.words(), identifier);
    for condition in caveats {
        writer.field(IDENTIFIER, condition);
        writer.byte(END);
        signature = hmac_words(&signature, condition);
    }
    seal(writer, &signature)
}

/// Adds a first-party caveat to a token, which needs no key, and writes the new token into the front of `out`, in format V2.
///
/// # Errors
/// As [`mint`].
///
/// ```
/// use l402_macaroon::{RootKey, attenuate, mint};
///
/// let (key, mut first, mut second) = (RootKey::new(&[7; 32]), [0; 128], [0; 128]);
/// let token = mint(&key, b"", b"token 1", &[b"tier = 1"], &mut first)?;
/// let narrowed = attenuate(token, b"expires = 1700000000", &mut second)?;
/// assert_eq!(narrowed.verify(&key)?.caveats().last().unwrap().id, b"expires = 1700000000");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn attenuate<'b>(
    token: MacaroonRef<'_>,
    condition: &[u8],
    out: &'b mut [u8],
) -> Result<MacaroonRef<'b>, MintError> {
    let mut writer = head(token.location(), token.identifier(), out);
    for caveat in token.unverified_caveats() {
        if !caveat.location.is_empty() {
            writer.field(LOCATION, caveat.location);
        }
        writer.field(IDENTIFIER, caveat.id);
        if let Some(verification_id) = caveat.verification_id {
            writer.field(VERIFICATION_ID, verification_id);
        }
        writer.byte(END);
    }
    writer.field(IDENTIFIER, condition);
    writer.byte(END);
    seal(writer, &hmac_words(&from_bytes(token.signature()), condition))
}

/// Why a token could not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MintError {
    /// The buffer is too small.
    BufferTooSmall {
        /// Bytes that the token takes.
        needed: usize,
    },
    /// The token would exceed a limit of the format.
    Limit(ParseError),
}

impl fmt::Display for MintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BufferTooSmall { needed } => write!(f, "the buffer is too small, the token takes {needed} bytes"),
            Self::Limit(_) => f.write_str("the token exceeds a limit of the format"),
        }
    }
}

impl core::error::Error for MintError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::BufferTooSmall { .. } => None,
            Self::Limit(limit) => Some(limit),
        }
    }
}

fn head<'b>(location: &[u8], identifier: &[u8], out: &'b mut [u8]) -> Writer<'b> {
    let mut writer = Writer::new(out);
    writer.byte(VERSION);
    if !location.is_empty() {
        writer.field(LOCATION, location);
    }
    writer.field(IDENTIFIER, identifier);
    writer.byte(END);
    writer
}

fn seal<'b>(mut writer: Writer<'b>, signature: &State) -> Result<MacaroonRef<'b>, MintError> {
    writer.byte(END);
    writer.field(SIGNATURE, &to_bytes(signature));
    let bytes = writer.finish().map_err(|needed| MintError::BufferTooSmall { needed })?;
    MacaroonRef::parse(bytes).map_err(MintError::Limit)
}

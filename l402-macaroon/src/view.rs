//! Borrowed views of a macaroon, each promising more than the one before.
//!
//! 1. [`MacaroonRef`]: the bytes are one well-formed macaroon. Who made it is unknown.
//! 2. [`Authentic`]: its signature chain ends in its signature. Only now do its caveats mean anything.

use crate::chain::{self, Forged};
use crate::secret::RootKey;
use crate::wire::{Cursor, END, IDENTIFIER, LOCATION, ParseError, SIGNATURE, VERIFICATION_ID, VERSION, misplaced};
use crate::{MAX_CAVEATS, MAX_LEN};
use core::fmt;
use core::iter::FusedIterator;
use subtle::Choice;

/// A well-formed macaroon in borrowed bytes; copying it copies references.
#[derive(Clone, Copy)]
pub struct MacaroonRef<'a> {
    bytes: &'a [u8],
    location: &'a [u8],
    identifier: &'a [u8],
    caveats: Section<'a>,
    signature: &'a [u8; 32],
}

impl<'a> MacaroonRef<'a> {
    /// Reads exactly one macaroon in format V2 and nothing behind it (libmacaroons `doc/format.txt`).
    ///
    /// # Errors
    /// See [`ParseError`]; limits are [`MAX_LEN`] bytes and [`MAX_CAVEATS`] caveats.
    ///
    /// ```
    /// use l402_macaroon::{MacaroonRef, ParseError, RootKey, mint};
    ///
    /// let mut out = [0; 128];
    /// let bytes = mint(&RootKey::new(b"a key"), b"", b"token 1", &[], &mut out)?.as_bytes();
    /// assert_eq!(MacaroonRef::parse(bytes)?.identifier(), b"token 1");
    /// assert_eq!(MacaroonRef::parse(&bytes[..9]).unwrap_err(), ParseError::Truncated);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut cursor = Cursor(bytes);
        match bytes.first() {
            None => return Err(ParseError::Empty),
            Some(_) if bytes.len() > MAX_LEN => return Err(ParseError::TooLong),
            Some(&VERSION) => cursor.byte()?,
            Some(&other) => return Err(ParseError::UnsupportedVersion(other)),
        };
        let location = cursor.optional(LOCATION)?.unwrap_or_default();
        let identifier = identifier(&mut cursor)?;
        cursor.end(IDENTIFIER)?;
        let caveats = Section { format: Format::V2, bytes: cursor.0 };
        let mut rest = caveats.iter();
        let mut count = 0;
        while rest.try_next()?.is_some() {
            count += 1;
            if count > MAX_CAVEATS {
                return Err(ParseError::TooManyCaveats);
            }
        }
        let signature = signature(rest.cursor)?;
        Ok(Self { bytes, location, identifier, caveats, signature })
    }

    /// Reads exactly one macaroon in the older packet format V1, which is read and never written (libmacaroons
    /// `doc/format.txt`).
    ///
    /// # Errors
    /// See [`ParseError`]; the same limits hold.
    ///
    /// ```
    /// use l402_macaroon::MacaroonRef;
    ///
    /// let packets = b"0017identifier token 1\n002fsignature 0123456789abcdef0123456789abcdef\n";
    /// assert_eq!(MacaroonRef::parse_v1(packets)?.identifier(), b"token 1");
    /// # Ok::<(), l402_macaroon::ParseError>(())
    /// ```
    #[cfg(feature = "v1")]
    pub fn parse_v1(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let parts = crate::v1::parse(bytes)?;
        let (location, identifier) = (parts.location, parts.identifier);
        let caveats = Section { format: Format::V1, bytes: parts.caveats };
        Ok(Self { bytes, location, identifier, caveats, signature: parts.signature })
    }

    /// Returns the location: a hint that no signature covers, empty where there is none.
    pub fn location(&self) -> &'a [u8] {
        self.location
    }

    /// Returns the identifier, which names the root key. Not yet authentic.
    #[inline]
    pub fn identifier(&self) -> &'a [u8] {
        self.identifier
    }

    /// Returns the caveats, at most [`MAX_CAVEATS`], as they are written. Anybody may have written them: decide nothing by them.
    #[inline]
    pub fn unverified_caveats(&self) -> Caveats<'a> {
        self.caveats.iter()
    }

    /// Returns the 32 bytes of the signature as they are written. A secret: with them, anybody can attenuate the token.
    #[inline]
    pub fn signature(&self) -> &'a [u8; 32] {
        self.signature
    }

    /// Returns all bytes of the encoded macaroon, at most [`MAX_LEN`], in the format that was read.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

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

impl fmt::Debug for MacaroonRef<'_> {
    /// Shows sizes only: a macaroon is a bearer credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let caveats = self.caveats.iter().count();
        write!(f, "MacaroonRef({} bytes, {caveats} caveats, redacted)", self.bytes.len())
    }
}

/// A macaroon whose signature was checked; made only by [`MacaroonRef::verify`] and its two variants.
#[derive(Debug, Clone, Copy)]
pub struct Authentic<'a>(MacaroonRef<'a>);

impl<'a> Authentic<'a> {
    /// Returns the caveats, in the order in which they were added.
    #[inline]
    pub fn caveats(&self) -> Caveats<'a> {
        self.0.caveats.iter()
    }

    /// Returns the macaroon that was checked.
    pub fn macaroon(&self) -> MacaroonRef<'a> {
        self.0
    }
}

/// One caveat.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Caveat<'a> {
    /// The condition of a first-party caveat; an opaque identifier in a third-party one.
    pub id: &'a [u8],
    /// Where a third party is found; empty in a first-party caveat.
    pub location: &'a [u8],
    /// The encrypted key of a third-party caveat. Where it is present, the caveat needs a discharge.
    pub verification_id: Option<&'a [u8]>,
}

impl fmt::Debug for Caveat<'_> {
    /// Shows the length only: a caveat may carry a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.verification_id.is_some() { "third-party" } else { "first-party" };
        write!(f, "Caveat({kind}, {} bytes)", self.id.len())
    }
}

/// The caveats of a macaroon, in order.
#[derive(Clone)]
pub struct Caveats<'a> {
    cursor: Cursor<'a>,
    format: Format,
}

impl<'a> Caveats<'a> {
    #[inline]
    fn try_next(&mut self) -> Result<Option<Caveat<'a>>, ParseError> {
        match self.format {
            Format::V2 => caveat(&mut self.cursor),
            #[cfg(feature = "v1")]
            Format::V1 => crate::v1::caveat(&mut self.cursor),
        }
    }
}

impl<'a> Iterator for Caveats<'a> {
    type Item = Caveat<'a>;

    #[inline]
    fn next(&mut self) -> Option<Caveat<'a>> {
        let next = self.try_next().ok().flatten(); // parsing has walked over all of them
        if next.is_none() {
            self.cursor = Cursor(&[]); // what follows the list is no caveat
        }
        next
    }
}

impl FusedIterator for Caveats<'_> {}

impl fmt::Debug for Caveats<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// The bytes from the first caveat on.
#[derive(Clone, Copy)]
struct Section<'a> {
    format: Format,
    bytes: &'a [u8],
}

impl<'a> Section<'a> {
    #[inline]
    fn iter(self) -> Caveats<'a> {
        Caveats { cursor: Cursor(self.bytes), format: self.format }
    }
}

#[derive(Clone, Copy)]
enum Format {
    #[cfg(feature = "v1")]
    V1,
    V2,
}

/// The next section, or [`None`] at the end of the list. A short first-party caveat, as nearly all are, is read at once.
#[inline]
fn caveat<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Caveat<'a>>, ParseError> {
    if let [IDENTIFIER, length @ 0..0x80, rest @ ..] = cursor.0
        && let Some((id, [END, rest @ ..])) = rest.split_at_checked(usize::from(*length))
    {
        cursor.0 = rest;
        return Ok(Some(Caveat { id, location: &[], verification_id: None }));
    }
    if let [END, rest @ ..] = cursor.0 {
        cursor.0 = rest;
        return Ok(None);
    }
    long_caveat(cursor).map(Some)
}

#[inline(never)]
fn long_caveat<'a>(cursor: &mut Cursor<'a>) -> Result<Caveat<'a>, ParseError> {
    let location = cursor.optional(LOCATION)?.unwrap_or_default();
    let id = identifier(cursor)?;
    let verification_id = cursor.optional(VERIFICATION_ID)?;
    cursor.end(if verification_id.is_some() { VERIFICATION_ID } else { IDENTIFIER })?;
    Ok(Caveat { id, location, verification_id })
}

#[inline]
fn identifier<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], ParseError> {
    match cursor.byte()? {
        IDENTIFIER => cursor.field(),
        END | VERIFICATION_ID => Err(ParseError::MissingIdentifier),
        kind => Err(misplaced(kind, LOCATION)), // where it is a location, one was read before
    }
}

/// The signature, with which the macaroon ends.
#[inline]
fn signature(mut cursor: Cursor<'_>) -> Result<&[u8; 32], ParseError> {
    match cursor.byte()? {
        SIGNATURE => {}
        kind => return Err(misplaced(kind, END)),
    }
    let signature = cursor.field()?.try_into().map_err(|_| ParseError::SignatureLength)?;
    if cursor.0.is_empty() { Ok(signature) } else { Err(ParseError::TrailingBytes) }
}

//! The borrowed view of a macaroon: its bytes are well-formed. Who made it is unknown.

use crate::caveat::RawCaveat;
use crate::wire::{Cursor, END, IDENTIFIER, LOCATION, ParseError, SIGNATURE, VERIFICATION_ID, VERSION, misplaced};
use crate::{MAX_CAVEATS, MAX_LEN};
use core::fmt;
use core::iter::FusedIterator;

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
}

impl fmt::Debug for MacaroonRef<'_> {
    /// Shows sizes only: a macaroon is a bearer credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let caveats = self.caveats.iter().count();
        write!(f, "MacaroonRef({} bytes, {caveats} caveats, redacted)", self.bytes.len())
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
    fn try_next(&mut self) -> Result<Option<RawCaveat<'a>>, ParseError> {
        match self.format {
            Format::V2 => caveat(&mut self.cursor),
            #[cfg(feature = "v1")]
            Format::V1 => crate::v1::caveat(&mut self.cursor),
        }
    }
}

impl<'a> Iterator for Caveats<'a> {
    type Item = RawCaveat<'a>;

    #[inline]
    fn next(&mut self) -> Option<RawCaveat<'a>> {
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
fn caveat<'a>(cursor: &mut Cursor<'a>) -> Result<Option<RawCaveat<'a>>, ParseError> {
    if let [IDENTIFIER, length @ 0..0x80, rest @ ..] = cursor.0
        && let Some((id, [END, rest @ ..])) = rest.split_at_checked(usize::from(*length))
    {
        cursor.0 = rest;
        return Ok(Some(RawCaveat { id, location: &[], verification_id: None }));
    }
    if let [END, rest @ ..] = cursor.0 {
        cursor.0 = rest;
        return Ok(None);
    }
    long_caveat(cursor).map(Some)
}

#[inline(never)]
fn long_caveat<'a>(cursor: &mut Cursor<'a>) -> Result<RawCaveat<'a>, ParseError> {
    let location = cursor.optional(LOCATION)?.unwrap_or_default();
    let id = identifier(cursor)?;
    let verification_id = cursor.optional(VERIFICATION_ID)?;
    cursor.end(if verification_id.is_some() { VERIFICATION_ID } else { IDENTIFIER })?;
    Ok(RawCaveat { id, location, verification_id })
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

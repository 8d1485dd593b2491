//! Reading and writing the fields of the V2 format.
//!
//! Rules (libmacaroons `doc/format.txt`, as deployed):
//!
//! 1. A field is a type byte, a length as unsigned LEB128, and that many bytes; an end marker is the type byte alone.
//! 2. Lengths are minimal: a varint that could be shorter is refused, so that one macaroon has one encoding.
//! 3. Inside a section the types strictly ascend.

use crate::{MAX_CAVEATS, MAX_LEN};
use core::fmt;

/// The first byte of the format.
pub(crate) const VERSION: u8 = 2;

/// Field types.
pub(crate) const END: u8 = 0;
pub(crate) const LOCATION: u8 = 1;
pub(crate) const IDENTIFIER: u8 = 2;
pub(crate) const VERIFICATION_ID: u8 = 4;
pub(crate) const SIGNATURE: u8 = 6;

/// Reads bytes from the front of a slice.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    #[inline]
    pub(crate) fn byte(&mut self) -> Result<u8, ParseError> {
        let (first, rest) = self.0.split_first().ok_or(ParseError::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    #[inline]
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], ParseError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(ParseError::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The length and bytes of a field whose type byte has been read.
    #[inline]
    pub(crate) fn field(&mut self) -> Result<&'a [u8], ParseError> {
        let length = self.varint()?;
        self.take(length)
    }

    /// A field of this type, if it comes next.
    #[inline]
    pub(crate) fn optional(&mut self, kind: u8) -> Result<Option<&'a [u8]>, ParseError> {
        if self.0.first() != Some(&kind) {
            return Ok(None);
        }
        self.byte()?;
        self.field().map(Some)
    }

    /// The end marker of a section whose last field was of type `last`.
    #[inline]
    pub(crate) fn end(&mut self, last: u8) -> Result<(), ParseError> {
        match self.byte()? {
            END => Ok(()),
            kind => Err(misplaced(kind, last)),
        }
    }

    /// A length of at most two groups of seven bits: more would exceed [`MAX_LEN`].
    #[inline]
    fn varint(&mut self) -> Result<usize, ParseError> {
        let first = self.byte()?;
        if first < 0x80 {
            return Ok(usize::from(first));
        }
        match self.byte()? {
            0 => Err(ParseError::OverlongLength),
            second @ 1..0x80 => Ok(usize::from(first & 0x7f) | usize::from(second) << 7),
            _ => self.long_varint(),
        }
    }

    /// Tells a length that is too large from one that is merely written too long.
    #[cold]
    fn long_varint(&mut self) -> Result<usize, ParseError> {
        loop {
            match self.byte()? {
                0 => return Err(ParseError::OverlongLength),
                1..0x80 => return Err(ParseError::TooLong),
                _ => {}
            }
        }
    }
}

/// Why a field may not stand behind one of type `last`.
#[cold]
pub(crate) const fn misplaced(kind: u8, last: u8) -> ParseError {
    match kind {
        LOCATION | IDENTIFIER | VERIFICATION_ID | SIGNATURE if kind == last => ParseError::DuplicateField(kind),
        LOCATION | IDENTIFIER | VERIFICATION_ID if kind < last => ParseError::FieldOrder(kind),
        END | LOCATION | IDENTIFIER | VERIFICATION_ID | SIGNATURE => ParseError::UnexpectedField(kind),
        _ => ParseError::UnknownField(kind),
    }
}

/// Writes fields to the front of a buffer; keeps counting where the buffer has ended.
pub(crate) struct Writer<'b> {
    out: &'b mut [u8],
    length: usize,
}

impl<'b> Writer<'b> {
    pub(crate) fn new(out: &'b mut [u8]) -> Self {
        Self { out, length: 0 }
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes(&[byte]);
    }

    pub(crate) fn field(&mut self, kind: u8, content: &[u8]) {
        self.byte(kind);
        self.varint(content.len());
        self.bytes(content);
    }

    /// What was written, or the length that the buffer should have had.
    pub(crate) fn finish(self) -> Result<&'b [u8], usize> {
        self.out.get(..self.length).ok_or(self.length)
    }

    fn varint(&mut self, mut value: usize) {
        loop {
            let [low, ..] = value.to_le_bytes();
            value >>= 7;
            if value == 0 {
                return self.byte(low & 0x7f);
            }
            self.byte(low | 0x80);
        }
    }

    fn bytes(&mut self, content: &[u8]) {
        let rest = self.out.get_mut(self.length..).unwrap_or_default();
        if let Some(space) = rest.get_mut(..content.len()) {
            space.copy_from_slice(content);
        }
        self.length = self.length.saturating_add(content.len());
    }
}

/// Why bytes are not a macaroon that this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseError {
    /// There are no bytes.
    Empty,
    /// More than [`MAX_LEN`] bytes, or a field that claims to be longer.
    TooLong,
    /// The first byte, this one, names another format than V2.
    UnsupportedVersion(u8),
    /// The bytes end inside a field or before the signature.
    Truncated,
    /// A length is written with more bytes than it needs.
    OverlongLength,
    /// A field of this type stands twice in one section.
    DuplicateField(u8),
    /// A field of this type stands behind one of a higher type, in the same section.
    FieldOrder(u8),
    /// A field is of this type, which the format does not have.
    UnknownField(u8),
    /// A field is of this type, which the format has, but not here.
    UnexpectedField(u8),
    /// A section has no identifier.
    MissingIdentifier,
    /// More than [`MAX_CAVEATS`] caveats.
    TooManyCaveats,
    /// The signature is not 32 bytes long.
    SignatureLength,
    /// Bytes follow the signature.
    TrailingBytes,
    /// A V1 packet's length, key or line end is malformed.
    Packet,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the macaroon is empty"),
            Self::TooLong => write!(f, "the macaroon is longer than {MAX_LEN} bytes"),
            Self::UnsupportedVersion(byte) => write!(f, "macaroon format {byte:#04x} is not supported"),
            Self::Truncated => f.write_str("the macaroon is truncated"),
            Self::OverlongLength => f.write_str("a length is written with more bytes than it needs"),
            Self::DuplicateField(kind) => write!(f, "field type {kind} stands twice in one section"),
            Self::FieldOrder(kind) => write!(f, "field type {kind} stands behind a higher one"),
            Self::UnknownField(kind) => write!(f, "field type {kind} is not known"),
            Self::UnexpectedField(kind) => write!(f, "field type {kind} is unexpected here"),
            Self::MissingIdentifier => f.write_str("an identifier is missing"),
            Self::TooManyCaveats => write!(f, "the macaroon has more than {MAX_CAVEATS} caveats"),
            Self::SignatureLength => f.write_str("the signature is not 32 bytes long"),
            Self::TrailingBytes => f.write_str("bytes follow the signature"),
            Self::Packet => f.write_str("a v1 packet is malformed"),
        }
    }
}

impl core::error::Error for ParseError {}

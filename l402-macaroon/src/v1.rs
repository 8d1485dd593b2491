//! Reading the older packet format V1 (libmacaroons `doc/format.txt`). Never written.
//!
//! A packet is four lower-case hexadecimal digits (the length of the whole packet), a key, a space, the value and a line feed:
//! `location`, `identifier`, then per caveat `cid` with an optional `vid` and `cl`, and last `signature`.
//!
//! Packets are walked over in a loop and counted: six-byte packets cannot overflow a stack here.

use crate::caveat::RawCaveat;
use crate::wire::{Cursor, ParseError};
use crate::{MAX_CAVEATS, MAX_LEN};

/// The parts of a V1 macaroon; `caveats` starts at the first caveat and runs to the end.
pub(crate) struct Parts<'a> {
    pub(crate) location: &'a [u8],
    pub(crate) identifier: &'a [u8],
    pub(crate) caveats: &'a [u8],
    pub(crate) signature: &'a [u8; 32],
}

pub(crate) fn parse(bytes: &[u8]) -> Result<Parts<'_>, ParseError> {
    if bytes.is_empty() {
        return Err(ParseError::Empty);
    }
    if bytes.len() > MAX_LEN {
        return Err(ParseError::TooLong);
    }
    let mut cursor = Cursor(bytes);
    let location = value(&mut cursor, b"location")?.unwrap_or_default();
    let identifier = value(&mut cursor, b"identifier")?.ok_or(ParseError::MissingIdentifier)?;
    let caveats = cursor.0;
    let mut count = 0;
    while caveat(&mut cursor)?.is_some() {
        count += 1;
        if count > MAX_CAVEATS {
            return Err(ParseError::TooManyCaveats);
        }
    }
    let signature = value(&mut cursor, b"signature")?.ok_or(ParseError::Packet)?;
    let signature = signature.try_into().map_err(|_| ParseError::SignatureLength)?;
    if !cursor.0.is_empty() {
        return Err(ParseError::TrailingBytes);
    }
    Ok(Parts { location, identifier, caveats, signature })
}

/// The next caveat, or [`None`] where something else comes next.
pub(crate) fn caveat<'a>(cursor: &mut Cursor<'a>) -> Result<Option<RawCaveat<'a>>, ParseError> {
    let Some(id) = value(cursor, b"cid")? else {
        return Ok(None);
    };
    let verification_id = value(cursor, b"vid")?;
    let location = value(cursor, b"cl")?.unwrap_or_default();
    Ok(Some(RawCaveat { id, location, verification_id }))
}

/// The value of the next packet, if its key is `key`; otherwise the cursor stays.
fn value<'a>(cursor: &mut Cursor<'a>, key: &[u8]) -> Result<Option<&'a [u8]>, ParseError> {
    if cursor.0.is_empty() {
        return Err(ParseError::Truncated);
    }
    let mut ahead = *cursor;
    let length = packet_length(ahead.take(4)?)?;
    let body = ahead.take(length)?.strip_suffix(b"\n").ok_or(ParseError::Packet)?;
    let Some(value) = body.strip_prefix(key).and_then(|rest| rest.strip_prefix(b" ")) else {
        return Ok(None);
    };
    *cursor = ahead;
    Ok(Some(value))
}

/// The bytes that follow the four digits.
fn packet_length(digits: &[u8]) -> Result<usize, ParseError> {
    let mut length = 0;
    for &digit in digits {
        let digit = Some(digit).filter(|digit| !digit.is_ascii_uppercase()).ok_or(ParseError::Packet)?;
        let value = char::from(digit).to_digit(16).ok_or(ParseError::Packet)?;
        length = length << 4 | value as usize;
    }
    length.checked_sub(4).ok_or(ParseError::Packet)
}

//! The file that lnget keeps a token in, so that clients can share what was paid for.
//!
//! All numbers are big-endian: `u32 macaroon length ‖ macaroon ‖ payment hash (32) ‖ preimage (32) ‖ u64 paid msat ‖ u64 fee
//! msat ‖ i64 unix nanoseconds`, and nothing behind it. The macaroon is one in format V2.
//!
//! 1. A preimage of zeros is none: the payment is pending.
//! 2. The payment hash is the one that the macaroon's identifier names, and a preimage proves it. A file that contradicts itself
//!    is refused: its token would never be accepted.
//! 3. The file holds a bearer credential: keep it readable by its owner alone.

use crate::identifier::{Identifier, IdentifierError};
use crate::msat::Msat;
use crate::payment::{PaymentHash, Preimage};
use core::fmt;
use l402_macaroon::{MAX_LEN, MacaroonRef, ParseError};

/// A stored token, and what was paid for it.
///
/// ```
/// use l402_core::macaroon::{MacaroonRef, RootKey, mint};
/// use l402_core::{Identifier, Preimage, TokenFile, TokenId};
/// use l402_core::Msat;
///
/// let preimage = Preimage::from_bytes([0x11; 32]);
/// let identifier = Identifier::new(preimage.hash(), TokenId::from_bytes([0x22; 32]));
/// let (mut token, mut file) = ([0; 256], [0; 512]);
/// let macaroon = mint(&RootKey::new(b"root key"), b"lsat", &identifier.to_bytes(), &[], &mut token)?;
///
/// let paid = TokenFile::pending(macaroon, 1_700_000_000_000_000_000)?.paid(preimage, Msat::new(21_000), Msat::new(12))?;
/// let read = TokenFile::parse(paid.write_into(&mut file)?)?;
/// assert_eq!((read.paid_msat(), read.fee_msat()), (Msat::new(21_000), Msat::new(12)));
/// assert!(read.preimage().is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TokenFile<'a> {
    macaroon: MacaroonRef<'a>,
    payment_hash: PaymentHash,
    preimage: Option<Preimage>,
    paid_msat: Msat,
    fee_msat: Msat,
    time_ns: i64,
}

impl<'a> TokenFile<'a> {
    /// The most bytes that a file has: what a buffer for [`TokenFile::write_into`] needs for any token.
    pub const MAX_LEN: usize = FIXED + MAX_LEN;

    /// Reads a whole file: 92 bytes and the macaroon.
    ///
    /// # Errors
    /// [`TokenFileError`]: what is malformed, or what contradicts the macaroon.
    ///
    /// ```
    /// use l402_core::{TokenFile, TokenFileError};
    ///
    /// assert_eq!(TokenFile::parse(&[0; 3]).unwrap_err(), TokenFileError::Truncated);
    /// ```
    pub fn parse(file: &'a [u8]) -> Result<Self, TokenFileError> {
        let mut rest = file;
        let length = u32::from_be_bytes(*array(&mut rest)?);
        let length = usize::try_from(length).map_err(|_| TokenFileError::Truncated)?;
        let (macaroon, mut rest) = rest.split_at_checked(length).ok_or(TokenFileError::Truncated)?;
        let hash = PaymentHash::from_bytes(*array(&mut rest)?);
        let preimage = array(&mut rest)?;
        let [paid_msat, fee_msat] = [msat(&mut rest)?, msat(&mut rest)?];
        let time_ns = i64::from_be_bytes(*array(&mut rest)?);
        if !rest.is_empty() {
            return Err(TokenFileError::TrailingBytes);
        }
        let token = Self::pending(MacaroonRef::parse(macaroon).map_err(TokenFileError::Macaroon)?, time_ns)?;
        if token.payment_hash != hash {
            return Err(TokenFileError::PaymentsDiffer);
        }
        // Every byte is looked at: a comparison that stops early would tell how many zeros the preimage begins with.
        if preimage.iter().fold(0, |all, byte| all | byte) == 0 {
            return Ok(Self { paid_msat, fee_msat, ..token });
        }
        token.paid(Preimage::from_bytes(*preimage), paid_msat, fee_msat)
    }

    /// Takes the token of a challenge whose payment is about to begin, `time_ns` nanoseconds after the Unix epoch.
    ///
    /// # Errors
    /// [`TokenFileError::Identifier`] where the token names no payment hash.
    ///
    /// ```
    /// # use l402_core::macaroon::{RootKey, mint};
    /// # use l402_core::{TokenFile, TokenFileError};
    /// let mut out = [0; 128];
    /// let other = mint(&RootKey::new(b"root key"), b"", b"no payment hash", &[], &mut out)?;
    /// assert!(matches!(TokenFile::pending(other, 0), Err(TokenFileError::Identifier(_))));
    /// # Ok::<(), l402_core::macaroon::MintError>(())
    /// ```
    pub fn pending(macaroon: MacaroonRef<'a>, time_ns: i64) -> Result<Self, TokenFileError> {
        let identifier = Identifier::parse(macaroon.identifier()).map_err(TokenFileError::Identifier)?;
        let payment_hash = identifier.payment_hash();
        Ok(Self { macaroon, payment_hash, preimage: None, paid_msat: Msat::ZERO, fee_msat: Msat::ZERO, time_ns })
    }

    /// Takes the proof of payment, and what it cost.
    ///
    /// # Errors
    /// [`TokenFileError::WrongPreimage`]: it does not prove the payment that the token names.
    ///
    /// ```
    /// # use l402_core::macaroon::{RootKey, mint};
    /// # use l402_core::{Identifier, Preimage, TokenFile, TokenFileError, TokenId};
    /// # use l402_core::Msat;
    /// # let (preimage, mut out) = (Preimage::from_bytes([1; 32]), [0; 256]);
    /// # let identifier = Identifier::new(preimage.hash(), TokenId::from_bytes([2; 32])).to_bytes();
    /// # let macaroon = mint(&RootKey::new(b"root key"), b"lsat", &identifier, &[], &mut out)?;
    /// let pending = TokenFile::pending(macaroon, 1_700_000_000_000_000_000)?;
    /// let wrong = pending.clone().paid(Preimage::from_bytes([2; 32]), Msat::new(21_000), Msat::new(12));
    /// assert_eq!(wrong.unwrap_err(), TokenFileError::WrongPreimage);
    /// assert_eq!(pending.paid(preimage, Msat::new(21_000), Msat::new(12))?.paid_msat(), Msat::new(21_000));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn paid(self, preimage: Preimage, paid_msat: Msat, fee_msat: Msat) -> Result<Self, TokenFileError> {
        if !preimage.matches(&self.payment_hash) {
            return Err(TokenFileError::WrongPreimage);
        }
        Ok(Self { preimage: Some(preimage), paid_msat, fee_msat, ..self })
    }

    /// Writes the file into the front of `out` and returns it.
    ///
    /// # Errors
    /// [`BufferTooSmall`], which says what [`TokenFile::len`] does.
    ///
    /// ```
    /// # use l402_core::macaroon::{RootKey, mint};
    /// # use l402_core::{BufferTooSmall, Identifier, PaymentHash, TokenFile, TokenId};
    /// # let mut out = [0; 256];
    /// # let identifier = Identifier::new(PaymentHash::from_bytes([1; 32]), TokenId::from_bytes([2; 32])).to_bytes();
    /// # let macaroon = mint(&RootKey::new(b"root key"), b"lsat", &identifier, &[], &mut out)?;
    /// let file = TokenFile::pending(macaroon, 0)?;
    /// assert_eq!(file.write_into(&mut [0; 512])?.len(), file.len());
    /// assert_eq!(file.write_into(&mut []), Err(BufferTooSmall { needed: file.len() }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_into<'b>(&self, out: &'b mut [u8]) -> Result<&'b [u8], BufferTooSmall> {
        let needed = self.len();
        let out = out.get_mut(..needed).ok_or(BufferTooSmall { needed })?;
        let macaroon = self.macaroon.as_bytes();
        let length = u32::try_from(macaroon.len()).unwrap_or(u32::MAX); // a macaroon has at most MAX_LEN bytes
        let preimage = self.preimage.as_ref().map_or(&PENDING, Preimage::expose);
        let parts: [&[u8]; 7] = [
            &length.to_be_bytes(),
            macaroon,
            self.payment_hash.as_bytes(),
            preimage,
            &self.paid_msat.get().to_be_bytes(),
            &self.fee_msat.get().to_be_bytes(),
            &self.time_ns.to_be_bytes(),
        ];
        for (to, from) in out.iter_mut().zip(parts.into_iter().flatten()) {
            *to = *from;
        }
        Ok(out)
    }

    /// Returns how many bytes the file has: 92 and those of the macaroon.
    #[expect(clippy::len_without_is_empty, reason = "no file is empty")]
    pub fn len(&self) -> usize {
        FIXED + self.macaroon.as_bytes().len()
    }

    /// Returns the token.
    pub const fn macaroon(&self) -> MacaroonRef<'a> {
        self.macaroon
    }

    /// Returns the hash of the payment that buys the token.
    pub const fn payment_hash(&self) -> PaymentHash {
        self.payment_hash
    }

    /// Returns the proof of payment; [`None`] while the payment is pending.
    pub const fn preimage(&self) -> Option<&Preimage> {
        self.preimage.as_ref()
    }

    /// Returns what was paid, without the fee.
    pub const fn paid_msat(&self) -> Msat {
        self.paid_msat
    }

    /// Returns what routing the payment cost.
    pub const fn fee_msat(&self) -> Msat {
        self.fee_msat
    }

    /// Returns when the token was stored, in nanoseconds after the Unix epoch.
    pub const fn time_ns(&self) -> i64 {
        self.time_ns
    }
}

impl fmt::Debug for TokenFile<'_> {
    /// Shows neither the token nor the preimage.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.preimage.is_some() { "paid" } else { "pending" };
        write!(f, "TokenFile({}, {state}, {}, redacted)", self.payment_hash, self.paid_msat)
    }
}

/// Why bytes are no token file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenFileError {
    /// The file ends before its last part does.
    Truncated,
    /// Bytes follow the time.
    TrailingBytes,
    /// The macaroon cannot be read; this is why.
    Macaroon(ParseError),
    /// The macaroon's identifier is not one of version 0; this is why.
    Identifier(IdentifierError),
    /// The file and the macaroon name different payment hashes.
    PaymentsDiffer,
    /// The preimage does not prove the payment.
    WrongPreimage,
}

impl fmt::Display for TokenFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the token file is truncated",
            Self::TrailingBytes => "bytes follow the end of the token file",
            Self::Macaroon(_) => "the macaroon in the token file cannot be read",
            Self::Identifier(_) => "the macaroon in the token file names no payment",
            Self::PaymentsDiffer => "the token file and its macaroon name different payments",
            Self::WrongPreimage => "the preimage does not match the payment hash",
        })
    }
}

impl core::error::Error for TokenFileError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Macaroon(fault) => Some(fault),
            Self::Identifier(fault) => Some(fault),
            _ => None,
        }
    }
}

/// The file does not fit the buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferTooSmall {
    /// Bytes that the file takes.
    pub needed: usize,
}

impl fmt::Display for BufferTooSmall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the buffer is too small, the token file takes {} bytes", self.needed)
    }
}

impl core::error::Error for BufferTooSmall {}

/// What stands for a preimage while there is none.
const PENDING: [u8; 32] = [0; 32];

/// Bytes of everything but the macaroon.
const FIXED: usize = 4 + 32 + 32 + 8 + 8 + 8;

/// Takes an amount from the front.
fn msat(rest: &mut &[u8]) -> Result<Msat, TokenFileError> {
    Ok(Msat::new(u64::from_be_bytes(*array(rest)?)))
}

/// Takes `N` bytes from the front.
fn array<'a, const N: usize>(rest: &mut &'a [u8]) -> Result<&'a [u8; N], TokenFileError> {
    let (front, behind) = rest.split_first_chunk().ok_or(TokenFileError::Truncated)?;
    *rest = behind;
    Ok(front)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifier::TokenId;
    use l402_macaroon::{RootKey, mint};
    use proptest::prelude::*;
    use std::format;

    const ROOM: usize = TokenFile::MAX_LEN;

    fn preimage() -> Preimage {
        Preimage::from_bytes([0x11; 32])
    }

    fn token(out: &mut [u8]) -> MacaroonRef<'_> {
        let identifier = Identifier::new(preimage().hash(), TokenId::from_bytes([0x22; 32]));
        mint(&RootKey::new(b"root"), b"lsat", &identifier.to_bytes(), &[b"a=1"], out).unwrap()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(paid: bool, amounts: (u64, u64), time: i64) {
            let (mut out, mut file) = ([0; 256], [0; ROOM]);
            let mut stored = TokenFile::pending(token(&mut out), time).unwrap();
            if paid {
                stored = stored.paid(preimage(), Msat::new(amounts.0), Msat::new(amounts.1)).unwrap();
            }
            let read = TokenFile::parse(stored.write_into(&mut file).unwrap()).unwrap();
            prop_assert_eq!(read.macaroon().as_bytes(), stored.macaroon().as_bytes());
            prop_assert_eq!(read.preimage().map(Preimage::expose), paid.then_some(&[0x11; 32]));
            prop_assert_eq!((read.paid_msat().get(), read.fee_msat().get()), if paid { amounts } else { (0, 0) });
            prop_assert_eq!(read.time_ns(), time);
        }

        #[test]
        fn no_bytes_panic(file: std::vec::Vec<u8>) {
            drop(TokenFile::parse(&file));
        }
    }

    #[test]
    fn every_shorter_file_is_truncated() {
        let (mut out, mut file) = ([0; 256], [0; ROOM]);
        let file = TokenFile::pending(token(&mut out), 0).unwrap().write_into(&mut file).unwrap();
        for length in 0..file.len() {
            assert_eq!(TokenFile::parse(&file[..length]).unwrap_err(), TokenFileError::Truncated, "{length}");
        }
    }

    #[test]
    fn one_bit_anywhere_makes_a_preimage() {
        let (mut out, mut file) = ([0; 256], [0; ROOM]);
        let length = TokenFile::pending(token(&mut out), 0).unwrap().write_into(&mut file).unwrap().len();
        let file = &mut file[..length];
        for at in length - FIXED + 36..length - FIXED + 68 {
            file[at] = 1;
            assert_eq!(TokenFile::parse(file).unwrap_err(), TokenFileError::WrongPreimage, "{at}");
            file[at] = 0;
        }
        assert!(TokenFile::parse(file).unwrap().preimage().is_none());
    }

    #[test]
    fn debug_shows_no_secret() {
        let mut out = [0; 256];
        let stored =
            TokenFile::pending(token(&mut out), 0).unwrap().paid(preimage(), Msat::new(7), Msat::ZERO).unwrap();
        let shown = format!("{stored:?}");
        assert_eq!(shown, format!("TokenFile({}, paid, 7 msat, redacted)", preimage().hash()));
    }
}

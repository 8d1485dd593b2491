//! `Authorization` and its variants: the proof of payment that a client presents (L402 §HTTP Client Flow).
//!
//! 1. `Authorization: L402 <token>[,<token>…]:<preimage>`; `LSAT` is the same; the scheme's case does not matter.
//! 2. Some clients send a hexadecimal token in a metadata header instead ([`CREDENTIAL_HEADERS`]), with the preimage in a
//!    `preimage=` caveat.
//! 3. One request carries one credential. Clients send the same one as `LSAT` and as `L402`, in two lines or joined in one:
//!    with the same tokens and preimage once decoded, at most one of each scheme, it is one credential. Different ones,
//!    another scheme's line beside, and metadata headers that differ are ambiguous.
//! 4. Several tokens, wherever they stand, must bind the same payment hash; all of them must verify and permit the request.
//! 5. Wherever the preimage stands, it is the same one.
//! 6. An empty metadata header says nothing beside a credential, and is malformed alone.

mod collected;

use crate::caveat::trim;
use crate::challenge::{MAX_HEADER_LEN, TokenError};
use crate::identifier::{IdentifierError, IdentifierRef};
use crate::payment::{PaymentHash, Preimage};
use crate::scheme::Scheme;
use collected::Collected;
use core::fmt;
use heapless::Vec;
use l402_macaroon::MacaroonRef;

/// The headers that can carry a credential, in lower case.
pub const CREDENTIAL_HEADERS: [&str; 5] =
    ["authorization", "macaroon", "grpc-metadata-macaroon", "token", "grpc-metadata-token"];

/// The most tokens in one request.
pub const MAX_TOKENS: usize = 4;

/// The credential-bearing headers of one request, unread.
///
/// ```
/// # use l402_core::CredentialHeaders;
/// let mut headers = CredentialHeaders::new();
/// headers.add("accept", b"*/*");
/// headers.add("Authorization", b"Bearer abc");
/// assert!(headers.is_empty()); // neither is ours
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct CredentialHeaders<'a> {
    /// The first line of ours.
    authorization: Option<Line<'a>>,
    /// A line of the other scheme, which must say the same.
    again: Option<Line<'a>>,
    /// Lines of other schemes.
    foreign: usize,
    metadata: Option<Secret<'a>>,
    /// Whether a metadata header is there and empty.
    empty: bool,
    ambiguous: bool,
    too_long: bool,
}

impl<'a> CredentialHeaders<'a> {
    /// Starts with no header.
    pub const fn new() -> Self {
        Self {
            authorization: None,
            again: None,
            foreign: 0,
            metadata: None,
            empty: false,
            ambiguous: false,
            too_long: false,
        }
    }

    /// Takes one header of the request; every header may be given, and those that carry no credential are passed over.
    /// Give all of them: whether a credential is the only one is found out here.
    ///
    /// ```
    /// use l402_core::{CredentialError, CredentialHeaders};
    ///
    /// let mut headers = CredentialHeaders::new();
    /// for (name, value) in [("Accept", "*/*"), ("Authorization", "L402 AgEE:00"), ("Authorization", "Bearer abc")] {
    ///     headers.add(name, value.as_bytes());
    /// }
    /// assert_eq!(headers.decode(&mut [0; 64]).unwrap_err(), CredentialError::Ambiguous);
    /// ```
    pub fn add(&mut self, name: &str, value: &'a [u8]) {
        match Place::of(name) {
            Some(Place::Authorization) => self.authorization(value),
            Some(place) if place.holds_credential(value) => self.metadata(value),
            _ => {}
        }
    }

    #[inline]
    fn authorization(&mut self, value: &'a [u8]) {
        if let Some(line) = Line::read(value) {
            self.too_long |= value.len() > MAX_HEADER_LEN;
            match &self.authorization {
                None => self.authorization = Some(line),
                Some(first) if self.again.is_none() && first.scheme != line.scheme => self.again = Some(line),
                Some(_) => self.ambiguous = true,
            }
        } else if joins_credentials(value) {
            // Behind a line of another scheme, to which a proxy has joined it.
            self.ambiguous = true;
        } else {
            self.foreign = self.foreign.saturating_add(1);
        }
    }

    fn metadata(&mut self, value: &'a [u8]) {
        if trim(value).is_empty() {
            self.empty = true;
            return;
        }
        self.too_long |= value.len() > MAX_HEADER_LEN;
        let earlier = self.metadata.get_or_insert(Secret(value)).0;
        self.ambiguous |= !earlier.eq_ignore_ascii_case(value);
    }

    /// Tells whether a header carries an L402 credential and therefore must not reach an upstream.
    ///
    /// ```
    /// # use l402_core::CredentialHeaders;
    /// assert!(CredentialHeaders::is_credential("Authorization", b"LSAT AgEE:00"));
    /// assert!(!CredentialHeaders::is_credential("Authorization", b"Bearer abc"));
    /// ```
    pub fn is_credential(name: &str, value: &[u8]) -> bool {
        Place::of(name).is_some_and(|place| place.holds_credential(value))
    }

    /// Tells whether no credential was presented.
    pub const fn is_empty(&self) -> bool {
        self.authorization.is_none() && self.metadata.is_none() && !self.empty && !self.ambiguous
    }

    /// Reads the credential into `buffer`, which needs at most [`CredentialHeaders::buffer_len`] bytes; [`None`] where there is
    /// no credential (L402 §HTTP Client Flow).
    ///
    /// # Errors
    /// [`CredentialError`], which names the part and never its value.
    ///
    /// ```
    /// use l402_core::{CredentialError, CredentialHeaders};
    ///
    /// let mut headers = CredentialHeaders::new();
    /// assert!(headers.decode(&mut [])?.is_none());
    /// headers.add("authorization", b"L402 AgEE");
    /// assert_eq!(headers.decode(&mut [0; 64]).unwrap_err(), CredentialError::MissingPreimage);
    /// # Ok::<(), CredentialError>(())
    /// ```
    #[inline]
    pub fn decode<'b>(&self, buffer: &'b mut [u8]) -> Result<Option<UnverifiedCredential<'b>>, CredentialError> {
        if self.is_empty() {
            return Ok(None);
        }
        // A line of another scheme may stand beside a metadata header, and not beside a line of ours.
        if self.ambiguous || self.foreign > usize::from(self.authorization.is_none()) {
            return Err(CredentialError::Ambiguous);
        }
        if self.too_long {
            return Err(CredentialError::TooLong);
        }
        let mut collected = Collected::new(buffer);
        if let Some(line) = &self.authorization {
            collected.authorization(line.scheme, line.text.0)?;
        }
        if let Some(line) = &self.again {
            collected.repeated(line.text.0)?;
        }
        if let Some(field) = self.metadata {
            collected.metadata(trim(field.0))?;
        }
        collected.presented().map(Some)
    }

    /// Returns how many bytes the tokens take once decoded, at most.
    pub fn buffer_len(&self) -> usize {
        let again = self.again.filter(|again| self.authorization.is_some_and(|first| first.text.0 != again.text.0));
        let lines = [self.authorization, again].into_iter().flatten().map(|line| line.text.0.len() / 4 * 3);
        let text: usize = lines.fold(0, usize::saturating_add);
        text.saturating_add(self.metadata.map_or(0, |field| field.0.len()) / 2)
    }
}

/// The tokens and the preimage of one request: well-formed, in agreement, and not yet verified.
#[derive(Debug)]
pub struct UnverifiedCredential<'b> {
    pub(crate) tokens: Vec<(IdentifierRef<'b>, MacaroonRef<'b>), MAX_TOKENS>,
    /// Of the first token; all of them bind its payment hash.
    pub(crate) identifier: IdentifierRef<'b>,
    pub(crate) preimage: Preimage,
}

impl UnverifiedCredential<'_> {
    /// Returns the payment hash that all tokens bind. Not yet authentic.
    pub const fn unverified_payment_hash(&self) -> PaymentHash {
        self.identifier.payment_hash()
    }
}

/// A credential as a client writes it: one `Authorization` header value.
///
/// ```
/// # use l402_core::{CredentialLine, Preimage, Scheme};
/// let preimage = Preimage::from_bytes([0x11; 32]);
/// let line = CredentialLine { scheme: Scheme::L402, token: "AgEE", preimage: &preimage };
/// assert_eq!(line.to_string(), format!("L402 AgEE:{}", "11".repeat(32)));
/// ```
#[derive(Clone, Copy)]
pub struct CredentialLine<'a> {
    /// The scheme of the challenge that is answered.
    pub scheme: Scheme,
    /// The token of the challenge, as it came; written as it is.
    pub token: &'a str,
    /// The proof of payment.
    pub preimage: &'a Preimage,
}

impl fmt::Display for CredentialLine<'_> {
    /// Writes the secret: mark the header as sensitive, and keep it out of logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:{}", self.scheme, self.token, self.preimage.to_hex().expose())
    }
}

impl fmt::Debug for CredentialLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialLine({}, redacted)", self.scheme)
    }
}

/// Why a credential cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialError {
    /// More than one credential, and which one is meant cannot be told.
    Ambiguous,
    /// A header is longer than [`MAX_HEADER_LEN`].
    TooLong,
    /// The header has no `:` and preimage behind the token, and no caveat carries one.
    MissingPreimage,
    /// The preimage is not 64 hexadecimal digits.
    Preimage,
    /// The preimages in the header and in a caveat differ.
    PreimagesDiffer,
    /// There is no token before the preimage, or none between two commas.
    MissingToken,
    /// More than [`MAX_TOKENS`] tokens.
    TooManyTokens,
    /// A token cannot be read; this is why.
    Token(TokenError),
    /// A metadata header is not hexadecimal.
    Hex,
    /// A token's identifier is not one of version 0; this is why.
    Identifier(IdentifierError),
    /// The tokens bind different payments.
    PaymentsDiffer,
}

impl fmt::Display for CredentialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambiguous => f.write_str("the request carries more than one credential"),
            Self::TooLong => write!(f, "the credential is longer than {MAX_HEADER_LEN} bytes"),
            Self::MissingPreimage => f.write_str("the preimage is missing; the form is 'L402 <token>:<preimage>'"),
            Self::Preimage => f.write_str("the preimage is not 64 hexadecimal digits"),
            Self::PreimagesDiffer => f.write_str("the credential contains two different preimages"),
            Self::MissingToken => f.write_str("a token is missing; the form is 'L402 <token>:<preimage>'"),
            Self::TooManyTokens => write!(f, "more than {MAX_TOKENS} tokens"),
            Self::Token(fault) => fault.fmt(f),
            Self::Hex => f.write_str("the token in the metadata header is not hexadecimal"),
            Self::Identifier(fault) => fault.fmt(f),
            Self::PaymentsDiffer => f.write_str("the tokens belong to different payments"),
        }
    }
}

impl core::error::Error for CredentialError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Token(fault) => Some(fault),
            Self::Identifier(fault) => Some(fault),
            _ => None,
        }
    }
}

/// An `Authorization` line of ours.
#[derive(Debug, Clone, Copy)]
struct Line<'a> {
    scheme: Scheme,
    /// What stands behind the scheme.
    text: Secret<'a>,
}

impl<'a> Line<'a> {
    /// Reads a header value, if its scheme is ours.
    fn read(field: &'a [u8]) -> Option<Self> {
        let field = trim(field);
        let (scheme, rest) = field.split_first_chunk::<4>()?;
        let scheme = Scheme::parse(scheme)?;
        let text = match rest {
            [] => rest,
            [b' ' | b'\t', rest @ ..] => trim(rest),
            _ => return None,
        };
        Some(Self { scheme, text: Secret(text) })
    }
}

/// A header value that `Debug` must not show.
#[derive(Clone, Copy)]
struct Secret<'a>(&'a [u8]);

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} bytes, redacted)", self.0.len())
    }
}

/// Which kind of header may hold a credential.
#[derive(Clone, Copy)]
enum Place {
    Authorization,
    Metadata,
    /// `Token` is also what other protocols call a header of their own: it is ours where it begins like a macaroon.
    Token,
}

impl Place {
    fn of(name: &str) -> Option<Self> {
        // Names mostly come in lower case, as HTTP/2 has them.
        let is_name = |field: &&str| name == *field || name.eq_ignore_ascii_case(field);
        let position = CREDENTIAL_HEADERS.iter().position(is_name)?;
        Some(match position {
            0 => Self::Authorization,
            3 => Self::Token,
            _ => Self::Metadata,
        })
    }

    fn holds_credential(self, value: &[u8]) -> bool {
        match self {
            Self::Authorization => Line::read(value).is_some() || joins_credentials(value),
            Self::Metadata => true,
            Self::Token => matches!(trim(value), [b'0', b'2', b'0', b'1' | b'2', ..]) || begins_like_v1(trim(value)),
        }
    }
}

/// Whether hexadecimal text begins like a macaroon of format V1: four digits of a length, and the key of its first packet.
fn begins_like_v1(text: &[u8]) -> bool {
    let keys: [&[u8]; 2] = [b"6c6f636174696f6e20", b"6964656e74696669657220"]; // "location ", "identifier "
    cfg!(feature = "v1")
        && text.get(8..).is_some_and(|text| {
            keys.iter().any(|key| text.get(..key.len()).is_some_and(|start| start.eq_ignore_ascii_case(key)))
        })
}

/// Whether another credential of ours begins behind a comma, as in lines that were joined: a token holds no white space.
#[cold]
fn joins_credentials(field: &[u8]) -> bool {
    joined(field).is_some()
}

/// Splits lines that were joined before the comma of the second.
fn joined(field: &[u8]) -> Option<(&[u8], Line<'_>)> {
    let field = trim(field); // once, so that the blanks at the end are not walked over again and again
    let mut commas = field.iter().enumerate().filter(|(_, byte)| **byte == b',').map(|(position, _)| position);
    commas.find_map(|comma| {
        let (first, behind) = field.split_at_checked(comma)?;
        let line = Line::read(behind.get(1..)?)?;
        (!line.text.0.is_empty() && !line.text.0.starts_with(b",")).then_some((first, line))
    })
}

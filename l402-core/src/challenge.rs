//! `WWW-Authenticate`: the token and the invoice that a server asks a client to pay (L402 §HTTP Server Flow).
//!
//! Emitting:
//! 1. Two header lines, both with the same token and invoice: `LSAT macaroon="…", invoice="…"` for older clients, some of
//!    which read only the first line, then `L402 version="0", token="…", invoice="…"`.
//!
//! Reading ([`Challenge::parse_all`], once for each line; the grammar is RFC 9110 §11):
//! 2. Challenges of other schemes, and of versions other than 0, are not ours and are skipped. A missing version is 0.
//! 3. `token` and `macaroon` are synonyms; both may be present if they agree. Unknown parameters are ignored.
//! 4. A parameter that occurs twice must say the same both times.
//! 5. The token is opaque text, which a credential carries as it came. One that cannot stand in a credential is refused: there,
//!    `:` and `,` separate, and white space ends.
//! 6. Blanks around the invoice and a `lightning:` before it, in any case, are left out.
//! 7. A line has at most [`MAX_HEADER_LEN`] bytes and a challenge of ours at most 64 parameters; an invoice is ASCII.

use crate::params::{LexError, MAX_PARAMS, ParamValue, Params, RawChallenge, RawChallenges};
use crate::scheme::Scheme;
use core::fmt;
use l402_macaroon::base64::{self, DecodeError};
use l402_macaroon::{MacaroonRef, ParseError};

/// A challenge: a scheme, a base64 token and a BOLT11 invoice.
#[derive(Debug, Clone, Copy)]
pub struct Challenge<'a> {
    scheme: Scheme,
    token: ParamValue<'a>,
    invoice: ParamValue<'a>,
}

impl<'a> Challenge<'a> {
    /// Reads the challenges of one header line, or of several lines joined with commas.
    ///
    /// Yields an error for an L402 challenge that cannot be used; a header that is no list of challenges ends with one.
    ///
    /// ```
    /// # use l402_core::{Challenge, Scheme};
    /// let field = br#"Basic realm="a, b", L402 version="0", token="AgEE", invoice="lnbc1""#;
    /// let challenge = Challenge::parse_all(field).next().unwrap()?;
    /// assert_eq!(challenge.scheme(), Scheme::L402);
    /// assert_eq!(challenge.invoice().as_str(), Some("lnbc1"));
    /// # Ok::<(), l402_core::ChallengeError>(())
    /// ```
    pub fn parse_all(field: &'a [u8]) -> Challenges<'a> {
        if field.len() > MAX_HEADER_LEN {
            return Challenges { raw: RawChallenges::new(&[]), too_long: true };
        }
        Challenges { raw: RawChallenges::new(field), too_long: false }
    }

    /// Chooses the challenge to answer from all `WWW-Authenticate` lines of a response: the first that can be used and is
    /// called L402, else the first called LSAT (L402 §HTTP Client Flow).
    ///
    /// # Errors
    /// [`ChallengeError::Missing`] where no line holds one, else the first fault that was met.
    ///
    /// ```
    /// use l402_core::{Challenge, ChallengeError, ChallengeLine, Scheme};
    ///
    /// let lines = ChallengeLine::both("AgEE", "lnbc1").map(|line| line.to_string());
    /// assert_eq!(Challenge::select(lines.iter().map(String::as_bytes))?.scheme(), Scheme::L402);
    /// assert_eq!(Challenge::select([&b"Basic realm=a"[..]]).unwrap_err(), ChallengeError::Missing);
    /// # Ok::<(), ChallengeError>(())
    /// ```
    pub fn select(lines: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, ChallengeError> {
        Self::select_where(lines, |_| true)
    }

    /// Does the same, and prefers a challenge that is `usable`, such as one whose invoice can be decoded, to one that is not.
    /// Where none is, the one that [`Challenge::select`] chooses is returned, and the caller finds out what is wrong with it.
    ///
    /// # Errors
    /// As [`Challenge::select`].
    ///
    /// ```
    /// use l402_core::{Challenge, Scheme};
    ///
    /// let lines = [&br#"L402 token="AgEE", invoice="nonsense""#[..], br#"LSAT macaroon="AgEE", invoice="lnbc1""#];
    /// let decodes = |challenge: &Challenge| challenge.invoice().as_str() == Some("lnbc1");
    /// assert_eq!(Challenge::select_where(lines, decodes)?.scheme(), Scheme::Lsat);
    /// assert_eq!(Challenge::select_where(lines, |_| false)?.scheme(), Scheme::L402);
    /// # Ok::<(), l402_core::ChallengeError>(())
    /// ```
    pub fn select_where(
        lines: impl IntoIterator<Item = &'a [u8]>,
        mut usable: impl FnMut(&Self) -> bool,
    ) -> Result<Self, ChallengeError> {
        let mut best: Option<(Rank, Self)> = None;
        let mut first_fault = ChallengeError::Missing;
        for challenge in lines.into_iter().flat_map(Self::parse_all) {
            match challenge {
                Ok(found) => {
                    let rank = Rank { usable: usable(&found), l402: found.scheme == Scheme::L402 };
                    if rank == Rank::HIGHEST {
                        return Ok(found);
                    }
                    if best.as_ref().is_none_or(|(highest, _)| rank > *highest) {
                        best = Some((rank, found));
                    }
                }
                Err(fault) if first_fault == ChallengeError::Missing => first_fault = fault,
                Err(_) => {}
            }
        }
        best.map(|(_, challenge)| challenge).ok_or(first_fault)
    }

    /// Returns the scheme, which the credential mirrors.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Returns the token: text that a credential carries as it is, mostly base64.
    pub const fn token(&self) -> ParamValue<'a> {
        self.token
    }

    /// Returns the invoice, BOLT11 text that nobody has decoded yet, without blanks and `lightning:`.
    pub const fn invoice(&self) -> ParamValue<'a> {
        self.invoice
    }

    /// Decodes the token into `buffer`. `text` holds the base64 text meanwhile, which may be escaped in the header: it needs as
    /// many bytes as that has characters, and `buffer` three quarters of them: [`MAX_HEADER_LEN`] and
    /// [`MAX_LEN`](crate::macaroon::MAX_LEN) bytes are enough for any token. Nothing vouches for what the token says: only
    /// the server has its key.
    ///
    /// # Errors
    /// [`TokenError`]; a buffer that is too small makes the token too long.
    ///
    /// ```
    /// use l402_core::macaroon::{RootKey, base64, mint};
    /// use l402_core::{Challenge, ChallengeLine, Scheme};
    ///
    /// let (mut bytes, mut text, mut buffer) = ([0; 128], [0; 128], [0; 128]);
    /// let token = mint(&RootKey::new(b"root key"), b"lsat", b"token 1", &[], &mut bytes)?;
    /// let token = base64::encode_into(token.as_bytes(), &mut text).unwrap();
    /// let line = ChallengeLine { scheme: Scheme::L402, token, invoice: "lnbc1" }.to_string();
    ///
    /// let challenge = Challenge::select([line.as_bytes()])?;
    /// assert_eq!(challenge.decode_token(&mut [0; 128], &mut buffer)?.identifier(), b"token 1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn decode_token<'b>(&self, text: &mut [u8], buffer: &'b mut [u8]) -> Result<MacaroonRef<'b>, TokenError> {
        let text = self.token.unescape(text).ok_or(TokenError::TooLong)?;
        let bytes = base64::decode_into(text, buffer)?;
        read_token(bytes)
    }

    fn from_params(scheme: Scheme, params: Params<'a>) -> Result<Option<Self>, ChallengeError> {
        let (mut version, mut token, mut invoice) = (None, None, None);
        for (name, value) in params {
            let slot = match name {
                name if name.eq_ignore_ascii_case(b"version") => &mut version,
                name if name.eq_ignore_ascii_case(b"token") => &mut token,
                name if name.eq_ignore_ascii_case(b"macaroon") => &mut token,
                name if name.eq_ignore_ascii_case(b"invoice") => &mut invoice,
                _ => continue,
            };
            let value = if name.eq_ignore_ascii_case(b"invoice") { value.without_uri_scheme() } else { value };
            if slot.replace(value).is_some_and(|earlier| !earlier.same(&value)) {
                return Err(ChallengeError::Contradiction);
            }
        }
        if version.is_some_and(|version: ParamValue<'_>| !version.bytes().eq(*b"0")) {
            return Ok(None);
        }
        let token = token.filter(|token| token.bytes().next().is_some()).ok_or(ChallengeError::MissingToken)?;
        if !token.bytes().all(stands_in_credential) {
            return Err(ChallengeError::TokenCharacter);
        }
        let invoice = invoice.ok_or(ChallengeError::MissingInvoice)?;
        if !invoice.bytes().all(|c| c.is_ascii()) {
            return Err(ChallengeError::InvoiceNotAscii);
        }
        Ok(Some(Self { scheme, token, invoice }))
    }
}

/// How well a challenge suits, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    usable: bool,
    l402: bool,
}

impl Rank {
    const HIGHEST: Self = Self { usable: true, l402: true };
}

/// Whether a character can belong to the token of a credential: see [`crate::CredentialLine`].
const fn stands_in_credential(c: u8) -> bool {
    c.is_ascii_graphic() && c != b':' && c != b','
}

/// Reads a token's bytes: a macaroon V2, or with the feature `v1` a V1, which begins with a hexadecimal digit.
#[inline]
pub(crate) fn read_token(bytes: &[u8]) -> Result<MacaroonRef<'_>, TokenError> {
    #[cfg(feature = "v1")]
    if bytes.first().is_some_and(u8::is_ascii_hexdigit) {
        return MacaroonRef::parse_v1(bytes).map_err(TokenError::Macaroon);
    }
    MacaroonRef::parse(bytes).map_err(TokenError::Macaroon)
}

/// The L402 challenges of a header, in order.
#[derive(Debug, Clone)]
pub struct Challenges<'a> {
    raw: RawChallenges<'a>,
    too_long: bool,
}

impl<'a> Iterator for Challenges<'a> {
    type Item = Result<Challenge<'a>, ChallengeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if core::mem::take(&mut self.too_long) {
            return Some(Err(ChallengeError::TooLong));
        }
        loop {
            let RawChallenge { scheme, params } = match self.raw.next()? {
                Ok(raw) => raw,
                Err(fault) => return Some(Err(fault.into())),
            };
            let Some(scheme) = Scheme::parse(scheme) else { continue };
            if let Some(challenge) = Challenge::from_params(scheme, params).transpose() {
                return Some(challenge);
            }
        }
    }
}

/// The most bytes of a header value that is read: room for a token of the greatest length in hexadecimal, and as much again.
pub const MAX_HEADER_LEN: usize = 32 * 1024;

/// A challenge as a server writes it: one header value, in the form that clients of its scheme look for.
///
/// Token and invoice are written as they are: base64 and bech32 hold nothing that would need quoting.
///
/// ```
/// # use l402_core::{ChallengeLine, Scheme};
/// let [first, second] = ChallengeLine::both("AgEE", "lnbc1");
/// assert_eq!(first.to_string(), r#"LSAT macaroon="AgEE", invoice="lnbc1""#);
/// assert_eq!(second.to_string(), r#"L402 version="0", token="AgEE", invoice="lnbc1""#);
/// ```
#[derive(Clone, Copy)]
pub struct ChallengeLine<'a> {
    /// The scheme, which decides the form.
    pub scheme: Scheme,
    /// Padded standard base64.
    pub token: &'a str,
    /// BOLT11.
    pub invoice: &'a str,
}

impl<'a> ChallengeLine<'a> {
    /// Returns the two lines of a response, each a `WWW-Authenticate` header of its own, in the order in which they must be sent.
    ///
    /// ```
    /// # use l402_core::{ChallengeLine, Scheme};
    /// assert_eq!(ChallengeLine::both("AgEE", "lnbc1").map(|line| line.scheme), [Scheme::Lsat, Scheme::L402]);
    /// ```
    pub const fn both(token: &'a str, invoice: &'a str) -> [Self; 2] {
        [Self { scheme: Scheme::Lsat, token, invoice }, Self { scheme: Scheme::L402, token, invoice }]
    }
}

impl fmt::Display for ChallengeLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, token, invoice } = self;
        match scheme {
            Scheme::Lsat => write!(f, r#"{scheme} macaroon="{token}", invoice="{invoice}""#),
            Scheme::L402 => write!(f, r#"{scheme} version="0", token="{token}", invoice="{invoice}""#),
        }
    }
}

/// Why a `WWW-Authenticate` header holds no challenge that can be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChallengeError {
    /// There is no L402 challenge of a known version.
    Missing,
    /// A challenge has no token.
    MissingToken,
    /// A challenge has no invoice.
    MissingInvoice,
    /// A parameter is given twice with different values.
    Contradiction,
    /// The header is no list of challenges; the text behind a comma is not a scheme or a parameter.
    Scheme,
    /// A parameter has no value, or something stands behind it.
    Value,
    /// A quoted string does not end.
    Quote,
    /// A control character stands in a parameter's value, or behind it.
    ControlCharacter,
    /// A challenge has more than 64 parameters.
    TooManyParameters,
    /// A line is longer than [`MAX_HEADER_LEN`].
    TooLong,
    /// The invoice holds bytes that are not ASCII.
    InvoiceNotAscii,
    /// The token holds `:`, `,`, white space, a control character or one that is not ASCII, so that no credential can carry it.
    TokenCharacter,
}

impl From<LexError> for ChallengeError {
    fn from(fault: LexError) -> Self {
        match fault {
            LexError::Scheme => Self::Scheme,
            LexError::Value => Self::Value,
            LexError::Quote => Self::Quote,
            LexError::Control => Self::ControlCharacter,
            LexError::Params => Self::TooManyParameters,
        }
    }
}

impl fmt::Display for ChallengeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyParameters => return write!(f, "the challenge has more than {MAX_PARAMS} parameters"),
            Self::TooLong => return write!(f, "the challenge's line is longer than {MAX_HEADER_LEN} bytes"),
            Self::Missing => "no L402 challenge of a known version",
            Self::MissingToken => "the challenge has no token",
            Self::MissingInvoice => "the challenge has no invoice",
            Self::Contradiction => "the challenge gives a parameter twice with different values",
            Self::Scheme => "the header does not begin with an authentication scheme",
            Self::Value => "a challenge parameter has no value or is followed by something else",
            Self::Quote => "a quoted string in the challenge does not end",
            Self::ControlCharacter => "the challenge holds a control character",
            Self::InvoiceNotAscii => "the challenge's invoice is not ascii",
            Self::TokenCharacter => "the challenge's token holds a character that no credential can carry",
        })
    }
}

impl core::error::Error for ChallengeError {}

/// Why the token of a challenge or credential cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenError {
    /// Longer than any token that would be accepted, or than the caller's buffer.
    TooLong,
    /// Not base64; this is why.
    Base64(DecodeError),
    /// Not a macaroon; this is why.
    Macaroon(ParseError),
}

impl From<DecodeError> for TokenError {
    fn from(fault: DecodeError) -> Self {
        if fault == DecodeError::BufferTooSmall { Self::TooLong } else { Self::Base64(fault) }
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the token is too long"),
            Self::Base64(fault) => write!(f, "the token is not base64: {fault}"),
            Self::Macaroon(fault) => write!(f, "the token is not a macaroon: {fault}"),
        }
    }
}

impl core::error::Error for TokenError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::TooLong => None,
            Self::Base64(fault) => Some(fault),
            Self::Macaroon(fault) => Some(fault),
        }
    }
}

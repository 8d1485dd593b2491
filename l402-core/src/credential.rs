//! `Authorization` and its variants: the proof of payment that a client presents (L402 §HTTP Client Flow).
//!
//! 1. `Authorization: L402 <token>[,<token>…]:<preimage>`; `LSAT` is the same; the scheme's case does not matter.
//! 2. Some clients send a hexadecimal token in a metadata field instead ([`CREDENTIAL_FIELDS`]), with the preimage in a
//!    `preimage=` caveat.
//! 3. One request carries one credential. Two `Authorization` lines, or metadata fields that differ, are ambiguous.
//! 4. Several tokens, wherever they stand, must bind the same payment hash; all of them must verify and permit the request.
//! 5. Wherever the preimage stands, it is the same one.

use crate::caveat::{Parts, trim};
use crate::challenge::{MAX_FIELD_LEN, TokenError, read_token};
use crate::identifier::{IdentifierError, IdentifierRef};
use crate::payment::{PaymentHash, Preimage};
use crate::scheme::Scheme;
use core::fmt;
use heapless::Vec;
use l402_macaroon::{MacaroonRef, base64, hex};

/// The fields that can carry a credential, in lower case.
pub const CREDENTIAL_FIELDS: [&str; 5] =
    ["authorization", "macaroon", "grpc-metadata-macaroon", "token", "grpc-metadata-token"];

/// The most tokens in one request.
pub const MAX_TOKENS: usize = 4;

/// The credential-bearing fields of one request, unread.
///
/// ```
/// # use l402_core::Presentation;
/// let mut fields = Presentation::new();
/// fields.field("accept", b"*/*");
/// fields.field("Authorization", b"Bearer abc");
/// assert!(fields.is_empty()); // neither is ours
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Presentation<'a> {
    /// What stands behind the scheme of the first line that is ours.
    authorization: Option<Secret<'a>>,
    authorizations: usize,
    metadata: Option<Secret<'a>>,
    differs: bool,
    too_long: bool,
}

impl<'a> Presentation<'a> {
    /// Starts with no field.
    pub const fn new() -> Self {
        Self { authorization: None, authorizations: 0, metadata: None, differs: false, too_long: false }
    }

    /// Takes one header field of the request; every field may be given, and those that carry no credential are passed over.
    /// Give all of them: whether a credential is the only one is found out here.
    ///
    /// ```
    /// use l402_core::{CredentialError, Presentation};
    ///
    /// let mut fields = Presentation::new();
    /// for (name, value) in [("Accept", "*/*"), ("Authorization", "L402 AgEE:00"), ("Authorization", "LSAT AgEE:00")] {
    ///     fields.field(name, value.as_bytes());
    /// }
    /// assert_eq!(fields.decode(&mut [0; 64]).unwrap_err(), CredentialError::Ambiguous);
    /// ```
    pub fn field(&mut self, name: &str, value: &'a [u8]) {
        match Place::of(name) {
            Some(Place::Authorization) => self.authorization(value),
            Some(place) if place.holds_credential(value) => {
                self.too_long |= value.len() > MAX_FIELD_LEN;
                let earlier = self.metadata.get_or_insert(Secret(value)).0;
                self.differs |= !earlier.eq_ignore_ascii_case(value);
            }
            _ => {}
        }
    }

    #[inline]
    fn authorization(&mut self, value: &'a [u8]) {
        self.authorizations = self.authorizations.saturating_add(1);
        if let Some(credentials) = credentials(value) {
            self.too_long |= value.len() > MAX_FIELD_LEN;
            self.authorization.get_or_insert(Secret(credentials));
        } else if hides_credential(value) {
            // A credential that a proxy joined to another line counts as one more line.
            self.authorizations = self.authorizations.saturating_add(1);
            self.authorization.get_or_insert(Secret(value));
        }
    }

    /// Tells whether a header field carries an L402 credential and therefore must not reach an upstream.
    ///
    /// ```
    /// # use l402_core::Presentation;
    /// assert!(Presentation::is_credential("Authorization", b"LSAT AgEE:00"));
    /// assert!(!Presentation::is_credential("Authorization", b"Bearer abc"));
    /// ```
    pub fn is_credential(name: &str, value: &[u8]) -> bool {
        Place::of(name).is_some_and(|place| place.holds_credential(value))
    }

    /// Tells whether no credential was presented.
    pub const fn is_empty(&self) -> bool {
        self.authorization.is_none() && self.metadata.is_none()
    }

    /// Reads the credential into `buffer`, which needs at most [`Presentation::buffer_len`] bytes; [`None`] where there is
    /// no credential (L402 §HTTP Client Flow).
    ///
    /// # Errors
    /// [`CredentialError`], which names the part and never its value.
    ///
    /// ```
    /// use l402_core::{CredentialError, Presentation};
    ///
    /// let mut fields = Presentation::new();
    /// assert!(fields.decode(&mut [])?.is_none());
    /// fields.field("authorization", b"L402 AgEE");
    /// assert_eq!(fields.decode(&mut [0; 64]).unwrap_err(), CredentialError::MissingPreimage);
    /// # Ok::<(), CredentialError>(())
    /// ```
    #[inline]
    pub fn decode<'b>(&self, buffer: &'b mut [u8]) -> Result<Option<Presented<'b>>, CredentialError> {
        if self.is_empty() {
            return Ok(None);
        }
        if self.authorizations > 1 || self.differs {
            return Err(CredentialError::Ambiguous);
        }
        if self.too_long {
            return Err(CredentialError::TooLong);
        }
        let mut collected = Collected { tokens: Vec::new(), preimage: None, buffer };
        if let Some(credentials) = self.authorization {
            collected.authorization(credentials.0)?;
        }
        if let Some(field) = self.metadata {
            collected.metadata(trim(field.0))?;
        }
        let Collected { tokens, preimage, .. } = collected;
        let identifier = tokens.first().ok_or(CredentialError::MissingToken)?.0;
        let preimage = preimage.ok_or(CredentialError::MissingPreimage)?;
        Ok(Some(Presented { tokens, identifier, preimage }))
    }

    /// Returns how many bytes the tokens take once decoded, at most.
    pub fn buffer_len(&self) -> usize {
        let text = self.authorization.map_or(0, |field| field.0.len()) / 4 * 3;
        text + self.metadata.map_or(0, |field| field.0.len()) / 2
    }
}

/// The tokens and the preimage of one request: well-formed, in agreement, and not yet verified.
#[derive(Debug)]
pub struct Presented<'b> {
    pub(crate) tokens: Vec<(IdentifierRef<'b>, MacaroonRef<'b>), MAX_TOKENS>,
    /// Of the first token; all of them bind its payment hash.
    pub(crate) identifier: IdentifierRef<'b>,
    pub(crate) preimage: Preimage,
}

impl Presented<'_> {
    /// Returns the payment hash that all tokens bind. Not yet authentic.
    pub const fn unverified_payment_hash(&self) -> PaymentHash {
        self.identifier.payment_hash()
    }
}

/// A credential as a client writes it: one `Authorization` field value.
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
    /// Writes the secret: mark the field as sensitive, and keep it out of logs.
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
    /// A field is longer than [`MAX_FIELD_LEN`].
    TooLong,
    /// The field has no `:` and preimage behind the token, and no caveat carries one.
    MissingPreimage,
    /// The preimage is not 64 hexadecimal digits.
    Preimage,
    /// The preimages in the field and in a caveat differ.
    PreimagesDiffer,
    /// There is no token before the preimage, or none between two commas.
    MissingToken,
    /// More than [`MAX_TOKENS`] tokens.
    TooManyTokens,
    /// A token cannot be read; this is why.
    Token(TokenError),
    /// A metadata field is not hexadecimal.
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
            Self::TooLong => write!(f, "the credential is longer than {MAX_FIELD_LEN} bytes"),
            Self::MissingPreimage => f.write_str("the preimage is missing; the form is 'L402 <token>:<preimage>'"),
            Self::Preimage => f.write_str("the preimage is not 64 hexadecimal digits"),
            Self::PreimagesDiffer => f.write_str("the credential holds two different preimages"),
            Self::MissingToken => f.write_str("a token is missing; the form is 'L402 <token>:<preimage>'"),
            Self::TooManyTokens => write!(f, "more than {MAX_TOKENS} tokens"),
            Self::Token(fault) => fault.fmt(f),
            Self::Hex => f.write_str("the token in the metadata field is not hexadecimal"),
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

/// A field value that `Debug` must not show.
#[derive(Clone, Copy)]
struct Secret<'a>(&'a [u8]);

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({} bytes, redacted)", self.0.len())
    }
}

/// Which kind of field may hold a credential.
#[derive(Clone, Copy)]
enum Place {
    Authorization,
    Metadata,
    /// `Token` is also what other protocols call a field of their own: it is ours where it begins like a macaroon.
    Token,
}

impl Place {
    fn of(name: &str) -> Option<Self> {
        // Names mostly come in lower case, as HTTP/2 has them.
        let is_name = |field: &&str| name == *field || name.eq_ignore_ascii_case(field);
        let position = CREDENTIAL_FIELDS.iter().position(is_name)?;
        Some(match position {
            0 => Self::Authorization,
            3 => Self::Token,
            _ => Self::Metadata,
        })
    }

    fn holds_credential(self, value: &[u8]) -> bool {
        match self {
            Self::Authorization => credentials(value).is_some() || hides_credential(value),
            Self::Metadata => true,
            Self::Token => matches!(trim(value), [b'0', b'2', b'0', b'1' | b'2', ..]),
        }
    }
}

/// What stands behind the scheme of an `Authorization` field, if the scheme is ours.
fn credentials(field: &[u8]) -> Option<&[u8]> {
    let field = trim(field);
    let (scheme, rest) = field.split_first_chunk::<4>()?;
    Scheme::parse(scheme)?;
    match rest {
        [] => Some(rest),
        [b' ' | b'\t', rest @ ..] => Some(trim(rest)),
        _ => None,
    }
}

/// Whether a credential of ours stands behind one of another scheme, as in lines that were joined with a comma.
#[cold]
fn hides_credential(field: &[u8]) -> bool {
    credentials(field).is_none() && joins_credentials(field)
}

/// Whether another credential of ours begins behind a comma, as in lines that were joined: a token holds no white space.
fn joins_credentials(field: &[u8]) -> bool {
    field.split(|&c| c == b',').skip(1).any(|element| credentials(element).is_some_and(|rest| !rest.is_empty()))
}

/// Tokens on their way into a [`Presented`].
struct Collected<'b> {
    tokens: Vec<(IdentifierRef<'b>, MacaroonRef<'b>), MAX_TOKENS>,
    preimage: Option<Preimage>,
    buffer: &'b mut [u8],
}

impl Collected<'_> {
    /// Reads `<token>[,<token>…]:<preimage>`. A `:` is in neither, so that it stands where a preimage's length puts it.
    #[inline]
    fn authorization(&mut self, credentials: &[u8]) -> Result<(), CredentialError> {
        let Some((tokens, [b':', preimage @ ..])) = credentials.split_last_chunk::<65>() else {
            let colon = credentials.contains(&b':');
            return Err(if colon { CredentialError::Preimage } else { CredentialError::MissingPreimage });
        };
        self.preimage = Some(Preimage::from_hex(preimage).map_err(|_| CredentialError::Preimage)?);
        match self.text(tokens) {
            Err(_) if tokens.contains(&b',') => self.texts(tokens),
            verdict => verdict,
        }
    }

    #[cold]
    fn texts(&mut self, tokens: &[u8]) -> Result<(), CredentialError> {
        if joins_credentials(tokens) {
            return Err(CredentialError::Ambiguous);
        }
        tokens.split(|&c| c == b',').try_for_each(|token| self.text(token))
    }

    #[inline]
    fn text(&mut self, token: &[u8]) -> Result<(), CredentialError> {
        if token.is_empty() {
            return Err(CredentialError::MissingToken);
        }
        let length = base64::decode_into(token, self.buffer).map_err(text_fault)?.len();
        self.token(length)
    }

    fn metadata(&mut self, text: &[u8]) -> Result<(), CredentialError> {
        if text.is_empty() {
            return Err(CredentialError::MissingToken);
        }
        let length = hex::decode_into(text, self.buffer).map_err(hex_fault)?.len();
        self.token(length)
    }

    /// Takes the token that was decoded to the front of the buffer.
    #[inline]
    fn token(&mut self, length: usize) -> Result<(), CredentialError> {
        let (bytes, rest) = core::mem::take(&mut self.buffer).split_at_mut_checked(length).ok_or(TOO_LONG)?;
        self.buffer = rest;
        let macaroon = read_token(bytes).map_err(CredentialError::Token)?;
        let identifier = IdentifierRef::parse(macaroon.identifier()).map_err(CredentialError::Identifier)?;
        if self.tokens.first().is_some_and(|(first, _)| first.payment_hash() != identifier.payment_hash()) {
            return Err(CredentialError::PaymentsDiffer);
        }
        let maybe_preimage = |caveat: &l402_macaroon::Caveat<'_>| trim(caveat.id).starts_with(b"preimage");
        for caveat in macaroon.unverified_caveats().filter(maybe_preimage) {
            // Whatever else a caveat says is asked of the verified token.
            if let Ok(Parts { condition: b"preimage", value }) = Parts::split(caveat.id) {
                self.preimage(Preimage::from_hex(value).map_err(|_| CredentialError::Preimage)?)?;
            }
        }
        self.tokens.push((identifier, macaroon)).map_err(|_| CredentialError::TooManyTokens)
    }

    fn preimage(&mut self, preimage: Preimage) -> Result<(), CredentialError> {
        match &self.preimage {
            None => self.preimage = Some(preimage),
            Some(earlier) if earlier.same(&preimage) => {}
            Some(_) => return Err(CredentialError::PreimagesDiffer),
        }
        Ok(())
    }
}

const TOO_LONG: CredentialError = CredentialError::Token(TokenError::TooLong);

fn text_fault(fault: base64::DecodeError) -> CredentialError {
    CredentialError::Token(fault.into())
}

fn hex_fault(fault: hex::HexError) -> CredentialError {
    match fault {
        hex::HexError::BufferTooSmall => TOO_LONG,
        _ => CredentialError::Hex,
    }
}

//! From the text of a credential to its tokens and its preimage.

use super::{CredentialError, MAX_TOKENS, UnverifiedCredential, joined};
use crate::caveat::{Parts, trim};
use crate::challenge::{TokenError, read_token};
use crate::identifier::IdentifierRef;
use crate::payment::Preimage;
use crate::scheme::Scheme;
use heapless::Vec;
use l402_macaroon::{MacaroonRef, base64, hex};

/// Tokens on their way into a [`UnverifiedCredential`].
pub(super) struct Collected<'b, 't> {
    tokens: Vec<(IdentifierRef<'b>, MacaroonRef<'b>), MAX_TOKENS>,
    preimage: Option<Preimage>,
    /// The text of the tokens in the first line.
    first: &'t [u8],
    /// Whether a second line has been read that says the same as the first.
    is_repeated: bool,
    buffer: &'b mut [u8],
}

impl<'b, 't> Collected<'b, 't> {
    pub(super) const fn new(buffer: &'b mut [u8]) -> Self {
        Self { tokens: Vec::new(), preimage: None, first: &[], is_repeated: false, buffer }
    }

    /// Reads `<token>[,<token>…]:<preimage>`.
    #[inline]
    pub(super) fn authorization(&mut self, scheme: Scheme, text: &'t [u8]) -> Result<(), CredentialError> {
        let (tokens, preimage) = split(text)?;
        (self.preimage, self.first) = (Some(preimage), tokens);
        match self.text(tokens) {
            Err(_) if tokens.contains(&b',') => self.texts(scheme, tokens),
            verdict => verdict,
        }
    }

    /// Reads several tokens, or two lines that were joined; `text` ends before the last preimage.
    #[cold]
    fn texts(&mut self, scheme: Scheme, text: &'t [u8]) -> Result<(), CredentialError> {
        // A blank at the end stands between a token and its preimage, where none belongs.
        let Some((first, second)) = joined(text).filter(|_| trim(text).len() == text.len()) else {
            return text.split(|&c| c == b',').try_for_each(|token| self.text(token));
        };
        if second.scheme == scheme || joined(second.text.0).is_some() {
            return Err(CredentialError::Ambiguous);
        }
        let (tokens, preimage) = split(trim(first))?;
        self.same_preimage(&preimage)?;
        self.first = tokens;
        tokens.split(|&c| c == b',').try_for_each(|token| self.text(token))?;
        self.same_tokens(second.text.0)
    }

    /// Reads a second line, which must say what the first says.
    #[cold]
    pub(super) fn repeated(&mut self, text: &[u8]) -> Result<(), CredentialError> {
        let (tokens, preimage) = split(text)?;
        self.same_preimage(&preimage)?;
        self.same_tokens(tokens)
    }

    pub(super) fn metadata(&mut self, text: &[u8]) -> Result<(), CredentialError> {
        let length = hex::decode_into(text, self.buffer).map_err(hex_fault)?.len();
        self.token(length)
    }

    /// Demands that all that belongs to a credential is there.
    #[inline]
    pub(super) fn presented(self) -> Result<UnverifiedCredential<'b>, CredentialError> {
        let Self { tokens, preimage, .. } = self;
        let identifier = tokens.first().ok_or(CredentialError::MissingToken)?.0;
        let preimage = preimage.ok_or(CredentialError::MissingPreimage)?;
        Ok(UnverifiedCredential { tokens, identifier, preimage })
    }

    fn same_preimage(&self, preimage: &Preimage) -> Result<(), CredentialError> {
        let same = self.preimage.as_ref().is_some_and(|earlier| earlier.same(preimage));
        if same { Ok(()) } else { Err(CredentialError::Ambiguous) }
    }

    /// Demands that a second line holds the tokens of the first, in whatever form of base64.
    fn same_tokens(&mut self, text: &[u8]) -> Result<(), CredentialError> {
        if core::mem::replace(&mut self.is_repeated, true) {
            return Err(CredentialError::Ambiguous);
        }
        if text == self.first {
            return Ok(());
        }
        let mut read = 0_usize;
        for token in text.split(|&c| c == b',') {
            let (_, earlier) = self.tokens.get(read).ok_or(CredentialError::Ambiguous)?;
            if base64::decode_into(token, self.buffer).map_err(text_fault)? != earlier.as_bytes() {
                return Err(CredentialError::Ambiguous);
            }
            read = read.saturating_add(1);
        }
        if read == self.tokens.len() { Ok(()) } else { Err(CredentialError::Ambiguous) }
    }

    #[inline]
    fn text(&mut self, token: &[u8]) -> Result<(), CredentialError> {
        if token.is_empty() {
            return Err(CredentialError::MissingToken);
        }
        let length = base64::decode_into(token, self.buffer).map_err(text_fault)?.len();
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
        let maybe_preimage = |caveat: &l402_macaroon::RawCaveat<'_>| trim(caveat.id).starts_with(b"preimage");
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

/// Splits `<tokens>:<preimage>`. A `:` is in neither, so that it stands where a preimage's length puts it.
#[inline]
fn split(text: &[u8]) -> Result<(&[u8], Preimage), CredentialError> {
    let Some((tokens, [b':', preimage @ ..])) = text.split_last_chunk::<65>() else {
        let colon = text.contains(&b':');
        return Err(if colon { CredentialError::Preimage } else { CredentialError::MissingPreimage });
    };
    Ok((tokens, Preimage::from_hex(preimage).map_err(|_| CredentialError::Preimage)?))
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

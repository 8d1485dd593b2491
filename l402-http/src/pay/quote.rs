//! What a server demands, in facts: nothing is paid here.

use super::Token;
use core::fmt;
use http::header::{HeaderMap, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use l402_core::macaroon::{MAX_LEN, MacaroonRef, base64};
use l402_core::{
    Answer, Challenge, ChallengeError, Exchange, Identifier, IdentifierError, Limits, Next, ParamValue, PaymentHash,
    Scheme, TokenError,
};
use l402_lightning::{Invoice, InvoiceError};
use serde::Deserialize;
use std::borrow::Cow;

/// A challenge whose token and invoice were decoded, and name the same payment hash where the server is honest.
///
/// ```
/// use http::Response;
/// use l402_http::pay::Quote;
///
/// let (head, ()) = Response::new(()).into_parts();
/// assert!(Quote::of(head.status, &head.headers)?.is_none());
/// # Ok::<(), l402_http::pay::BadChallenge>(())
/// ```
#[derive(Debug, Clone)]
pub struct Quote {
    scheme: Scheme,
    token: String,
    identifier: Identifier,
    invoice: Invoice,
}

impl Quote {
    /// Reads the head of a response; [`None`] where it demands no payment by L402.
    ///
    /// A 402, a 401 and gRPC's trailers-only form demand one, if they show a challenge of L402.
    ///
    /// # Errors
    /// [`BadChallenge`] when there is such a challenge and it cannot be met.
    pub fn of(status: StatusCode, headers: &HeaderMap) -> Result<Option<Self>, BadChallenge> {
        let mut exchange = Exchange::new(Limits { max_price_msat: 0, max_fee_msat: 0 });
        match read(&mut exchange, status, headers)? {
            Next::Pay(challenge) | Next::Replace(challenge) => Self::decode(&challenge).map(Some),
            Next::Deliver | Next::Refused => Ok(None),
        }
    }

    /// Returns the price, in millisatoshi; [`None`] where the invoice leaves it to the payer, which is never paid.
    pub fn amount_msat(&self) -> Option<u64> {
        self.invoice.amount_msat()
    }

    /// Returns the invoice.
    pub const fn invoice(&self) -> &Invoice {
        &self.invoice
    }

    /// Returns the identifier of the token.
    pub const fn identifier(&self) -> &Identifier {
        &self.identifier
    }

    /// Returns the token: padded standard base64. It opens nothing without the preimage.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Returns the scheme of the challenge.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Tells whether paying the invoice would buy the token (threat A3).
    pub fn is_consistent(&self) -> bool {
        self.invoice.payment_hash() == self.identifier.payment_hash()
    }

    pub(super) fn decode(challenge: &Challenge<'_>) -> Result<Self, BadChallenge> {
        let (mut text, mut bytes) = (vec![0; MAX_TEXT], vec![0; MAX_TEXT]);
        let macaroon = challenge.decode_token(&mut text, &mut bytes).map_err(BadChallenge::Token)?;
        let identifier = Identifier::parse(macaroon.identifier()).map_err(BadChallenge::Identifier)?;
        let invoice = unescaped(challenge.invoice()).ok_or(BadChallenge::InvoiceText)?;
        let invoice = Invoice::parse(&invoice).map_err(BadChallenge::Invoice)?;
        Ok(Self { scheme: challenge.scheme(), token: canonical(macaroon), identifier, invoice })
    }

    /// Returns what a token was about to be bought by; [`None`] where the store has left that out, or it cannot be read.
    pub(super) fn of_token(token: &Token) -> Option<Self> {
        let mut bytes = vec![0; MAX_LEN];
        let bytes = base64::decode_into(token.text.as_bytes(), &mut bytes).ok()?;
        let identifier = Identifier::parse(MacaroonRef::parse(bytes).ok()?.identifier()).ok()?;
        let invoice = Invoice::parse(&token.order.as_ref()?.invoice).ok()?;
        let quote = Self { scheme: token.scheme, token: token.text.clone(), identifier, invoice };
        (quote.is_consistent() && quote.invoice.payment_hash() == token.payment_hash).then_some(quote)
    }

    /// Compares with what the body declares, which counts for nothing by itself: a server that contradicts its own invoice
    /// is not paid (threat A2).
    pub(super) fn agrees_with(&self, body: &[u8]) -> Result<(), BadChallenge> {
        let Ok(declared) = serde_json::from_slice::<Declared<'_>>(body) else { return Ok(()) };
        let hash_differs = |hash: Cow<'_, str>| hash.parse::<PaymentHash>() != Ok(self.invoice.payment_hash());
        if let (Some(declared), Some(asked)) = (declared.price_msat, self.invoice.amount_msat())
            && declared != asked
        {
            return Err(BadChallenge::OtherPrice);
        }
        if declared.payment_hash.is_some_and(hash_differs) {
            return Err(BadChallenge::OtherHash);
        }
        Ok(())
    }
}

/// Shows a response to an exchange.
pub(super) fn read<'a>(
    exchange: &mut Exchange,
    status: StatusCode,
    headers: &'a HeaderMap,
) -> Result<Next<'a>, BadChallenge> {
    let grpc_status = headers.get("grpc-status").and_then(|value| value.to_str().ok()?.parse().ok());
    let answer = Answer { status: status.as_u16(), grpc_status };
    let lines = headers.get_all(WWW_AUTHENTICATE).iter().map(HeaderValue::as_bytes);
    match exchange.on_response(answer, lines) {
        Ok(next) => Ok(next),
        // Another way to be paid, or none: what the caller makes of it.
        Err(ChallengeError::Missing) => Ok(Next::Deliver),
        Err(fault) => Err(BadChallenge::Challenge(fault)),
    }
}

/// The fields of a 402 body that repeat what the invoice says.
#[derive(Deserialize)]
struct Declared<'a> {
    price_msat: Option<u64>,
    #[serde(borrow)]
    payment_hash: Option<Cow<'a, str>>,
}

fn unescaped(value: ParamValue<'_>) -> Option<String> {
    match value.as_str() {
        Some(text) => Some(text.to_owned()),
        None => String::from_utf8(value.bytes().collect()).ok(),
    }
}

/// Writes a token as every server reads it, however it came.
fn canonical(macaroon: MacaroonRef<'_>) -> String {
    let bytes = macaroon.as_bytes();
    let mut text = vec![0; base64::encoded_len(bytes.len())];
    base64::encode_into(bytes, &mut text).unwrap_or_default().to_owned()
}

/// Why the demand of a server cannot be met. Nothing was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadChallenge {
    /// The challenge cannot be read.
    Challenge(ChallengeError),
    /// The token cannot be read.
    Token(TokenError),
    /// The token's identifier is not one of L402.
    Identifier(IdentifierError),
    /// The invoice is not even text.
    InvoiceText,
    /// The invoice is not a valid one.
    Invoice(InvoiceError),
    /// The server declares another price than its invoice asks for.
    OtherPrice,
    /// The server declares another payment hash than its invoice names.
    OtherHash,
}

impl fmt::Display for BadChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Challenge(_) => "the challenge cannot be read",
            Self::Token(_) => "the challenge's token cannot be read",
            Self::Identifier(_) => "the challenge's token has an identifier of another kind",
            Self::InvoiceText | Self::Invoice(_) => "the challenge's invoice is not valid",
            Self::OtherPrice => "the server declares another price than its invoice asks for",
            Self::OtherHash => "the server declares another payment hash than its invoice names",
        })
    }
}

impl core::error::Error for BadChallenge {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Challenge(cause) => Some(cause),
            Self::Token(cause) => Some(cause),
            Self::Identifier(cause) => Some(cause),
            Self::Invoice(cause) => Some(cause),
            Self::InvoiceText | Self::OtherPrice | Self::OtherHash => None,
        }
    }
}

/// The longest base64 text of a token.
const MAX_TEXT: usize = base64::encoded_len(MAX_LEN);

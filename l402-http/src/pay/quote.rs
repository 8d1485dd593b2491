//! What a server demands, in facts: nothing is paid here.

// Threats: A2, A3.

use super::{Token, readable};
use core::fmt;
use http::header::{HeaderMap, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use l402_core::{
    Challenge, ChallengeError, Declined, Exchange, Msat, Next, ParamValue, PayOrder, ResponseStatus, Scheme,
    SpendLimits, TokenFacts, UnixSeconds,
};
use l402_lightning::{Invoice, InvoiceError};
use serde::Deserialize;
use serde_json::Value;

/// A challenge whose invoice was decoded, and what can be read in its token.
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
    facts: TokenFacts,
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
        let mut exchange = Exchange::new(SpendLimits { max_price_msat: Msat::new(0), max_fee_msat: Msat::new(0) });
        match read(&mut exchange, status, headers)? {
            Next::Pay(challenge) | Next::Replace(challenge) => Self::decode(&challenge).map(Some),
            Next::Deliver | Next::Refused => Ok(None),
        }
    }

    /// Returns the price; [`None`] where the invoice leaves it to the payer, which is never paid.
    pub fn amount_msat(&self) -> Option<Msat> {
        self.invoice.amount_msat()
    }

    /// Returns the invoice.
    pub const fn invoice(&self) -> &Invoice {
        &self.invoice
    }

    /// Returns what can be read in the token.
    pub const fn token_facts(&self) -> &TokenFacts {
        &self.facts
    }

    /// Returns the token, as the server sent it. It opens nothing without the preimage.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Returns the scheme of the challenge.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Tells whether the token and the invoice may belong together: no other payment hash can be read in the token.
    pub fn is_consistent(&self) -> bool {
        !self.facts.contradicts(&self.invoice.payment_hash())
    }

    /// Decides whether the invoice may be paid.
    ///
    /// # Errors
    /// [`Declined`]; nothing must be paid then.
    pub fn authorize(&self, exchange: &Exchange, now: UnixSeconds) -> Result<PayOrder, Declined> {
        exchange.authorize_token(&self.facts, &self.invoice.facts(), now)
    }

    pub(super) fn decode(challenge: &Challenge<'_>) -> Result<Self, BadChallenge> {
        let token = unescaped(challenge.token()).ok_or(BadChallenge::Challenge(ChallengeError::TokenCharacter))?;
        let invoice = unescaped(challenge.invoice()).ok_or(BadChallenge::InvoiceText)?;
        let invoice = Invoice::parse(&invoice).map_err(BadChallenge::Invoice)?;
        Ok(Self { scheme: challenge.scheme(), facts: readable::token_facts(&token), token, invoice })
    }

    /// Returns what a token was about to be bought by; [`None`] where the store has left that out, or it cannot be read.
    pub(super) fn of_token(token: &Token) -> Option<Self> {
        let invoice = Invoice::parse(&token.order.as_ref()?.invoice).ok()?;
        let facts = readable::token_facts(&token.text);
        let quote = Self { scheme: token.scheme, token: token.text.clone(), facts, invoice };
        (quote.is_consistent() && quote.invoice.payment_hash() == token.payment_hash).then_some(quote)
    }

    /// Reads how many uses the body of a 402 says are sold. It counts only where the token does not say.
    pub(super) fn uses_said(body: &[u8]) -> Option<u64> {
        let declared = serde_json::from_slice::<Declared>(body).ok()?;
        declared.uses.as_ref().and_then(Value::as_u64).filter(|uses| *uses > 0)
    }

    /// Compares with what the body declares, which counts for nothing by itself: a server that contradicts its own invoice
    /// is not paid.
    pub(super) fn agrees_with(&self, body: &[u8]) -> Result<(), BadChallenge> {
        let Ok(declared) = serde_json::from_slice::<Declared>(body) else { return Ok(()) };
        let price = declared.price_msat.as_ref().and_then(readable::amount);
        if price.zip(self.invoice.amount_msat()).is_some_and(|(declared, asked)| declared != asked.get()) {
            return Err(BadChallenge::OtherPrice);
        }
        let hash = declared.payment_hash.as_ref().and_then(Value::as_str).and_then(readable::payment_hash);
        if hash.is_some_and(|hash| hash != self.invoice.payment_hash()) {
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
    let lines = headers.get_all(WWW_AUTHENTICATE).iter().map(HeaderValue::as_bytes);
    let usable = |challenge: &Challenge<'_>| Quote::decode(challenge).is_ok();
    match exchange.on_response_where(answer(status, headers), lines, usable) {
        Ok(next) => Ok(next),
        // Another way to be paid, or none: what the caller makes of it.
        Err(ChallengeError::Missing) => Ok(Next::Deliver),
        Err(fault) => Err(BadChallenge::Challenge(fault)),
    }
}

/// The status of a response, for an exchange.
pub(super) fn answer(status: StatusCode, headers: &HeaderMap) -> ResponseStatus {
    let grpc_status = headers.get("grpc-status").and_then(|value| value.to_str().ok()?.parse().ok());
    ResponseStatus { status: status.as_u16(), grpc_status }
}

/// The fields of a 402 body that repeat what the invoice says. Values of any type: one that cannot be read must not hide the other.
#[derive(Deserialize)]
struct Declared {
    price_msat: Option<Value>,
    payment_hash: Option<Value>,
    uses: Option<Value>,
}

fn unescaped(value: ParamValue<'_>) -> Option<String> {
    match value.as_str() {
        Some(text) => Some(text.to_owned()),
        None => String::from_utf8(value.bytes().collect()).ok(),
    }
}

/// Why the demand of a server cannot be met. Nothing was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BadChallenge {
    /// The challenge cannot be read.
    Challenge(ChallengeError),
    /// The invoice is not even text.
    InvoiceText,
    /// The invoice is not a valid one.
    Invoice(InvoiceError),
    /// The server declares another price than its invoice asks for.
    OtherPrice,
    /// The server declares another payment hash than its invoice names.
    OtherHash,
    /// The token is no macaroon of format V2, and only such a one can be sent in the `Macaroon` field.
    NoMacaroon,
}

impl fmt::Display for BadChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Challenge(_) => "it is invalid",
            Self::InvoiceText | Self::Invoice(_) => "cannot pay the invoice of the challenge",
            Self::OtherPrice => "the price in the response differs from the invoice",
            Self::OtherHash => "the payment hash in the response differs from the invoice",
            Self::NoMacaroon => "cannot send the token in the `Macaroon` header: not a macaroon of format V2",
        })
    }
}

impl core::error::Error for BadChallenge {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Challenge(cause) => Some(cause),
            Self::Invoice(cause) => Some(cause),
            Self::InvoiceText | Self::OtherPrice | Self::OtherHash | Self::NoMacaroon => None,
        }
    }
}

//! What a server wanted, where nothing was paid: a 402 is never passed on in silence.

use crate::amount::Amount;
use crate::http::draft::Draft;
use crate::http::peek::Peeked;
use crate::json;
use crate::text::printable;
use core::fmt;
use core::time::Duration;
use http::{Response, StatusCode};
use hyper::body::Incoming;
use l402_core::Msat;
use l402_http::pay::{self, ForeignOffer, Quote, TokenField};
use serde::Serialize;

/// A demand for payment that was not met, although no limit and no wallet stood in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unpaid {
    /// The URL that answered, after redirects.
    pub url: String,
    /// The status.
    pub status: u16,
    /// Why nothing was paid.
    pub reason: UnpaidReason,
    /// What the L402 invoice asks for, where there is one that can be read.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::optional_msat")]
    pub amount_msat: Option<Msat>,
    /// Why the server refused a token that was given by hand, such as `spent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// What the server offers besides L402.
    pub offers: Vec<ForeignOffer>,
}

/// Why nothing was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnpaidReason {
    /// The server shows no L402 challenge, and nothing else is paid here.
    NoChallenge,
    /// The user's own `Authorization` field stands where the token goes.
    OwnAuthorization,
    /// The user's own `Macaroon` field stands where the token goes.
    OwnMacaroon,
    /// The server refused the token that was given by hand; nothing is bought in its place.
    GivenToken,
}

impl UnpaidReason {
    fn of(draft: &Draft, field: TokenField) -> Self {
        match field {
            _ if draft.has_token() => Self::GivenToken,
            TokenField::Macaroon => Self::OwnMacaroon,
            _ => Self::OwnAuthorization,
        }
    }
}

/// Looks at a response that the caller is about to get, and says what it demands in vain.
pub(crate) async fn look(draft: &Draft, field: TokenField, response: Response<Peeked<Incoming>>) -> Answer {
    let status = response.status();
    let demand = match Quote::of(status, response.headers()) {
        Ok(None) => (status == StatusCode::PAYMENT_REQUIRED).then_some((UnpaidReason::NoChallenge, None)),
        _ if field.is_free(&draft.headers) => None, // it was answered, or is an error already
        Ok(Some(quote)) => Some((UnpaidReason::of(draft, field), quote.amount_msat())),
        Err(_) => Some((UnpaidReason::of(draft, field), None)),
    };
    let (head, body) = response.into_parts();
    let Some((reason, amount_msat)) = demand else {
        return Answer { response: Response::from_parts(head, body), unpaid: None };
    };
    let body = match reason {
        UnpaidReason::NoChallenge | UnpaidReason::GivenToken => body.read_on(MAX_READ, READ_TIME).await,
        _ => body, // it repeats the challenge
    };
    let refusal = (reason == UnpaidReason::GivenToken).then(|| pay::reason(&head.headers, &body.start())).flatten();
    let offers = ForeignOffer::read(&head.headers, &body.start());
    let unpaid = Unpaid { url: draft.uri.to_string(), status: status.as_u16(), reason, amount_msat, refusal, offers };
    Answer { response: Response::from_parts(head, body), unpaid: Some(unpaid) }
}

/// A response, and what was looked for in it.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The answer, with all of its body.
    pub(crate) response: Response<Peeked<Incoming>>,
    /// What it demands in vain.
    pub(crate) unpaid: Option<Unpaid>,
}

impl fmt::Display for Unpaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.reason, self.amount_msat.map(Amount::new)) {
            (UnpaidReason::NoChallenge, _) => {
                write!(f, "status {} without an L402 challenge; only L402 is supported", self.status)?;
            }
            (UnpaidReason::GivenToken, _) => {
                f.write_str("the server refused the token that you gave")?;
                if let Some(why) = &self.refusal {
                    write!(f, " ({})", printable(why))?;
                }
            }
            (_, Some(amount)) => write!(f, "the server asks for {amount} (L402)")?,
            (_, None) => f.write_str("the server asks for a payment (L402)")?,
        }
        match self.reason {
            UnpaidReason::NoChallenge | UnpaidReason::GivenToken => {}
            UnpaidReason::OwnAuthorization => {
                f.write_str(", but you set the `Authorization` header yourself")?;
            }
            UnpaidReason::OwnMacaroon => f.write_str(", but you set the `Macaroon` header yourself")?,
        }
        let offers: Vec<String> = self.offers.iter().map(|offer| printable(&offer.to_string())).collect();
        match (self.reason, offers.is_empty()) {
            (UnpaidReason::NoChallenge, true) => f.write_str("; the server offers nothing else"),
            (UnpaidReason::NoChallenge, false) => write!(f, "; the server offers {}", offers.join(", ")),
            _ => Ok(()), // what is offered besides is not in the way
        }
    }
}

/// How much of a body is read to see what it offers, and for how long.
const MAX_READ: usize = 64 * 1024;
const READ_TIME: Duration = Duration::from_secs(1);

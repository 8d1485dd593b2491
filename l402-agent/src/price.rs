//! What a call would cost, without paying.

use crate::amount::Amount;
use crate::gate::Gate;
use crate::http::client::{HttpClient, TransportError};
use crate::http::draft::Draft;
use crate::http::payload::PayloadBody;
use crate::http::peek::Peeked;
use crate::http::redirect::{RedirectError, Redirects, Trail};
use crate::http::url::UrlError;
use crate::json;
use crate::policy::Stopped;
use crate::store::DatabaseError;
use crate::store::budget::{PolicyRefusal, service};
use crate::unpaid::{self, Answer, Unpaid};
use core::fmt;
use http::header::HeaderMap;
use http::{StatusCode, Uri};
use l402_core::{Declined, Exchange, Msat, SpendLimits, UnixSeconds};
use l402_http::pay::{BadChallenge, ForeignOffer, Origin, Quote, TokenField, accept_l402};
use l402_lightning::{Invoice, Network, unix_now};
use serde::Serialize;
use tower_service::Service;

/// What decides whether an invoice would be paid.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// What may be paid.
    pub(crate) limits: SpendLimits,
    /// The wallet's network.
    pub(crate) network: Network,
    /// Where the token would be sent.
    pub(crate) field: TokenField,
    /// Whether redirects are followed.
    pub(crate) redirects: Redirects,
}

/// What a call would cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Price {
    /// The URL that would be paid for.
    pub url: String,
    /// The status of the response.
    pub status: u16,
    /// Whether the call was served without a payment.
    pub free: bool,
    /// The service that is sold, where the token names one. It is the server's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What the invoice says; absent where there is none.
    pub invoice: Option<InvoiceReport>,
    /// Why nothing would be paid; absent where it would, and where nothing is asked for.
    pub refusal: Option<String>,
    /// What the server offers besides L402, where it demands a payment that would not be made.
    pub offers: Vec<ForeignOffer>,
    /// The payment that the server demands in vain, where it does.
    #[serde(skip)]
    pub unpaid: Option<Unpaid>,
}

impl Price {
    /// Returns what the invoice asks for.
    pub(crate) fn amount_msat(&self) -> Option<Msat> {
        self.invoice.as_ref()?.amount_msat
    }

    /// Returns who would be paid.
    pub(crate) fn origin(&self) -> Option<Origin> {
        Origin::of(&self.url.parse().ok()?).ok()
    }
}

/// What an invoice says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InvoiceReport {
    /// The amount; absent where the payer would choose.
    #[serde(serialize_with = "json::optional_msat")]
    pub amount_msat: Option<Msat>,
    /// The payment hash.
    pub payment_hash: String,
    /// The network that the money moves on.
    pub network: String,
    /// The public key of the node that is paid.
    pub payee: String,
    /// The payee's words.
    pub description: Option<String>,
    /// When the invoice expires.
    #[serde(serialize_with = "json::unix_seconds")]
    pub expires_at: UnixSeconds,
    /// The invoice itself, BOLT11.
    pub bolt11: String,
}

/// Sends a request without a token, and reads the price off the response.
///
/// # Errors
/// [`QuoteError`].
pub(crate) async fn ask(
    draft: Draft,
    mut http: HttpClient<PayloadBody>,
    terms: Terms,
    gate: &Gate,
) -> Result<Price, QuoteError> {
    let mut trail = Trail::new(draft, terms.redirects);
    let response = loop {
        gate.admit(trail.draft()).await.map_err(QuoteError::Policy)?;
        let mut request = trail.draft().request();
        accept_l402(request.headers_mut());
        let response = http.call(request).await.map_err(QuoteError::Transport)?;
        if !trail.follows(response.status(), response.headers()).map_err(QuoteError::Redirect)? {
            break response;
        }
    };
    let answer = unpaid::look(trail.draft(), terms.field, response.map(Peeked::unread)).await;
    read(&trail.draft().uri, &answer, terms).map_err(QuoteError::Challenge)
}

fn read(uri: &Uri, answer: &Answer, terms: Terms) -> Result<Price, BadChallenge> {
    let (status, headers) = (answer.response.status(), answer.response.headers());
    let quote = Quote::of(status, headers)?;
    let why = answer.unpaid.as_ref().map(ToString::to_string);
    Ok(Price {
        url: uri.to_string(),
        status: status.as_u16(),
        free: quote.is_none() && is_served(status, headers),
        service: quote.as_ref().and_then(|quote| service(quote.token())),
        invoice: quote.as_ref().map(|quote| InvoiceReport::from(quote.invoice())),
        refusal: why.or_else(|| quote.and_then(|quote| terms.refusal(&quote))),
        offers: answer.unpaid.as_ref().map(|unpaid| unpaid.offers.clone()).unwrap_or_default(),
        unpaid: answer.unpaid.clone(),
    })
}

/// Whether a response is what was asked for. A failure says nothing of the price, and neither does a redirect.
fn is_served(status: StatusCode, headers: &HeaderMap) -> bool {
    status.is_success() && headers.get("grpc-status").is_none_or(|grpc_status| grpc_status == "0")
}

impl Terms {
    fn refusal(&self, quote: &Quote) -> Option<String> {
        let now = unix_now();
        if !self.field.carries(quote.token()) {
            return Some(BadChallenge::NoMacaroon.to_string());
        }
        let order = quote.authorize(&Exchange::new(self.limits), now);
        let payable = quote.invoice().payable(self.network, now);
        order.err().map(declined).or(payable.err().map(|why| why.to_string()))
    }
}

/// Says why an invoice would not be paid, with amounts as people write them.
fn declined(why: Declined) -> String {
    let Declined::OverLimit { amount_msat, max_price_msat } = why else { return why.to_string() };
    let (price, limit) = (Amount::new(amount_msat), Amount::new(max_price_msat));
    format!("the price is {price}, the limit {limit}")
}

impl From<&Invoice> for InvoiceReport {
    fn from(invoice: &Invoice) -> Self {
        Self {
            amount_msat: invoice.amount_msat(),
            payment_hash: invoice.payment_hash().to_string(),
            network: invoice.network().to_string(),
            payee: invoice.payee().to_string(),
            description: invoice.description().map(str::to_owned),
            expires_at: invoice.expires_at(),
            bolt11: invoice.bolt11().to_owned(),
        }
    }
}

/// Why the price is not known.
#[derive(Debug)]
#[non_exhaustive]
pub enum QuoteError {
    /// The URL cannot be requested. Nothing was sent.
    Url(UrlError),
    /// There is no response.
    Transport(TransportError),
    /// A redirect was not followed.
    Redirect(RedirectError),
    /// Payment is demanded in a way that cannot be understood.
    Challenge(BadChallenge),
    /// The owner has stopped the origin, or all of them. Nothing was sent.
    Refused(Box<PolicyRefusal>),
    /// The store cannot be read. Nothing was sent.
    Store(DatabaseError),
    /// The owner's policy does not let it be asked for.
    Policy(Stopped),
}

impl fmt::Display for QuoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(_) => f.write_str("cannot request this URL"),
            Self::Transport(cause) => cause.fmt(f),
            Self::Redirect(cause) => cause.fmt(f),
            Self::Challenge(cause) => cause.fmt(f),
            Self::Refused(cause) => cause.fmt(f),
            Self::Store(cause) => cause.fmt(f),
            Self::Policy(cause) => cause.fmt(f),
        }
    }
}

impl core::error::Error for QuoteError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Url(cause) => Some(cause),
            Self::Transport(cause) => cause.source(),
            Self::Redirect(cause) => cause.source(),
            Self::Challenge(cause) => cause.source(),
            Self::Refused(cause) => cause.source(),
            Self::Store(cause) => cause.source(),
            Self::Policy(cause) => cause.source(),
        }
    }
}

//! One request that pays for itself, through the paying layer, and along redirects.

use crate::gate::Gate;
use crate::http::client::TransportError;
use crate::http::draft::Draft;
use crate::http::payload::PayloadBody;
use crate::http::peek::Peeked;
use crate::http::redirect::RedirectError;
use crate::http::repeat::Repeating;
use crate::http::url::UrlError;
use crate::http::whole::Whole;
use crate::outcome;
use crate::policy::Stopped;
use crate::store::answers::Answer;
use crate::store::file::{FileStore, StoreError};
use crate::store::news::News;
use crate::unpaid::Unpaid;
use crate::withheld::{self, Patience, Pause, Withheld};
use bytes::Bytes;
use core::fmt;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, response};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use l402_core::Msat;
use l402_core::purchase::{Delivery, DeliveryEvent};
use l402_http::pay::{PayLayer, PaySettings, Purchased, Receipt, Repeated, RequestError, Unanswered};
use l402_lightning::{Cause, PaymentSource};
use serde::Serialize;
use std::sync::Arc;
use tokio::time::sleep;
use tower_layer::Layer;
use tower_service::Service;

/// What pays for one call, and what it may still pay.
#[derive(Debug)]
pub(crate) struct Purse<W> {
    pub(crate) wallet: Arc<W>,
    pub(crate) store: FileStore,
    pub(crate) gate: Gate,
    /// The limits are those of what is left: a call that is redirected pays from the same purse.
    pub(crate) settings: PaySettings,
    /// How long to wait in all for a server that says when to come back.
    pub(crate) patience: Patience,
}

impl<W: PaymentSource + 'static> Purse<W> {
    /// Sends a request, pays for it where it must, and repeats it where the server says so. `tell` hears of money that moved,
    /// whatever happens afterwards, and of pauses.
    pub(crate) async fn fetch(
        &mut self,
        draft: &Draft,
        http: &Repeating,
        tell: &mut (impl FnMut(News) + Send),
    ) -> Result<Opened, FetchFault> {
        self.gate.admit(draft).await.map_err(FetchFault::Policy)?;
        let begun = self.store.begin(draft).await.map_err(FetchFault::Store)?;
        let draft = &draft.with_key(begun.key);
        let mut delivery = if draft.is_repeated { Delivery::repeated() } else { Delivery::default() };
        loop {
            let mut request = draft.request();
            if delivery.is_in_doubt() {
                request.extensions_mut().insert(Repeated);
            }
            let (response, credential) = self.send(draft, request, http.clone(), tell).await?;
            let (response, withheld) = match credential {
                CredentialUsed::None if response.status() != StatusCode::TOO_MANY_REQUESTS => {
                    (response.map(Peeked::unread), None)
                }
                _ => withheld::look(response).await,
            };
            let pause = withheld.and_then(|why| Some((why, self.patience.pause(response.headers())?)));
            let Some((reason, time)) = pause else {
                let withheld = withheld.or_else(|| Withheld::left_in_doubt(response.headers()));
                return Ok(Opened { response, credential, withheld });
            };
            drop(response);
            tell(News::Waiting(Pause { url: draft.uri.to_string(), reason, time }));
            sleep(time).await;
            let event = if reason.may_have_served() { DeliveryEvent::BusyInDoubt } else { DeliveryEvent::Busy };
            (delivery, _) = delivery.step(event);
        }
    }

    async fn send(
        &mut self,
        draft: &Draft,
        mut request: Request<PayloadBody>,
        http: Repeating,
        tell: &mut (impl FnMut(News) + Send),
    ) -> Result<(Response<Incoming>, CredentialUsed), FetchFault> {
        if let Some(hash) = self.store.unanswered() {
            request.extensions_mut().insert(Unanswered(hash));
        }
        let layer = PayLayer::new(Arc::clone(&self.wallet), self.store.clone(), self.settings);
        let result = layer.layer(http).call(request).await;

        let news = self.store.news();
        let is_recovered = news.iter().any(|news| matches!(news, News::Recovered(_)));
        let has_paid = self.store.unanswered().is_some() || news.iter().any(|news| matches!(news, News::Paid(_)));
        if let Some(event) = outcome::of(&result, has_paid) {
            // What was answered is delivered, whether or not this could be written.
            let _ = self.store.came(&draft.uri, event).await;
        }
        news.into_iter().for_each(tell);
        let response = result.map_err(|cause| FetchFault::Pay {
            url: draft.uri.clone(),
            cause: Box::new(cause),
            key: draft.key().cloned(),
            is_remembered: self.store.unanswered().is_some(),
        })?;
        let credential = match response.extensions().get::<Receipt>() {
            None if draft.has_token() => CredentialUsed::Given,
            None => CredentialUsed::None,
            Some(receipt) if receipt.purchased == Purchased::Now => {
                self.spend(receipt);
                CredentialUsed::Bought
            }
            Some(_) if is_recovered => CredentialUsed::Recovered,
            Some(_) => CredentialUsed::Kept,
        };
        Ok((response, credential))
    }

    fn spend(&mut self, receipt: &Receipt) {
        let limits = &mut self.settings.limits;
        limits.max_price_msat = limits.max_price_msat.saturating_sub(receipt.amount_msat);
        limits.max_fee_msat = limits.max_fee_msat.saturating_sub(receipt.fee_msat);
    }
}

/// The response to one request.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) response: Response<Peeked<Incoming>>,
    pub(crate) credential: CredentialUsed,
    pub(crate) withheld: Option<Withheld>,
}

/// What a request was let in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CredentialUsed {
    /// Nothing: it is free, or it was not paid for.
    None,
    /// A token from an earlier call.
    Kept,
    /// A token that an earlier call paid for without learning so.
    Recovered,
    /// A token that was bought for this call.
    Bought,
    /// A token that the caller put into the headers.
    Given,
    /// Nothing: it is the answer that an earlier call has paid for, and did not wait for.
    Answered,
}

/// A response, and what it took to get it.
#[derive(Debug)]
pub struct Fetched {
    /// The response, with all of its body.
    pub response: Response<Whole>,
    /// The heads of the redirects that were followed, in their order.
    pub redirects: Vec<response::Parts>,
    /// The URL that answered, after redirects.
    pub url: Uri,
    /// What opened it.
    pub credential: CredentialUsed,
    /// What the response demands in vain: a payment that is not made here.
    pub unpaid: Option<Unpaid>,
    /// Why the token was not served, where the server says so; waiting has not helped, or would not.
    pub withheld: Option<Withheld>,
    /// The payments that are known to have succeeded during this call.
    pub news: Vec<News>,
    /// To be completed by a caller that reads the body by itself.
    pub handover: Handover,
}

impl Fetched {
    /// Returns what this call cost, fees included.
    pub fn spent_msat(&self) -> Msat {
        spent_msat(&self.news)
    }

    /// Takes an answer that was kept.
    pub(crate) fn kept((id, answer): (i64, Box<Answer>), store: FileStore) -> Self {
        let Answer { url, status, headers, body } = *answer;
        let mut response = Response::new(Whole::kept(body));
        (*response.status_mut(), *response.headers_mut()) = (status, headers);
        let is_error = status.is_client_error() || status.is_server_error();
        let handover = Handover { store, is_error, is_open: false, answer: Some(id) };
        Self {
            response,
            redirects: Vec::new(),
            url,
            credential: CredentialUsed::Answered,
            unpaid: None,
            withheld: None,
            news: Vec::new(),
            handover,
        }
    }

    /// Reads the body, at most `max_len` bytes of it, and completes the [`handover`](Self::handover).
    ///
    /// # Errors
    /// [`BodyError`].
    pub async fn bytes(self, max_len: usize) -> Result<Bytes, BodyError> {
        let body = Limited::new(self.response.into_body(), max_len).collect().await.map_err(BodyError::Body)?;
        self.handover.complete().await.map_err(BodyError::Store)?;
        Ok(body.to_bytes())
    }
}

/// What is left to do once the caller has the body.
#[derive(Debug)]
#[must_use]
pub struct Handover {
    store: FileStore,
    /// An error is not what was paid for: the token stays, and the next attempt costs nothing.
    is_error: bool,
    /// Whether the same request asks for the answer again.
    is_open: bool,
    /// The number of the answer, where it was kept.
    answer: Option<i64>,
}

impl Handover {
    pub(crate) fn new(store: FileStore, head: (StatusCode, &HeaderMap), withheld: Option<Withheld>) -> Self {
        let (status, headers) = head;
        let is_open = match withheld {
            Some(withheld) => !withheld.is_for_good(headers),
            None => status.is_server_error() || matches!(status.as_u16(), 401 | 402 | 408 | 409 | 425 | 429),
        };
        Self { store, is_error: status.is_client_error() || status.is_server_error(), is_open, answer: None }
    }

    /// Tells whether the same request asks for the answer again.
    pub(crate) const fn is_open(&self) -> bool {
        self.is_open
    }

    /// Says that the caller has the body: how many uses of the token are left is noted now. With [`Reuse::Never`](crate::Reuse::Never), the tokens that opened it are forgotten now;
    /// until then, a body that broke off costs nothing more to get. Tokens that opened an error, a status of 400 or more, stay.
    ///
    /// # Errors
    /// [`StoreError`] where a token that should not be kept is still there.
    pub async fn complete(self) -> Result<(), StoreError> {
        if let Some(id) = self.answer {
            return self.store.remove_answer(id).await;
        }
        if !self.is_open {
            self.store.answered().await?;
        }
        if self.is_error { self.store.counted().await } else { self.store.delivered().await }
    }
}

/// Why the body of a response cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub enum BodyError {
    /// It broke off, or is longer than it may be.
    Body(Cause),
    /// It was read, but a token that should not be kept is still there.
    Store(StoreError),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(_) => f.write_str("cannot read the body of the response"),
            Self::Store(_) => f.write_str("cannot forget the token of the response"),
        }
    }
}

impl core::error::Error for BodyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Body(cause) => Some(&**cause),
            Self::Store(cause) => Some(cause),
        }
    }
}

/// There is no response. What was paid all the same is kept, and the next fetch uses it.
#[derive(Debug)]
#[non_exhaustive]
pub struct FetchError {
    /// Why.
    pub fault: FetchFault,
    /// The payments that are known to have succeeded during this call.
    pub news: Vec<News>,
}

impl FetchError {
    /// Nothing was sent.
    pub(crate) const fn unpaid(fault: FetchFault) -> Self {
        Self { fault, news: Vec::new() }
    }

    /// Returns what this call cost, fees included.
    pub fn spent_msat(&self) -> Msat {
        spent_msat(&self.news)
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl core::error::Error for FetchError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.fault.source()
    }
}

fn spent_msat(news: &[News]) -> Msat {
    let spent = |news: &News| match news {
        News::Paid(purchase) => purchase.amount_msat.saturating_add(purchase.fee_msat),
        News::Recovered(_) | News::Waiting(_) | News::NotKept { .. } => Msat::ZERO,
    };
    news.iter().map(spent).fold(Msat::ZERO, Msat::saturating_add)
}

/// Why there is no response. What it means for the money stands at each variant of [`RequestError`].
#[derive(Debug)]
#[non_exhaustive]
pub enum FetchFault {
    /// The URL cannot be requested. Nothing was sent.
    Url(UrlError),
    /// The request failed, before, while or after it was paid for.
    Pay {
        /// The URL of the request that failed, which may be that of a redirect.
        url: Uri,
        /// Why.
        cause: Box<RequestError<TransportError>>,
        /// Its `Idempotency-Key`.
        key: Option<HeaderValue>,
        /// Whether the next call of the same request is sent as the same one: with this key, and with the token that it was sent with.
        is_remembered: bool,
    },
    /// A redirect was not followed.
    Redirect(RedirectError),
    /// The store cannot be used. Nothing was sent.
    Store(StoreError),
    /// The owner's policy does not let the request be sent.
    Policy(Stopped),
}

impl From<RedirectError> for FetchFault {
    fn from(cause: RedirectError) -> Self {
        Self::Redirect(cause)
    }
}

impl fmt::Display for FetchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(_) => f.write_str("cannot request this URL"),
            Self::Pay { url, .. } => {
                write!(f, "cannot get {}", url.host().unwrap_or_default())
            }
            Self::Redirect(_) => f.write_str("redirect not followed"),
            Self::Store(_) => f.write_str("cannot use the store of tokens and payments"),
            Self::Policy(cause) => cause.fmt(f),
        }
    }
}

impl core::error::Error for FetchFault {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Url(cause) => Some(cause),
            Self::Pay { cause, .. } => Some(&**cause),
            Self::Redirect(cause) => Some(cause),
            Self::Store(cause) => Some(cause),
            Self::Policy(cause) => cause.source(),
        }
    }
}

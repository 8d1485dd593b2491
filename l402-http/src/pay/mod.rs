//! The client layer: it pays a 402 within limits, then repeats the request with the credential (L402 §HTTP Client Flow).
//!
//! ```no_run
//! use bytes::Bytes;
//! use http::Request;
//! use http_body_util::Full;
//! use hyper_util::client::legacy::Client;
//! use hyper_util::rt::TokioExecutor;
//! use l402_core::{Msat, SpendLimits};
//! use l402_http::pay::{MemoryStore, PayLayer, PaySettings, Receipt, ReplayBody};
//! use l402_lightning::testing::FakeNetwork;
//! use tower::{Layer, ServiceExt};
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let wallet = FakeNetwork::new().node(); // any `PaymentSource`
//!     let limits = SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(1_000) };
//!     let layer = PayLayer::new(wallet, MemoryStore::new(), PaySettings::new(limits));
//!
//!     let client: Client<_, ReplayBody<Full<Bytes>>> = Client::builder(TokioExecutor::new()).build_http();
//!     let request = Request::get("http://127.0.0.1:8402/v1/data").body(Full::default())?;
//!     let response = layer.layer(client).oneshot(request).await?;
//!     println!("{}", response.status());
//!     if let Some(Receipt { amount_msat, fee_msat, .. }) = response.extensions().get() {
//!         println!("{amount_msat}, and a fee of {fee_msat}");
//!     }
//!     Ok(())
//! }
//! ```
//!
//! An agent that keeps its tokens and payments on the disk is built from `l402-agent`.
//!
//! # What is paid
//! 1. A logical request is paid at most once, and at most four stored tokens are tried before. What to pay and when is
//!    decided by [`l402_core::Exchange`]; this module performs the I/O.
//! 2. The price is that of the decoded invoice. A server that declares another price is not paid. Neither is an invoice without an
//!    amount, or for another network.
//! 3. A token is opaque text, and is sent back byte for byte. If the hash of its payment can be read in it or in the 402's
//!    body, it must be that of the invoice. A token that is known to have ended is neither paid for nor presented.
//! 4. A token is written to the [`TokenStore`] before its payment is sent, and with the proof before it is used. A payment
//!    whose outcome is unknown is resolved by asking the wallet; [`l402_core::purchase`] decides what follows.
//! 5. Requests of one method to one path buy one after another: a request that waited tries what was just bought first.
//!
//! # What is passed on
//! 1. A request that has the [`TokenField`] already, such as an `Authorization` header of its own, is sent as it is and never paid
//!    for. Its response is the caller's, whatever it demands.
//! 2. A 402 without an L402 challenge is the caller's too. [`ForeignOffer`] names other ways to be paid. A 402 that shows only
//!    challenges which cannot be used is an error.
//! 3. A stored token that is refused without a usable challenge is left out once, to see what the server offers then.
//! 4. Every request says `Accept-Authenticate: L402`, unless the caller says something else: some servers show no challenge
//!    without it.
//!
//! # Which token
//! A token is shown to the [`Origin`] that sold it and to no other. Put the layer beneath whatever follows redirects, so that each
//! hop is a request of its own origin.
//!
//! The newest token for the same method and path is tried first. Without one, it is the newest of the origin, since one token often
//! opens several paths. If that is refused, the challenge's token says what is sold: each kept token of the origin whose service and
//! capability fit is tried before anything is bought. A token that is refused where it was bought is forgotten once another has
//! served in its place. Refused elsewhere, it is kept for where it came from.
//!
//! A token whose last use went, as a response (`X-L402: spent`) or a refusal (reason `spent`) says, is not presented again. Once
//! another has been bought for the same method and path, it is forgotten.
//!
//! # A response that is lost
//! An HTTP client that repeats a request, or a caller that does, says so with [`Repeated`]. If the token is refused then, what was lost
//! may have used it, and nothing is bought: the caller learns [`RequestError::MayHaveServed`].
//!
//! A server may keep what it has answered, and give it again for the same token and `Idempotency-Key`. A caller that has not received a
//! response whole says at the next request which token it was for ([`Unanswered`]). A store can name the key
//! ([`AttemptLog::presents`]).
//!
//! # A server that takes money for nothing
//! A token that was never accepted is evidence. If it is refused, nothing more is bought from its origin, in this run or the
//! next, until it is accepted or forgotten, or [`AfterRefusal::BuyAgain`] is set.
//!
//! # Several processes
//! They may share a store. If it has turns ([`Turns::enter`]), of those that want to buy for the same method and path of an
//! origin one does. The others wait for it and use its token. The store of `l402-agent` has turns. Without turns, processes may buy
//! the same thing twice.

// The threats of the project's list that stand behind this: the price and network A1, A2; the token and its invoice A3; paying
// twice A4; the origin A6; locked money A8; a server that takes money for nothing A9.

mod call;
mod error;
mod field;
mod find;
mod flight;
mod foreign;
mod held;
mod memory;
mod origin;
mod payer;
mod purchase;
mod quote;
mod readable;
mod replay;
mod store;
mod token;
mod told;

pub use call::accept_l402;
pub use error::RequestError;
pub use field::TokenField;
pub use foreign::ForeignOffer;
pub use memory::{MemoryStore, PaidBefore};
pub use origin::{Origin, OriginError};
pub use quote::{BadChallenge, Quote};
pub use replay::{Replay, ReplayBody};
pub use store::{AttemptLog, Consent, Consents, Lease, Leases, PayStore, Taken, TokenStore, Turn, Turns};
pub use token::{Asking, Order, Standing, Token, payment_status, sold};
pub use told::{Repeated, Unanswered, balance_left, is_kept, reason, uses_left};

use bytes::Bytes;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use http::{Request, Response};
use http_body::Body;
use l402_core::{Msat, PaymentHash, SpendLimits};
use l402_lightning::{Cause, PayLimit, PaymentSource};
use payer::Payer;
use std::sync::Arc;
use tower_layer::Layer;
use tower_service::Service;

/// What was paid for a response; among its extensions wherever a token was used.
///
/// ```
/// use http::Response;
/// use l402_core::Msat;
/// use l402_http::pay::{Purchased, Receipt};
///
/// fn spent<B>(response: &Response<B>) -> Msat {
///     let bought = response.extensions().get::<Receipt>().filter(|receipt| receipt.purchased == Purchased::Now);
///     bought.map_or(Msat::ZERO, |receipt| receipt.amount_msat.saturating_add(receipt.fee_msat))
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The price of the token.
    pub amount_msat: Msat,
    /// What routing cost.
    pub fee_msat: Msat,
    /// What the payment proves.
    pub payment_hash: PaymentHash,
    /// When.
    pub purchased: Purchased,
}

/// When a token was bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purchased {
    /// For this request.
    Now,
    /// By an earlier request, so that this one cost nothing.
    Before,
}

/// What a [`PayService`] may spend, and on what terms.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct PaySettings {
    /// The most for each request.
    pub limits: SpendLimits,
    /// The most that routing may cost, in millionths of the price. No such limit unless set.
    pub max_fee_ppm: Option<u32>,
    /// For how many blocks money may be locked on its way. 1008 unless set.
    pub max_cltv_expiry_delta: u32,
    /// How long to wait for a payment before its outcome counts as unknown. A minute unless set.
    pub payment_timeout: Duration,
    /// The longest body that is kept to be sent again, in bytes. 1 MiB unless set. A body that comes with a [`Replay`] is not kept.
    pub max_replay: usize,
    /// The field that carries the token. `Authorization` unless set.
    pub token_field: TokenField,
    /// How long to wait for somebody else who buys the same thing. Half a minute more than for a payment unless set.
    pub patience: Duration,
    /// What follows where a server has not accepted what was bought from it before. Nothing more is bought unless set.
    pub after_refusal: AfterRefusal,
}

/// What follows where a server has not accepted what was bought from it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AfterRefusal {
    /// Nothing more is bought from it.
    #[default]
    Stop,
    /// It is bought from all the same.
    BuyAgain,
}

impl PaySettings {
    /// Takes the limits, in millisatoshi, and the usual terms.
    pub const fn new(limits: SpendLimits) -> Self {
        let PayLimit { max_cltv_expiry_delta, timeout: payment_timeout, .. } = PayLimit::fee(limits.max_fee_msat);
        let (patience, token_field) =
            (payment_timeout.saturating_add(Duration::from_secs(30)), TokenField::Authorization);
        let (max_replay, after_refusal, max_fee_ppm) = (1 << 20, AfterRefusal::Stop, None);
        Self {
            limits,
            max_fee_ppm,
            max_cltv_expiry_delta,
            payment_timeout,
            max_replay,
            token_field,
            patience,
            after_refusal,
        }
    }
}

/// Makes any HTTP client pay.
///
/// ```
/// # use bytes::Bytes;
/// # use http::{Request, Response};
/// # use http_body_util::Full;
/// # use std::convert::Infallible;
/// use l402_core::{Msat, SpendLimits};
/// use l402_http::pay::{MemoryStore, PayLayer, PaySettings, ReplayBody};
/// use l402_lightning::testing::FakeNetwork;
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let wallet = FakeNetwork::new().node(); // any PaymentSource
/// let limits = SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(1_000) };
/// let layer = PayLayer::new(wallet, MemoryStore::new(), PaySettings::new(limits));
///
/// // Such as hyper-util's legacy client.
/// let client = service_fn(async |request: Request<ReplayBody<Full<Bytes>>>| {
///     Ok::<_, Infallible>(Response::new(request.into_body()))
/// });
/// let request = Request::get("https://api.example.com/free").body(Full::default())?;
/// let response = layer.layer(client).oneshot(request).await?;
/// assert_eq!(response.status(), 200);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PayLayer<W, T>(Arc<Payer<W, T>>);

impl<W, T> PayLayer<W, T> {
    /// Takes the wallet that pays and the store that keeps what was bought. Services of one layer buy as one.
    pub fn new(wallet: W, store: T, settings: PaySettings) -> Self {
        Self(Arc::new(Payer::new(wallet, store, settings)))
    }
}

impl<W, T> Clone for PayLayer<W, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, W, T> Layer<S> for PayLayer<W, T> {
    type Service = PayService<S, W, T>;

    fn layer(&self, inner: S) -> Self::Service {
        PayService { inner, payer: Arc::clone(&self.0) }
    }
}

/// An HTTP client that pays; made by [`PayLayer`].
///
/// Requests need an absolute URI. The futures need a tokio runtime with time. Dropping one does not stop a payment that has
/// begun; the next request of this method to this path finds out what became of it.
pub struct PayService<S, W, T> {
    inner: S,
    payer: Arc<Payer<W, T>>,
}

impl<S: Clone, W, T> Clone for PayService<S, W, T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), payer: Arc::clone(&self.payer) }
    }
}

impl<S, W, T> fmt::Debug for PayService<S, W, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayService").finish_non_exhaustive()
    }
}

impl<S, W, T, B, R> Service<Request<B>> for PayService<S, W, T>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    W: PaymentSource + 'static,
    T: PayStore + 'static,
    B: Body<Data = Bytes, Error: Into<Cause>> + Send + 'static,
    R: Body<Data: Send> + Send + 'static,
{
    type Response = Response<R>;
    type Error = RequestError<S::Error>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context).map_err(RequestError::Transport)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The clone was not asked whether it is ready; the one that was goes with the request.
        let next = self.inner.clone();
        let client = core::mem::replace(&mut self.inner, next);
        let payer = Arc::clone(&self.payer);
        Box::pin(async move { payer.call(client, request).await })
    }
}

//! A shop: the layer around an upstream that notes what it sees, a fake node that is paid and one that pays.

use bytes::Bytes;
use core::convert::Infallible;
use core::fmt::Debug;
use core::future::{Ready, ready};
use core::sync::atomic::{AtomicI64, Ordering};
use core::task::{Context, Poll};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use l402_core::macaroon::{MacaroonRef, attenuate, base64, hex};
use l402_core::{CredentialLine, DerivedKeys, MasterKey, Msat, Name, Offer, Preimage, Scheme, TokenText};
use l402_http::policy::{Policy, Sale};
use l402_http::response::{Reason, Rejection};
use l402_http::service::{PaidService, Paywall};
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{Invoice, Network, PayLimit, PaymentSource};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use tower::{Layer, Service, ServiceExt};

/// What every token of the shop is derived from.
pub(crate) const MASTER: [u8; 32] = [7; 32];

/// The paid service with everything around it.
#[derive(Clone)]
pub(crate) struct Shop<U = Upstream> {
    pub(crate) payee: FakeNode,
    pub(crate) payer: FakeNode,
    pub(crate) upstream: U,
    later: Arc<AtomicI64>,
    pub(crate) service: PaidService<U, FakeNode>,
}

impl Shop {
    /// Sells `/v1/demo` for 21 sat.
    pub(crate) fn open() -> Self {
        Self::with(policy(), |paywall| paywall)
    }

    pub(crate) fn with(policy: Policy, adjust: impl FnOnce(Paywall<FakeNode>) -> Paywall<FakeNode>) -> Self {
        let network = FakeNetwork::new();
        Self::between([network.node(), network.node()], Upstream::default(), policy, adjust)
    }

    /// Opens again with other terms, for the same nodes.
    pub(crate) fn reopened(&self, policy: Policy, adjust: impl FnOnce(Paywall<FakeNode>) -> Paywall<FakeNode>) -> Self {
        Self::between([self.payee.clone(), self.payer.clone()], Upstream::default(), policy, adjust)
    }
}

impl<U: Clone> Shop<U> {
    pub(crate) fn between(
        [payee, buyer]: [FakeNode; 2],
        upstream: U,
        policy: Policy,
        adjust: impl FnOnce(Paywall<FakeNode>) -> Paywall<FakeNode>,
    ) -> Self {
        let later = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&later);
        let paywall = Paywall::new(policy, keys(), payee.clone(), Network::Regtest)
            .payee(payee.node_id())
            .clock(move || system_time().saturating_add_signed(clock.load(Ordering::Relaxed)));
        let service = adjust(paywall).layer().layer(upstream.clone());
        Self { payee, payer: buyer, upstream, later, service }
    }

    /// Lets time pass for the shop, or sets its clock back.
    pub(crate) fn wait(&self, seconds: i64) {
        self.later.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) async fn ask<R>(&self, request: Request<String>) -> Answer
    where
        U: Inner<R>,
        R: Body<Data = Bytes, Error: Debug> + Send + Unpin + 'static,
    {
        let response = self.service.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        if let Some(Rejection { status, reason }) = head.extensions.get() {
            assert_eq!(Reason::find(reason.code()), Some(*reason));
            assert!(reason.statuses().contains(&status.as_u16()), "{reason} comes with {status}");
        }
        Answer { status: head.status, fields: head.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    pub(crate) async fn get<R>(&self, path: &str) -> Answer
    where
        U: Inner<R>,
        R: Body<Data = Bytes, Error: Debug> + Send + Unpin + 'static,
    {
        self.ask(request(path, &[])).await
    }

    /// Presents a credential.
    pub(crate) async fn present<R>(&self, path: &str, authorization: &str) -> Answer
    where
        U: Inner<R>,
        R: Body<Data = Bytes, Error: Debug> + Send + Unpin + 'static,
    {
        self.ask(request(path, &[("authorization", authorization)])).await
    }

    /// Pays what a path asks for.
    pub(crate) async fn buy<R>(&self, path: &str) -> Purchase
    where
        U: Inner<R>,
        R: Body<Data = Bytes, Error: Debug> + Send + Unpin + 'static,
    {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::PAYMENT_REQUIRED, "{path}");
        self.pay(&answer).await
    }

    pub(crate) async fn pay(&self, answer: &Answer) -> Purchase {
        let invoice = answer.invoice();
        let paid = self.payer.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap();
        Purchase { token: answer.json()["token"].as_str().unwrap().to_owned(), preimage: paid.preimage }
    }
}

/// An inner service.
pub(crate) trait Inner<R>:
    Service<Request<String>, Response = Response<R>, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<U, R> Inner<R> for U where
    U: Service<Request<String>, Response = Response<R>, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

pub(crate) fn policy() -> Policy {
    Policy::builder().sell(Sale::new("plannt", "/v1/demo", Msat::from_sat(21)).capability("demo")).build().unwrap()
}

pub(crate) fn keys() -> DerivedKeys {
    DerivedKeys::new(0, &MasterKey::from_bytes(MASTER))
}

pub(crate) fn system_time() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

pub(crate) fn request(path: &str, fields: &[(&str, &str)]) -> Request<String> {
    fields
        .iter()
        .fold(Request::get(path), |request, (name, value)| request.header(*name, *value))
        .body(String::new())
        .unwrap()
}

/// The offer of `/v1/demo`.
pub(crate) fn demo() -> Offer {
    let capability = Some(Name::new("demo").unwrap());
    Offer::new(Name::new("plannt").unwrap(), 21_000.into()).capability(capability)
}

/// A token with its proof of payment.
#[derive(Debug, Clone)]
pub(crate) struct Purchase {
    pub(crate) token: String,
    pub(crate) preimage: Preimage,
}

impl Purchase {
    /// A token as the shop would mint it, for a preimage that no node knows.
    pub(crate) fn mint(keys: &DerivedKeys, offer: &Offer, preimage: [u8; 32]) -> Self {
        let preimage = Preimage::from_bytes(preimage);
        let mut text = TokenText::new();
        let token = keys.mint(offer, &preimage.hash(), [9; 28], system_time().into(), &mut text).unwrap().to_owned();
        Self { token, preimage }
    }

    /// A token for the same payment that says it was sold for so much.
    pub(crate) fn sold_for(&self, price_msat: u64) -> Self {
        let mut offer = demo();
        offer.price_msat = price_msat.into();
        Self::mint(&keys(), &offer, *self.preimage.expose())
    }

    pub(crate) fn credential(&self) -> String {
        CredentialLine { scheme: Scheme::L402, token: &self.token, preimage: &self.preimage }.to_string()
    }

    /// The value of the metadata fields: hexadecimal, with the preimage as a caveat.
    pub(crate) fn metadata(&self) -> String {
        let token = self.attenuated(&format!("preimage={}", self.preimage.to_hex().expose())).token;
        let (mut bytes, mut text) = ([0; 2048], [0; 4096]);
        let bytes = base64::decode_into(token.as_bytes(), &mut bytes).unwrap();
        hex::encode_into(bytes, &mut text).unwrap().to_owned()
    }

    /// Adds a caveat, as every holder can.
    pub(crate) fn attenuated(&self, caveat: &str) -> Self {
        let (mut bytes, mut longer, mut text) = ([0; 2048], [0; 2048], [0; 4096]);
        let token = MacaroonRef::parse(base64::decode_into(self.token.as_bytes(), &mut bytes).unwrap()).unwrap();
        let token = attenuate(token, caveat.as_bytes(), &mut longer).unwrap();
        let token = base64::encode_into(token.as_bytes(), &mut text).unwrap().to_owned();
        Self { token, preimage: self.preimage.clone() }
    }
}

/// A response, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) fields: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        core::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|value| value.to_str().unwrap())
    }

    /// The `WWW-Authenticate` lines, in order.
    pub(crate) fn challenges(&self) -> Vec<&str> {
        self.lines("www-authenticate")
    }

    /// All lines of a field, in order.
    pub(crate) fn lines(&self, name: &str) -> Vec<&str> {
        self.fields.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    pub(crate) fn invoice(&self) -> Invoice {
        Invoice::parse(self.json()["invoice"].as_str().unwrap()).unwrap()
    }

    /// The `reason` of the body.
    pub(crate) fn reason(&self) -> String {
        self.json()["reason"].as_str().unwrap().to_owned()
    }

    /// Everything that went out, as text.
    pub(crate) fn everything(&self) -> String {
        format!("{:?} {:?} {}", self.status, self.fields, String::from_utf8_lossy(&self.body))
    }
}

/// An inner service that says "served" and notes the heads of its requests.
#[derive(Debug, Clone, Default)]
pub(crate) struct Upstream {
    seen: Arc<Mutex<Vec<Parts>>>,
    says: Arc<Mutex<Vec<(&'static str, &'static str)>>>,
}

impl Upstream {
    /// Takes what was seen so far.
    pub(crate) fn seen(&self) -> Vec<Parts> {
        core::mem::take(&mut self.seen.lock().unwrap())
    }

    /// Answers with this `Cache-Control` from now on.
    pub(crate) fn lets_cache(&self, cache_control: &'static str) {
        self.says(&[("cache-control", cache_control)]);
    }

    /// Answers with these fields from now on.
    pub(crate) fn says(&self, fields: &[(&'static str, &'static str)]) {
        *self.says.lock().unwrap() = fields.to_vec();
    }
}

impl<B> Service<Request<B>> for Upstream {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.seen.lock().unwrap().push(request.into_parts().0);
        let mut response = Response::new(Full::from("served"));
        for (name, value) in self.says.lock().unwrap().iter() {
            response.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        ready(Ok(response))
    }
}

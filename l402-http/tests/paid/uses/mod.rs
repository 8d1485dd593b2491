//! Tokens that can be used so many times: a shop with a ledger, and an inner service that does as it is told.

mod bodies;
mod clients;
mod horizon;
mod kept;
mod metered;
mod outcomes;
#[cfg(feature = "proxy")]
mod proxied;
mod rates;
mod refusals;
mod slow;
mod store;
mod terms;

use crate::support::{Answer, Purchase, Shop, demo, keys, system_time};
use bytes::Bytes;
use core::convert::Infallible;
use core::pin::Pin;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::{Context, Poll};
use core::time::Duration;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use l402_core::ledger::Tally;
use l402_core::{CounterKey, Msat, Uses};
use l402_http::policy::{Policy, Sale};
use l402_http::service::Paywall;
use l402_ledger::testing::FakeStore;
use l402_ledger::{Ledger, LedgerStore};
use l402_lightning::testing::{FakeNetwork, FakeNode};
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;
use tower::Service;

/// A shop that counts.
#[derive(Clone)]
struct Till {
    shop: Shop<Works>,
    store: FakeStore,
}

impl Till {
    /// Sells so many uses of `/v1/demo` for 21 sat.
    fn of(uses: u32) -> Self {
        Self::with(uses, |sale| sale, |paywall| paywall)
    }

    fn with(
        uses: u32,
        terms: impl FnOnce(Sale) -> Sale,
        adjust: impl FnOnce(Paywall<FakeNode>) -> Paywall<FakeNode>,
    ) -> Self {
        let network = FakeNetwork::new();
        Self::between([network.node(), network.node()], store(), uses, terms, adjust)
    }

    fn between(
        nodes: [FakeNode; 2],
        store: FakeStore,
        uses: u32,
        terms: impl FnOnce(Sale) -> Sale,
        adjust: impl FnOnce(Paywall<FakeNode>) -> Paywall<FakeNode>,
    ) -> Self {
        let sale = Sale::new("plannt", "/v1/demo", Msat::from_sat(21)).capability("demo");
        let sale = terms(sale.uses(Uses::times(uses).unwrap()));
        let endless = Sale::new("plannt", "/v1/endless", Msat::from_sat(1)).capability("endless");
        let policy = Policy::builder().sell(sale).sell(endless).build().unwrap();
        let ledger = Ledger::new(store.clone());
        let works = Works::default();
        let shop = Shop::between(nodes, works, policy, |paywall| adjust(paywall.ledger(ledger)));
        Self { shop, store }
    }

    async fn buy(&self) -> Purchase {
        self.shop.buy("/v1/demo").await
    }

    async fn get(&self, token: &Purchase) -> Answer {
        self.send(token, Method::GET, &[], "").await
    }

    async fn send(&self, token: &Purchase, method: Method, fields: &[(&str, &str)], body: &str) -> Answer {
        self.shop.ask(asks(token, method, fields, body)).await
    }

    /// Begins a request, and lets it get as far as it gets.
    fn begin(&self, token: &Purchase, method: Method) -> tokio::task::JoinHandle<Answer> {
        let (this, token) = (self.clone(), token.clone());
        tokio::spawn(async move { this.send(&token, method, &[], "").await })
    }

    /// Begins a POST with a field.
    fn begin_with(&self, token: &Purchase, field: (&'static str, &'static str)) -> tokio::task::JoinHandle<Answer> {
        let (this, token) = (self.clone(), token.clone());
        tokio::spawn(async move { this.send(&token, Method::POST, &[field], "").await })
    }

    fn works(&self) -> &Works {
        &self.shop.upstream
    }

    /// The counter of the sale.
    async fn tally(&self, token: &Purchase) -> Tally {
        let uses = self.store.uses(&token.preimage.hash()).await.unwrap();
        let tallies = uses.map(|uses| uses.tallies).unwrap_or_default();
        tallies.iter().find(|(key, _)| *key == CounterKey::SALE).map(|(_, tally)| *tally).unwrap_or_default()
    }

    /// Waits until the counter of the sale is as it should be.
    async fn settles(&self, token: &Purchase, is: impl Fn(&Tally) -> bool) -> Tally {
        for _ in 0..10_000 {
            let tally = self.tally(token).await;
            if is(&tally) {
                return tally;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("the counter stays {:?}", self.tally(token).await)
    }
}

/// A store whose clock is the system's.
pub(crate) fn store() -> FakeStore {
    let (store, now) = (FakeStore::new(), system_time());
    store.turn_back(Duration::from_secs(1_800_000_000_u64.saturating_sub(now)));
    store.pass(Duration::from_secs(now.saturating_sub(1_800_000_000)));
    store
}

fn asks(token: &Purchase, method: Method, fields: &[(&str, &str)], body: &str) -> Request<String> {
    let request = Request::builder().method(method).uri("/v1/demo").header("host", "shop.example");
    let request = request.header("authorization", token.credential());
    let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body(body.to_owned()).unwrap()
}

/// A token that says it was sold for so many uses, and for which nobody has paid this shop.
fn minted(uses: u32, preimage: u8) -> Purchase {
    Purchase::mint(&keys(), &demo().uses(Uses::times(uses).unwrap()), [preimage; 32])
}

type Body = BoxBody<Bytes, &'static str>;

/// An inner service that answers as it is told, when it is told.
#[derive(Clone)]
struct Works(Arc<Plan>);

struct Plan {
    calls: AtomicUsize,
    seen: Mutex<Vec<Parts>>,
    answer: Mutex<Arc<dyn Fn() -> Response<Body> + Send + Sync>>,
    gate: Mutex<Option<Arc<Semaphore>>>,
}

impl Default for Works {
    fn default() -> Self {
        let answer = Mutex::new(Arc::new(|| plain(200)) as _);
        let (calls, seen, gate) = (AtomicUsize::new(0), Mutex::default(), Mutex::default());
        Self(Arc::new(Plan { calls, seen, answer, gate }))
    }
}

impl Works {
    /// Answers with a status.
    fn says(&self, status: u16) {
        self.answers(move || plain(status));
    }

    fn answers(&self, answer: impl Fn() -> Response<Body> + Send + Sync + 'static) {
        *self.0.answer.lock().unwrap() = Arc::new(answer);
    }

    /// Answers no more until there are permits.
    fn waits(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        *self.0.gate.lock().unwrap() = Some(Arc::clone(&gate));
        gate
    }

    fn calls(&self) -> usize {
        self.0.calls.load(Ordering::SeqCst)
    }

    /// Takes what was seen so far.
    fn seen(&self) -> Vec<Parts> {
        core::mem::take(&mut self.0.seen.lock().unwrap())
    }

    /// Waits until it was called so often.
    async fn called(&self, times: usize) {
        while self.calls() < times {
            tokio::task::yield_now().await;
        }
    }
}

impl Service<Request<String>> for Works {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        self.0.seen.lock().unwrap().push(request.into_parts().0);
        self.0.calls.fetch_add(1, Ordering::SeqCst);
        let (gate, answer) = (self.0.gate.lock().unwrap().clone(), Arc::clone(&self.0.answer.lock().unwrap()));
        Box::pin(async move {
            if let Some(gate) = gate {
                gate.acquire().await.unwrap().forget();
            }
            Ok(answer())
        })
    }
}

fn plain(status: u16) -> Response<Body> {
    let body = http_body_util::Full::from("served").map_err(|never| match never {}).boxed();
    Response::builder().status(status).body(body).unwrap()
}

/// What a response says of the use.
fn word(answer: &Answer) -> (StatusCode, Option<&str>, Option<&str>) {
    (answer.status, answer.field("x-l402"), answer.field("x-l402-remaining"))
}

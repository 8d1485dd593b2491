//! A9: callers at the same time share what was bought, as many as it has uses; the others buy at once.

use crate::shop::{Http, PRICE_MSAT};
use crate::stall::{Manner, Market, text, v2, version_0};
use bytes::Bytes;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use futures_util::future::join_all;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use l402_core::{ChallengeLine, Msat, PaymentHash, SpendLimits};
use l402_http::pay::{MemoryStore, PayLayer, PayService, PaySettings, ReplayBody};
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource, LookupError, Network, Paid, PayError, PayLimit, PaymentSource,
    PaymentStatus,
};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tower::{Layer, ServiceExt, service_fn};

/// Sells so many uses at once, and counts them.
#[derive(Clone)]
struct Counter {
    node: FakeNode,
    uses: Option<u64>,
    /// What it says of what is left.
    tells: bool,
    left: Arc<Mutex<HashMap<String, u64>>>,
    refused: Arc<AtomicUsize>,
}

impl Counter {
    async fn serve(self, request: Request<()>) -> Response<Full<Bytes>> {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let credential = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
        if let Some(credential) = credential {
            let token = credential.split(' ').nth(1).unwrap().split(':').next().unwrap();
            if let Some(left) = self.take(token) {
                let mut response = Response::builder();
                if self.tells {
                    response = response.header("x-l402-remaining", left.to_string());
                }
                return response.body(Full::default()).unwrap();
            }
            self.refused.fetch_add(1, Ordering::SeqCst);
        }
        self.demand().await
    }

    fn take(&self, token: &str) -> Option<u64> {
        let mut all = self.left.lock().unwrap();
        let left = all.get_mut(token)?;
        *left = left.checked_sub(1)?;
        Some(*left)
    }

    async fn demand(&self) -> Response<Full<Bytes>> {
        let asked =
            InvoiceRequest { amount_msat: Msat::new(PRICE_MSAT), description: "", expiry: Duration::from_hours(1) };
        let invoice = self.node.create_invoice(asked).await.unwrap();
        let uses = self.uses.map(|uses| format!("a_uses={uses}"));
        let caveats: Vec<&[u8]> =
            [&b"services=a:0"[..]].into_iter().chain(uses.as_deref().map(str::as_bytes)).collect();
        let token = v2(&version_0(&invoice.payment_hash()), &caveats);
        self.left.lock().unwrap().insert(token.clone(), self.uses.unwrap_or(u64::MAX));
        let mut response = Response::builder().status(StatusCode::PAYMENT_REQUIRED);
        for line in ChallengeLine::both(&token, invoice.bolt11()) {
            response = response.header(WWW_AUTHENTICATE, line.to_string());
        }
        response.body(Full::default()).unwrap()
    }
}

/// A wallet that takes its time.
struct Slow(FakeNode);

impl PaymentSource for Slow {
    fn network(&self) -> Network {
        self.0.network()
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.0.pay(invoice, limit).await
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        self.0.payment(hash).await
    }
}

struct World {
    shop: Counter,
    wallet: FakeNode,
    client: PayService<Http, Slow, MemoryStore>,
}

impl World {
    fn new(uses: Option<u64>, tells: bool) -> Self {
        let network = FakeNetwork::new();
        let (node, wallet) = (network.node(), network.node());
        let shop = Counter { node, uses, tells, left: Arc::default(), refused: Arc::default() };
        let serve = shop.clone();
        let http = Http::new(service_fn(move |request: Request<ReplayBody<Full<Bytes>>>| {
            let answer = serve.clone().serve(request.map(drop));
            async move { Ok(answer.await) }
        }));
        let settings = PaySettings::new(SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(0) });
        let client = PayLayer::new(Slow(wallet.clone()), MemoryStore::new(), settings).layer(http);
        Self { shop, wallet, client }
    }

    async fn get(&self) -> StatusCode {
        let request = Request::get("http://shop.example/a").body(Full::default()).unwrap();
        self.client.clone().oneshot(request).await.unwrap().status()
    }

    async fn all_at_once(&self, callers: usize) {
        for status in join_all((0..callers).map(|_| self.get())).await {
            assert_eq!(status, StatusCode::OK);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a9_sixty_four_calls_at_once_make_as_many_purchases_as_their_uses_need() {
    for (uses, purchases) in [(Some(1), 64), (Some(10), 7), (None, 1)] {
        for tells in [false, true] {
            let world = World::new(uses, tells);
            world.all_at_once(64).await;
            let refused = world.shop.refused.load(Ordering::SeqCst);
            assert_eq!((world.wallet.payments_sent(), refused), (purchases, 0), "{uses:?} uses, told: {tells}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a9_what_is_left_of_a_bundle_is_used_before_another_is_bought() {
    let world = World::new(Some(10), false);
    for (calls, purchases) in [(4, 1), (6, 1), (1, 2), (9, 2), (20, 4)] {
        world.all_at_once(calls).await;
        assert_eq!(world.wallet.payments_sent(), purchases, "after {calls} more");
    }
    assert_eq!(world.shop.refused.load(Ordering::SeqCst), 0, "each use is counted, though the server says nothing");
}

/// Where the purchases of a known server take a second, those of many callers take one too.
#[tokio::test(start_paused = true)]
async fn a9_who_finds_no_use_left_buys_at_once() {
    let world = World::new(Some(1), false);
    world.get().await;
    let begun = tokio::time::Instant::now();
    world.all_at_once(32).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "one after another, they take ten: {:?}", begun.elapsed());
    assert_eq!(world.wallet.payments_sent(), 33);
}

#[tokio::test(start_paused = true)]
async fn a9_a_call_that_is_given_up_gives_its_use_back() {
    let world = World::new(Some(2), false);
    world.get().await;
    for _ in 0..3 {
        let call = tokio::time::timeout(Duration::from_millis(5), world.get()).await;
        assert!(call.is_err(), "it ends before its answer");
    }
    assert_eq!((world.get().await, world.wallet.payments_sent()), (StatusCode::OK, 1));
}

/// A purchase that fails leaves those that wait for it to buy for themselves.
#[tokio::test(start_paused = true)]
async fn a9_who_waits_for_a_purchase_that_is_given_up_goes_on() {
    let world = World::new(Some(10), false);
    world.get().await;
    world.all_at_once(9).await;
    let buyer = tokio::time::timeout(Duration::from_millis(200), world.get());
    let waiting = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.all_at_once(9).await;
    };
    assert!(tokio::join!(buyer, waiting).0.is_err());
    assert_eq!(world.wallet.payments_sent(), 2, "what was about to be paid is paid, and no other");
}

/// Where only the body of the 402 says how many uses are sold.
#[tokio::test]
async fn a9_the_uses_are_read_from_the_402_where_the_token_says_nothing() {
    let market = Market::new(Manner {
        token: |hash| text(format!(r#"{{"payment_hash":"{hash}"}}"#).as_bytes()),
        body: |_| r#"{"uses":2}"#.to_owned(),
        ..Manner::default()
    });
    for purchases in [1, 1, 2] {
        assert_eq!(market.get().await.unwrap().status(), StatusCode::OK);
        assert_eq!(market.wallet.payments_sent(), purchases);
    }
}

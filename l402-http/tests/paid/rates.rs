//! L1: limits on the rate of unpaid requests, and of those with a token.

use crate::support::{Answer, Shop, policy, request};
use core::net::{IpAddr, Ipv4Addr};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::time::Duration;
use http::{Request, StatusCode};
use l402_core::{GatePolicy, Msat, Name, PaymentHash, SettlementRule};
use l402_http::cors::Cors;
use l402_http::policy::{Policy, Route, Sale};
use l402_http::service::{Paywall, Rate, RateLimits, RequestHead};
use l402_ledger::testing::FakeStore;
use l402_ledger::{BoxFuture, Bucket, LedgerStore, SharedRates, StoreError, Taken};
use l402_lightning::testing::FakeNode;
use std::sync::Arc;

/// A clock that the test moves, and limits that go by it.
fn limits() -> (RateLimits, Arc<AtomicU64>) {
    let ms = Arc::new(AtomicU64::new(0));
    let read = Arc::clone(&ms);
    (RateLimits::with_stopwatch(move || Duration::from_millis(read.load(Ordering::Relaxed))), ms)
}

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn plannt() -> Name {
    Name::new("plannt").unwrap()
}

/// Limits by the address that the request brings with it.
fn for_each(limits: RateLimits, text: &str) -> RateLimits {
    limits.each_client(rate(text), |request: &RequestHead<'_>| request.extensions().get::<IpAddr>().copied())
}

/// Counts together with others who have the same store.
fn shared(text: &str, store: &FakeStore) -> RateLimits {
    limits().0.each_token(plannt(), rate(text)).shared(store.rates().unwrap())
}

fn from(client: u32) -> Request<String> {
    let mut request = request("/v1/demo", &[]);
    request.extensions_mut().insert(IpAddr::V4(Ipv4Addr::from_bits(client)));
    request
}

async fn statuses(shop: &Shop, client: u32, times: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..times {
        statuses.push(shop.ask(from(client)).await.status.as_u16());
    }
    statuses
}

#[track_caller]
fn says(answer: &Answer, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(answer.field(name), Some(*value), "{name}");
    }
}

#[tokio::test]
async fn l1_each_client_has_a_bucket_and_all_have_one_together() {
    let (limits, ms) = limits();
    let shop = Shop::with(policy(), |paywall| paywall.rate_limits(for_each(limits, "2/m").all_clients(rate("5/m"))));
    assert_eq!(statuses(&shop, 1, 4).await, [402, 402, 429, 429]);
    assert_eq!(statuses(&shop, 2, 3).await, [402, 402, 429], "what client 1 was refused is not counted for all");
    assert_eq!(statuses(&shop, 3, 2).await, [402, 429], "all had five");
    assert_eq!(shop.payee.invoices_asked(), 5);
    assert_eq!(shop.get("/v1/demo").await.status, 429, "who is not known counts for all");
    ms.store(30_000, Ordering::Relaxed);
    assert_eq!(statuses(&shop, 1, 2).await, [402, 429]);
}

#[tokio::test]
async fn l1_the_response_says_when_to_come_again_to_every_kind_of_client() {
    let (limits, ms) = limits();
    let sale = Sale::new("plannt", "/v1/demo", Msat::from_sat(21)).capability("demo").cors(Cors::any());
    let policy = Policy::builder().sell(sale).build().unwrap();
    let shop = Shop::with(policy, |paywall| paywall.rate_limits(limits.all_clients(rate("4/m"))));
    for _ in 0..4 {
        assert_eq!(shop.get("/v1/demo").await.status, 402);
    }
    ms.store(3_500, Ordering::Relaxed);
    let answer = shop.ask(request("/v1/demo", &[("origin", "https://shop.example")])).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too-many-challenges"));
    let headers = [
        ("retry-after", "12"),
        ("ratelimit", r#""challenges";r=0;t=12"#),
        ("ratelimit-policy", r#""challenges";q=4;w=60"#),
        ("x-ratelimit-limit", "4"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "12"),
        ("cache-control", "no-store"),
    ];
    says(&answer, &headers);
    assert!(answer.challenges().is_empty());
    let exposed = answer.field("access-control-expose-headers").unwrap().to_ascii_lowercase();
    let exposed: Vec<_> = exposed.split(", ").collect();
    for (name, _) in &headers[..6] {
        assert!(exposed.contains(name), "{name}");
    }
    let answer = shop.ask(request("/v1/demo", &[("content-type", "application/grpc")])).await;
    assert_eq!(answer.status, StatusCode::OK);
    says(&answer, &headers);
    says(&answer, &[("grpc-status", "8"), ("l402-reason", "too-many-challenges")]);
}

#[tokio::test]
async fn l1_nothing_is_asked_for_a_request_above_the_limit() {
    let (limits, _) = limits();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let pricer = move |route: &Route, _: &RequestHead<'_>| {
        count.fetch_add(1, Ordering::Relaxed);
        route.offer().unwrap().price_msat
    };
    let shop = Shop::with(policy(), |paywall| paywall.rate_limits(limits.all_clients(rate("1/h"))).pricer(pricer));
    let bought = shop.buy("/v1/demo").await;
    let spoilt = bought.attenuated("services=other:0").credential();
    let forged = format!("L402 {}:{}", bought.token, "00".repeat(32));
    for credential in [spoilt.as_str(), &forged] {
        assert_eq!(shop.present("/v1/demo", credential).await.status, 429, "a bad token is an unpaid request");
    }
    for _ in 0..100 {
        assert_eq!(shop.get("/v1/demo").await.status, 429);
        assert_eq!(shop.present("/v1/demo", &bought.credential()).await.status, 200, "what was paid for is served");
    }
    assert_eq!((asked.load(Ordering::Relaxed), shop.payee.invoices_asked()), (1, 1));
}

#[tokio::test]
async fn l1_tokens_have_a_rate_of_their_own() {
    let (limits, ms) = limits();
    let shop = Shop::with(policy(), |paywall| paywall.rate_limits(limits.each_token(plannt(), rate("2/s"))));
    let [one, two] = [shop.buy("/v1/demo").await, shop.buy("/v1/demo").await];
    let narrowed = one.attenuated("other=1").attenuated("services=plannt:0");
    for (token, expected) in [(&one, 200), (&one, 200), (&one, 429), (&two, 200)] {
        let answer = shop.present("/v1/demo", &token.credential()).await;
        assert_eq!(answer.status, expected);
        if expected == 429 {
            assert_eq!(answer.reason(), "token-rate");
            says(&answer, &[("retry-after", "1"), ("ratelimit-policy", r#""token";q=2;w=1"#)]);
        }
    }
    assert_eq!(shop.present("/v1/demo", &narrowed.credential()).await.status, 402, "the verdict comes first");
    ms.store(500, Ordering::Relaxed);
    assert_eq!(shop.present("/v1/demo", &one.credential()).await.status, 200);
    let elsewhere = Shop::with(policy(), |paywall| {
        let other = Name::new("other").unwrap();
        paywall.rate_limits(RateLimits::new().each_token(other, rate("1/h")))
    });
    let token = elsewhere.buy("/v1/demo").await.credential();
    for _ in 0..3 {
        assert_eq!(elsewhere.present("/v1/demo", &token).await.status, 200, "the rate is another service's");
    }
}

#[tokio::test]
async fn l1_a_route_has_a_rate_beside_that_of_its_service() {
    let sale = |path| Sale::new("plannt", path, Msat::from_sat(21));
    let policy = Policy::builder().sell(sale("/v1/a")).sell(sale("/v1/b")).build().unwrap();
    let limits = limits().0.each_token(plannt(), rate("3/h")).each_token_of_route(&policy.routes()[0], rate("1/h"));
    let shop = Shop::with(policy, |paywall| paywall.rate_limits(limits));
    let token = shop.buy("/v1/b").await.credential();
    for (path, refused_by) in [
        ("/v1/a", None),
        ("/v1/a", Some(r#""token-of-route";q=1;w=3600"#)),
        ("/v1/b", None),
        ("/v1/b", None),
        ("/v1/b", Some(r#""token";q=3;w=3600"#)),
        ("/v1/a", Some(r#""token-of-route";q=1;w=3600"#)),
    ] {
        let answer = shop.present(path, &token).await;
        assert_eq!(
            (answer.status == 200, answer.field("ratelimit-policy")),
            (refused_by.is_none(), refused_by),
            "{path}"
        );
    }
}

#[tokio::test]
async fn l1_replicas_share_the_rates_of_tokens_and_count_alone_while_their_store_is_away() {
    for settlement in [SettlementRule::Trust, SettlementRule::Strict] {
        let (store, gate) = (FakeStore::new(), GatePolicy { settlement, ..GatePolicy::default() });
        let open = |paywall: Paywall<FakeNode>| paywall.gate_policy(gate).rate_limits(shared("4/h", &store));
        let one = Shop::with(policy(), open);
        let other = one.reopened(policy(), open);
        let bought = one.buy("/v1/demo").await;
        let token = bought.credential();
        let ask = async |shop: &Shop| shop.present("/v1/demo", &token).await;
        for shop in [&one, &other, &other, &one] {
            assert_eq!(ask(shop).await.status, 200);
        }
        for shop in [&one, &other] {
            let answer = ask(shop).await;
            assert_eq!((answer.status.as_u16(), answer.reason().as_str()), (429, "token-rate"), "of one, four had all");
            let told = [("retry-after", "900"), ("ratelimit", r#""token";r=0;t=900"#), ("x-ratelimit-limit", "4")];
            says(&answer, &told);
            assert_eq!(answer.field("ratelimit-policy"), Some(r#""token";q=4;w=3600"#));
        }
        let fields = [("authorization", &*token), ("content-type", "application/grpc")];
        says(&one.ask(request("/v1/demo", &fields)).await, &[("grpc-status", "8"), ("l402-reason", "token-rate")]);
        store.set_away(true);
        // One has counted four by itself, the other three.
        let alone = [ask(&one).await, ask(&other).await, ask(&other).await].map(|answer| answer.status.as_u16());
        assert_eq!(alone, [429, 200, 429]);
        assert_eq!(one.upstream.seen().len() + other.upstream.seen().len(), 5);
    }
}

/// A store that does not answer.
#[derive(Default)]
struct Silent(AtomicUsize);

impl SharedRates for Silent {
    fn take<'a>(&'a self, _: &'a PaymentHash, _: &'a [Bucket]) -> BoxFuture<'a, Result<Taken, StoreError>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(core::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn l1_a_store_that_does_not_answer_is_left_alone_for_a_while() {
    let silent = Arc::new(Silent::default());
    let limits = limits().0.each_token(plannt(), rate("1000/h")).shared(silent.clone());
    let shop = Shop::with(policy(), |paywall| paywall.rate_limits(limits));
    let token = shop.buy("/v1/demo").await.credential();
    for _ in 0..100 {
        assert_eq!(shop.present("/v1/demo", &token).await.status, 200);
    }
    assert_eq!(silent.0.load(Ordering::Relaxed), 3, "the others did not wait for it");
}

//! Which request reaches which route, and what a token opens.

use crate::support::{Shop, request};
use http::{Method, Request, StatusCode};
use l402_core::{Grant, Msat};
use l402_http::policy::{Free, Policy, RouteFault, RouteId, Sale};

/// Routes that differ in service, capability, tier, method, shape of path and price.
const ROUTES: [(&str, &str, &str); 6] = [
    ("GET", "/v1/demo", "/v1/demo"),
    ("GET", "/v1/data/{id}", "/v1/data/7"),
    ("POST", "/v1/data/{id}", "/v1/data/7"),
    ("POST", "/v1/generate", "/v1/generate"),
    ("GET", "/weather/*", "/weather/today/berlin"),
    ("GET", "/other", "/other"),
];

fn many() -> Policy {
    let sale = |service, route: usize, price_msat| {
        let (method, pattern, _) = ROUTES[route];
        Sale::new(service, pattern, price_msat).methods([method.parse().unwrap()])
    };
    Policy::builder()
        .sell(sale("plannt", 0, Msat::new(21_000)).capability("demo"))
        .sell(sale("plannt", 1, Msat::new(100_000)).capability("data"))
        .sell(sale("plannt", 2, Msat::new(500_000)).capability("data-write"))
        .sell(sale("plannt", 3, Msat::new(250_000)).capability("generate"))
        .sell(sale("weather", 4, Msat::new(1_000)))
        .sell(sale("weather2", 5, Msat::new(2_000)).tier(3))
        .free(Free::new("/status"))
        .build()
        .unwrap()
}

fn to(route: usize, fields: &[(&str, &str)]) -> Request<String> {
    let (method, _, path) = ROUTES[route];
    let mut request = request(path, fields);
    *request.method_mut() = method.parse().unwrap();
    request
}

#[tokio::test]
async fn t3_a_token_for_one_route_opens_no_other() {
    let shop = Shop::with(many(), |paywall| paywall);
    for bought in 0..ROUTES.len() {
        let challenge = shop.ask(to(bought, &[])).await;
        let token = shop.pay(&challenge).await;
        let mut variants = vec![token.clone()];
        for service in ["plannt", "weather", "weather2"] {
            variants.push(token.attenuated(&format!("services={service}:9")));
            for capability in ["demo", "data", "data-write", "generate"] {
                variants.push(token.attenuated(&format!("{service}_capabilities={capability}")));
            }
        }
        for tried in 0..ROUTES.len() {
            for variant in &variants {
                let answer = shop.ask(to(tried, &[("authorization", &variant.credential())])).await;
                let own = tried == bought && variant.token == token.token;
                assert!(tried == bought || answer.status == StatusCode::PAYMENT_REQUIRED, "{bought} opens {tried}");
                assert!(!own || answer.status == StatusCode::OK, "{bought} does not open itself");
            }
        }
    }
}

#[tokio::test]
async fn what_no_route_covers_is_404_or_405() {
    let shop = Shop::with(many(), |paywall| paywall);
    let token = shop.buy("/v1/demo").await.credential();
    for path in ["/", "/v1", "/v1/demo/x", "/v1/data", "/status/x", "/V1/demo"] {
        let answer = shop.present(path, &token).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::NOT_FOUND, "no-route"), "{path}");
        assert!(path.len() < 3 || !answer.everything().contains(path), "the path is repeated");
    }
    let answer = shop.ask(to(0, &[]).map_method(Method::DELETE)).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"));
    assert_eq!(answer.field("allow"), Some("GET, HEAD"));
    let preflight = shop.ask(to(0, &[("origin", "https://a.example")]).map_method(Method::OPTIONS)).await;
    assert_eq!(preflight.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(shop.upstream.seen().is_empty());
}

#[tokio::test]
async fn head_goes_with_get() {
    let shop = Shop::with(many(), |paywall| paywall);
    assert_eq!(shop.ask(to(0, &[]).map_method(Method::HEAD)).await.status, StatusCode::PAYMENT_REQUIRED);
    let token = shop.buy("/v1/demo").await.credential();
    let answer = shop.ask(to(0, &[("authorization", &token)]).map_method(Method::HEAD)).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_free_route_is_forwarded_without_a_grant() {
    let shop = Shop::with(many(), |paywall| paywall);
    assert_eq!(shop.ask(request("/status?x=1", &[("x-l402-verified", "true")])).await.text(), "served");
    let seen = shop.upstream.seen();
    assert_eq!(seen[0].extensions.get::<RouteId>().map(|id| id.index()), Some(6));
    assert!(seen[0].extensions.get::<Grant>().is_none() && seen[0].headers.is_empty());
    assert_eq!(shop.payee.invoices_asked(), 0);
}

#[tokio::test]
async fn a_free_route_takes_no_grant_from_before() {
    let shop = Shop::with(many(), |paywall| paywall);
    let bought = shop.buy("/v1/demo").await;
    shop.present("/v1/demo", &bought.credential()).await;
    let grant = *shop.upstream.seen()[0].extensions.get::<Grant>().unwrap();
    let mut stale = request("/status", &[]);
    stale.extensions_mut().insert(grant);
    assert_eq!(shop.ask(stale).await.text(), "served");
    assert!(shop.upstream.seen()[0].extensions.get::<Grant>().is_none());
}

#[tokio::test]
async fn a_sold_request_carries_its_route_and_grant() {
    let shop = Shop::with(many(), |paywall| paywall);
    let bought = shop.buy("/weather/a").await;
    assert_eq!(shop.present("/weather/b", &bought.credential()).await.status, StatusCode::OK);
    let seen = shop.upstream.seen();
    assert_eq!(seen[0].extensions.get::<RouteId>().map(|id| id.index()), Some(4));
    assert_eq!(seen[0].extensions.get::<Grant>().map(Grant::payment_hash), Some(bought.preimage.hash()));
}

#[tokio::test]
async fn p3_the_priced_path_is_the_forwarded_one() {
    let shop = Shop::with(many(), |paywall| paywall);
    let token = shop.buy("/v1/demo").await.credential();
    for (raw, forwarded) in [
        ("/v1/demo", "/v1/demo"),
        ("/v1/dem%6f", "/v1/demo"),
        ("/%76%31/demo?a=%2F%6f&b=//..;", "/v1/demo?a=%2F%6f&b=//..;"),
        ("/v1/demo/", "/v1/demo/"),
        ("http://shop.example/v1/d%65mo?", "http://shop.example/v1/demo?"),
    ] {
        assert_eq!(shop.present(raw, &token).await.status, StatusCode::OK, "{raw}");
        assert_eq!(shop.upstream.seen()[0].uri, forwarded);
    }
    for raw in [
        "/v1/demo/../generate",
        "/v1/demo/%2e%2e/generate",
        "/v1/demo%2f..%2fgenerate",
        "/v1//demo",
        "//v1/demo",
        "/v1/demo;x=1",
        "/v1/demo%3bx",
        "/v1/demo%00",
        "/v1/demo%5c..%5cgenerate",
        "/v1/%252e%252e/generate",
        "/status/../v1/generate",
        "/v1/demo%",
        "*",
    ] {
        let answer = shop.present(raw, &token).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::BAD_REQUEST, "malformed-path"), "{raw}");
        assert!(!answer.everything().contains("generate") && shop.upstream.seen().is_empty());
    }
}

/// The same request with another method.
trait WithMethod {
    fn map_method(self, method: Method) -> Self;
}

impl WithMethod for Request<String> {
    fn map_method(mut self, method: Method) -> Self {
        *self.method_mut() = method;
        self
    }
}

#[tokio::test]
async fn p7_a_method_that_reflects_is_neither_sold_nor_served() {
    let policy =
        Policy::builder().sell(Sale::new("plannt", "/sold", Msat::new(1))).free(Free::new("/*")).build().unwrap();
    let shop = Shop::with(policy, |paywall| paywall);
    let credential = shop.buy("/sold").await.credential();
    for method in ["TRACE", "trace", "TRACK", "DEBUG"] {
        for path in ["/sold", "/free", "/a//b", "*"] {
            for fields in [&[][..], &[("authorization", credential.as_str())]] {
                let mut request = request(path, fields);
                *request.method_mut() = method.parse().unwrap();
                let answer = shop.ask(request).await;
                assert_eq!(
                    (answer.status, answer.challenges().len()),
                    (StatusCode::NOT_IMPLEMENTED, 0),
                    "{method} {path}"
                );
            }
        }
        let sale = Sale::new("plannt", "/sold", Msat::new(1)).methods([method.parse().unwrap()]);
        assert_eq!(Policy::builder().sell(sale).build().unwrap_err().fault(), RouteFault::UnservedMethod, "{method}");
    }
    assert!(shop.upstream.seen().is_empty(), "nothing was forwarded");
}

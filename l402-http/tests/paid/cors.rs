//! Pages of other origins (P9): preflights cost nothing, and a page can read what it needs to pay.

use crate::support::{Answer, Shop};
use http::{Method, Request, StatusCode};
use l402_core::{GatePolicy, Msat, SettlementRule};
use l402_http::cors::Cors;
use l402_http::policy::{Free, Policy, Sale};
use l402_lightning::testing::FakeFault;
#[cfg(feature = "proxy")]
use {
    bytes::Bytes,
    http_body_util::Full,
    l402_http::proxy::{Upstream, UpstreamConfig},
    l402_http::service::Paywall,
    l402_lightning::Network,
    l402_lightning::testing::FakeNetwork,
    tower::{Layer, ServiceExt},
};

const PAGE: &str = "https://shop.example";
const OTHER: &str = "https://other.example";

/// A priced route for any method, one for GET alone, and a free one, all with the same setting.
fn shop(cors: &Cors) -> Shop {
    let policy = Policy::builder()
        .sell(Sale::new("plannt", "/v1/demo", Msat::from_sat(21)).capability("demo").cors(cors.clone()))
        .sell(
            Sale::new("plannt", "/v1/read", Msat::from_sat(1))
                .capability("read")
                .methods([Method::GET])
                .cors(cors.clone()),
        )
        .free(Free::new("/status").cors(cors.clone()))
        .build();
    let strict = GatePolicy { settlement: SettlementRule::Strict, ..GatePolicy::default() };
    Shop::with(policy.unwrap(), |paywall| paywall.gate_policy(strict))
}

fn listed() -> Cors {
    Cors::origins([PAGE]).unwrap()
}

fn asked(method: Method, path: &str, fields: &[(&str, &str)]) -> Request<String> {
    let request = Request::builder().method(method).uri(path);
    fields.iter().fold(request, |request, (name, value)| request.header(*name, *value)).body(String::new()).unwrap()
}

async fn preflight(shop: &Shop, path: &str, origin: &str, method: &str, more: &[(&str, &str)]) -> Answer {
    let signs = [("origin", origin), ("access-control-request-method", method)];
    shop.ask(asked(Method::OPTIONS, path, &[&signs, more].concat())).await
}

#[tokio::test]
async fn p9_no_preflight_is_priced_whatever_it_says() {
    for cors in [Cors::off(), Cors::upstream(), Cors::any(), listed()] {
        let shop = shop(&cors);
        let paid = shop.buy("/v1/demo").await.credential();
        let invoices = shop.payee.invoices_asked();
        for path in ["/v1/demo", "/v1/read", "/status", "/v1/none", "/v1/%2e%2e/demo"] {
            for origin in [PAGE, OTHER, "null", "", "a b", "https://shop.example, https://shop.example"] {
                for method in ["GET", "POST", "PUT", "TRACE", "track", "CONNECT", "", "a b"] {
                    for credential in [&paid, "L402 AgEE:00", "Bearer x"] {
                        let answer = preflight(&shop, path, origin, method, &[("authorization", credential)]).await;
                        let (status, challenges) = (answer.status, answer.challenges().len());
                        assert!(status != 402 && status != 401 && challenges == 0, "{cors:?} {path} {origin} {method}");
                    }
                }
            }
        }
        assert_eq!(shop.payee.invoices_asked(), invoices, "{cors:?}");
        for seen in shop.upstream.seen() {
            assert!(seen.extensions.get::<l402_core::Grant>().is_none(), "a preflight is no paid request");
            assert!(seen.headers.get("authorization").is_none_or(|value| value == "Bearer x"), "{:?}", seen.headers);
        }
    }
}

#[tokio::test]
async fn p9_ten_thousand_preflights_make_no_invoice() {
    let shop = shop(&Cors::any());
    for number in 0..10_000 {
        let path = if number % 2 == 0 { "/v1/demo" } else { "/v1/read" };
        assert_eq!(preflight(&shop, path, PAGE, "GET", &[]).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(shop.payee.invoices_asked(), 0);
    assert!(shop.upstream.seen().is_empty());
}

#[tokio::test]
async fn p9_a_preflight_of_an_allowed_page_is_answered() {
    for (cors, allowed, varies) in [(Cors::any(), "*", false), (listed(), PAGE, true)] {
        let shop = shop(&cors);
        for path in ["/v1/demo", "/status", "/v1/none"] {
            let answer = preflight(&shop, path, PAGE, "PUT", &[("access-control-request-headers", "x-page")]).await;
            assert_eq!((answer.status, answer.text()), (StatusCode::NO_CONTENT, ""), "{path}");
            assert_eq!(answer.lines("access-control-allow-origin"), [allowed]);
            assert_eq!(answer.lines("access-control-allow-methods"), ["PUT"]);
            assert_eq!(answer.lines("access-control-allow-headers"), ["authorization, x-page"]);
            assert_eq!(answer.lines("access-control-allow-credentials"), [""; 0]);
            assert_eq!(answer.lines("vary").contains(&"Origin"), varies);
        }
        let answer = preflight(&shop, "/v1/read", PAGE, "PUT", &[]).await;
        assert_eq!(answer.lines("access-control-allow-methods"), ["GET, HEAD"], "the methods that there are");
        assert!(shop.upstream.seen().is_empty());
    }
}

#[tokio::test]
async fn p9_a_page_that_is_not_allowed_learns_why() {
    for (cors, reason) in [(Cors::off(), "cross-origin-off"), (listed(), "origin-not-allowed")] {
        let shop = shop(&cors);
        for origin in [OTHER, "null", "", "https://shop.example/"] {
            let answer = preflight(&shop, "/v1/demo", origin, "GET", &[]).await;
            assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::FORBIDDEN, reason), "{origin}");
            assert_eq!(answer.lines("access-control-allow-origin"), [""; 0]);
        }
        assert!(shop.upstream.seen().is_empty());
    }
    let none = preflight(&shop(&Cors::off()), "/v1/none", PAGE, "GET", &[]).await;
    assert_eq!((none.status, none.reason().as_str()), (StatusCode::NOT_FOUND, "no-route"));
}

/// An upstream that answers every method with what is sold gives nothing away.
#[tokio::test]
async fn p9_a_preflight_that_is_passed_on_brings_back_no_content() {
    let shop = shop(&Cors::upstream());
    shop.upstream.says(&[
        ("access-control-allow-origin", PAGE),
        ("access-control-allow-headers", "authorization"),
        ("vary", "Origin"),
        ("content-type", "text/plain"),
        ("content-length", "6"),
        ("x-content", "served"),
    ]);
    let answer = preflight(&shop, "/v1/demo", PAGE, "GET", &[("authorization", "L402 AgEE:00")]).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::OK, ""));
    let mut left: Vec<_> = answer.fields.keys().map(http::HeaderName::as_str).collect();
    left.sort_unstable();
    assert_eq!(left, ["access-control-allow-headers", "access-control-allow-origin", "vary"]);
    let seen = shop.upstream.seen();
    assert_eq!((seen.len(), &seen[0].method), (1, &Method::OPTIONS));
    assert!(!seen[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn p9_an_allowed_page_can_read_each_response_of_ours() {
    for (cors, allowed) in [(Cors::any(), "*"), (listed(), PAGE)] {
        let shop = shop(&cors);
        let page = |path: &str, credential| {
            shop.ask(asked(Method::GET, path, &[("origin", PAGE), ("authorization", credential)]))
        };
        let forged = crate::support::Purchase::mint(&crate::support::keys(), &crate::support::demo(), [1; 32]);
        let unsettled = forged.credential();
        let mut answers = vec![
            page("/v1/demo", "").await,
            page("/v1/demo", "L402 x").await,
            page("/v1/none", "").await,
            page("/v1/../demo", "").await,
            page("/v1/demo", &unsettled).await,
            shop.ask(asked(Method::PUT, "/v1/read", &[("origin", PAGE)])).await,
        ];
        shop.payee.misbehave(FakeFault::Unreachable);
        answers.push(page("/v1/demo", "").await);
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        assert_eq!(statuses, [402, 400, 404, 400, 503, 405, 503]);
        for answer in &answers {
            assert_eq!(answer.lines("access-control-allow-origin"), [allowed], "{}", answer.everything());
            let exposed: Vec<_> = answer.lines("access-control-expose-headers");
            let exposed: Vec<_> = exposed.iter().flat_map(|line| line.split(", ")).collect();
            let safelisted = ["cache-control", "content-type", "content-security-policy", "vary"];
            for name in answer.fields.keys().map(http::HeaderName::as_str) {
                let is_known = exposed.iter().any(|exposed| exposed.eq_ignore_ascii_case(name));
                let is_cors = name.starts_with("access-control-");
                assert!(is_known || is_cors || safelisted.contains(&name), "a page cannot read {name}");
            }
        }
        let other = shop.ask(asked(Method::GET, "/v1/demo", &[("origin", OTHER)])).await;
        let expected: &[&str] = if allowed == "*" { &["*"] } else { &[] };
        assert_eq!(other.lines("access-control-allow-origin"), expected);
    }
}

#[tokio::test]
async fn p9_what_was_paid_for_can_be_read_whatever_the_upstream_says() {
    for (cors, allowed) in [(Cors::any(), "*"), (listed(), PAGE)] {
        let shop = shop(&cors);
        shop.upstream.says(&[
            ("access-control-allow-origin", OTHER),
            ("access-control-allow-credentials", "true"),
            ("access-control-expose-headers", "x-left"),
        ]);
        let paid = shop.buy("/v1/demo").await.credential();
        for (path, credential) in [("/v1/demo", paid.as_str()), ("/status", "")] {
            let answer = shop.ask(asked(Method::GET, path, &[("origin", PAGE), ("authorization", credential)])).await;
            assert_eq!((answer.status, answer.text()), (StatusCode::OK, "served"));
            assert_eq!(answer.lines("access-control-allow-origin"), [allowed]);
            assert_eq!(answer.lines("access-control-allow-credentials"), [""; 0]);
            assert_eq!(answer.lines("access-control-expose-headers")[0], "x-left");
            assert!(answer.lines("access-control-expose-headers")[1].contains("WWW-Authenticate"));
        }
    }
    let shop = shop(&Cors::off());
    shop.upstream.says(&[("access-control-allow-origin", OTHER)]);
    let answer = shop.ask(asked(Method::GET, "/status", &[("origin", PAGE)])).await;
    assert_eq!(answer.lines("access-control-allow-origin"), [OTHER], "off changes nothing");
    let unpaid = shop.ask(asked(Method::GET, "/v1/demo", &[("origin", PAGE)])).await;
    assert_eq!(unpaid.lines("access-control-allow-origin"), [""; 0]);
}

/// OPTIONS with nothing of a preflight's is a method like any other.
#[tokio::test]
async fn options_without_the_signs_of_a_preflight_is_priced() {
    let shop = shop(&Cors::any());
    assert_eq!(shop.ask(asked(Method::OPTIONS, "/v1/demo", &[])).await.status, StatusCode::PAYMENT_REQUIRED);
    let origin = [("origin", PAGE)];
    assert_eq!(shop.ask(asked(Method::OPTIONS, "/v1/demo", &origin)).await.status, StatusCode::PAYMENT_REQUIRED);
}

/// Where the upstream answers preflights of a path that is free for them, nothing stands in the way.
#[tokio::test]
async fn a_free_path_receives_preflights_if_cors_is_off() {
    let policy = Policy::builder()
        .sell(Sale::new("plannt", "/v1/demo", Msat::from_sat(21)).methods([Method::GET]))
        .free(Free::new("/v1/demo").methods([Method::OPTIONS]))
        .build();
    let shop = Shop::with(policy.unwrap(), |paywall| paywall);
    assert_eq!(preflight(&shop, "/v1/demo", PAGE, "GET", &[]).await.text(), "served");
}

/// Over HTTP/2, a body needs no header that announces it: the proxy sees it all the same.
#[cfg(feature = "proxy")]
#[tokio::test]
async fn p9_a_preflight_with_an_unannounced_body_does_not_reach_the_upstream() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ =
                tokio::io::copy(&mut &b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"[..], &mut stream).await;
        }
    });
    let upstream = Upstream::new(&UpstreamConfig::new(&uri).unwrap()).unwrap();
    let sold = Sale::new("plannt", "/v1/demo", Msat::from_sat(21)).cors(Cors::upstream());
    let policy = Policy::builder().sell(sold).build().unwrap();
    let paywall = Paywall::new(policy, crate::support::keys(), FakeNetwork::new().node(), Network::Regtest);
    let service = paywall.layer().layer(upstream);
    for (body, expected) in [("", StatusCode::NO_CONTENT), ("work", StatusCode::BAD_REQUEST)] {
        let signs = [("host", "a"), ("origin", PAGE), ("access-control-request-method", "GET")];
        let request = asked(Method::OPTIONS, "/v1/demo", &signs).map(|_| Full::<Bytes>::from(body));
        assert_eq!(service.clone().oneshot(request).await.unwrap().status(), expected, "{body:?}");
    }
}

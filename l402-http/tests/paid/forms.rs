//! The same challenge for programs, browsers and gRPC.

use crate::support::{Answer, Shop, policy, request};
use http::StatusCode;
use l402_core::Msat;
use l402_http::policy::{Policy, Sale};
use l402_http::response::{Form, Problem, Reason};
use l402_lightning::testing::FakeFault;

async fn ask(shop: &Shop, fields: &[(&str, &str)]) -> Answer {
    shop.ask(request("/v1/demo", fields)).await
}

#[tokio::test]
async fn both_lines_say_the_same_and_the_older_comes_first() {
    let answer = Shop::open().get("/v1/demo").await;
    let json = answer.json();
    let (token, invoice) = (json["token"].as_str().unwrap(), json["invoice"].as_str().unwrap());
    let lsat = format!(r#"LSAT macaroon="{token}", invoice="{invoice}""#);
    let l402 = format!(r#"L402 version="0", token="{token}", invoice="{invoice}""#);
    assert_eq!(answer.challenges(), [lsat, l402.clone()]);
    assert!(answer.fields.get_all("www-authenticate").iter().all(|line| !line.is_sensitive()));

    let answer = Shop::with(policy(), |paywall| paywall.lsat_line(false)).get("/v1/demo").await;
    assert_eq!(answer.challenges().len(), 1);
    assert!(answer.challenges()[0].starts_with(r#"L402 version="0", token=""#));
}

#[tokio::test]
async fn programs_get_json() {
    let answer = Shop::open().get("/v1/demo").await;
    assert_eq!(answer.field("content-type"), Some("application/json"));
    let (json, invoice) = (answer.json(), answer.invoice());
    let format = format!("L402 {}:<preimage>", json["token"].as_str().unwrap());
    assert_eq!(
        json,
        serde_json::json!({
            "error": "Payment Required",
            "reason": "payment-required",
            "invoice": invoice.bolt11(),
            "token": json["token"],
            "authorization_format": format,
            "format": format,
            "price_msat": 21_000,
            "payment_hash": invoice.payment_hash().to_string(),
            "expires_at": invoice.expires_at().get(),
            "uses": "unlimited",
            "valid_for_seconds": 3_600,
            "valid_until": answer.json()["valid_until"],
        })
    );
    assert_eq!(invoice.amount_msat(), Some(Msat::new(21_000)));
    assert_eq!(invoice.description(), Some("plannt demo"));
}

#[tokio::test]
async fn browsers_get_a_page() {
    let sale = Sale::new("plannt", "/v1/demo", Msat::from_sat(21)).description(r#"<script>alert("1 & 2")</script>"#);
    let shop = Shop::with(Policy::builder().sell(sale).build().unwrap(), |paywall| paywall);
    let answer = ask(&shop, &[("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")]).await;
    assert_eq!(answer.status, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(answer.field("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.field("cache-control"), Some("no-store"));
    assert!(answer.field("content-security-policy").unwrap().starts_with("default-src 'none'"));

    let page = answer.text();
    let invoice = answer.challenges()[1].rsplit('"').nth(1).unwrap().to_owned();
    assert!(
        page.contains(&format!(r#"href="lightning:{invoice}""#)) && page.contains(&format!("<code>{invoice}</code>"))
    );
    assert!(page.contains("21 sat") && page.contains(r#"lang="en""#) && page.contains("<main>"));
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt;"));
}

#[tokio::test]
async fn grpc_gets_trailers_only() {
    let shop = Shop::open();
    let grpc = ("content-type", "application/grpc+proto");
    let answer = ask(&shop, &[grpc, ("accept", "text/html")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.field("content-type"), Some("application/grpc"));
    assert_eq!(answer.field("grpc-status"), Some("13"));
    assert_eq!(answer.field("grpc-message"), Some("payment required"));
    assert_eq!(answer.field("l402-reason"), Some("payment-required"));
    assert_eq!(answer.challenges().len(), 2);
    assert!(answer.body.is_empty());

    let forged = format!("L402 {}:{}", shop.buy("/v1/demo").await.token, "00".repeat(32));
    let answer = ask(&shop, &[grpc, ("authorization", &forged)]).await;
    assert_eq!((answer.status, answer.field("grpc-status")), (StatusCode::OK, Some("16")));
    assert_eq!(answer.field("l402-reason"), Some("forged"));
    assert_eq!(answer.challenges().len(), 2);
}

#[tokio::test]
async fn grpc_gets_a_status_for_every_refusal() {
    let shop = Shop::open();
    let grpc = ("content-type", "application/grpc");
    let at = async |path, fields: &[_]| shop.ask(request(path, &[fields, &[grpc]].concat())).await;
    let malformed = at("/v1/demo", &[("authorization", "L402 x")]).await;
    let bad_path = at("/v1/%2f", &[]).await;
    let no_route = at("/nothing", &[]).await;
    shop.payee.misbehave(FakeFault::Unreachable);
    let unavailable = at("/v1/demo", &[]).await;
    for (answer, status, reason) in [
        (malformed, "3", "malformed-credential"),
        (bad_path, "3", "malformed-path"),
        (no_route, "12", "no-route"),
        (unavailable, "14", "no-invoice"),
    ] {
        assert_eq!((answer.status, answer.field("grpc-status")), (StatusCode::OK, Some(status)));
        assert_eq!(answer.field("l402-reason"), Some(reason));
        assert!(answer.body.is_empty() && !answer.field("grpc-message").unwrap().is_empty());
    }
}

#[test]
fn grpc_knows_what_is_over_a_limit() {
    let problem =
        Problem::new(StatusCode::TOO_MANY_REQUESTS, Reason::TOO_MANY_REQUESTS, &"too many requests").retry_after(1);
    let response = problem.response(Form::Grpc);
    let field = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap());
    assert_eq!(
        (field("grpc-status"), field("l402-reason"), field("retry-after")),
        (Some("8"), Some("too-many-requests"), Some("1"))
    );
}

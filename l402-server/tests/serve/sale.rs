//! One upstream, sold whole: the short form of the configuration.

use crate::support::{Echo, Gateway};

async fn short_form() -> (Echo, Gateway) {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}", echo.url));
    (echo, gateway)
}

#[tokio::test]
async fn a_call_is_charged_paid_and_served() {
    let (_echo, gateway) = short_form().await;
    let unpaid = gateway.ask("GET", "/anything?x=1", &[]).await;
    assert_eq!(unpaid.status, 402);
    assert_eq!(unpaid.fields("cache-control"), ["no-store"]);
    let [lsat, l402] = unpaid.fields("www-authenticate")[..] else { panic!("{}", unpaid.text) };
    assert!(
        lsat.starts_with("LSAT macaroon=\"") && l402.starts_with("L402 version=\"0\", token=\""),
        "{}",
        unpaid.text
    );

    let credential = gateway.buy("GET", "/anything").await;
    let served = gateway.ask("GET", "/anything?x=1", &[("Authorization", &credential)]).await;
    assert_eq!(served.status, 200, "{}", served.text);
    assert!(served.body().starts_with("get /anything?x=1 http/1.1\r\n"), "{}", served.text);
    assert_eq!(served.fields("x-l402"), ["spent"], "one use is sold unless more is said");
    let again = gateway.ask("GET", "/anything", &[("Authorization", &credential)]).await;
    assert_eq!(again.status, 402);
    assert!(again.body().contains("\"reason\":\"spent\""), "{}", again.text);
    let other = gateway.buy("GET", "/anything").await;
    let elsewhere = gateway.ask("POST", "/other", &[("Authorization", &other)]).await;
    assert_eq!(elsewhere.status, 200, "every path of the upstream is one thing");
}

#[tokio::test]
async fn p2_h2_the_upstream_is_told_who_asks_and_what_was_paid_and_no_secret() {
    let (_echo, gateway) = short_form().await;
    let credential = gateway.buy("GET", "/").await;
    let fields = [("Authorization", credential.as_str()), ("X-L402-Verified", "no"), ("X-Forwarded-For", "6.6.6.6")];
    let served = gateway.ask("GET", "/", &fields).await;
    let sent = served.body();
    assert!(sent.contains("x-l402-verified: true\r\n") && sent.contains("x-forwarded-for: 127.0.0.1\r\n"), "{sent}");
    assert!(!sent.contains("authorization") && !sent.contains("6.6.6.6") && !sent.contains(": no\r\n"), "{sent}");
}

#[tokio::test]
async fn the_lsat_line_can_be_left_out() {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}\nprotocol = {{ lsat = false }}", echo.url));
    let unpaid = gateway.ask("GET", "/", &[]).await;
    assert_eq!(unpaid.fields("www-authenticate").len(), 1);
}

#[tokio::test]
async fn health_and_info_are_answered_by_the_gateway_itself() {
    let (_echo, gateway) = short_form().await;
    let health = gateway.ask("GET", "/health", &[]).await;
    assert_eq!((health.status, health.body()), (200, "{\"status\":\"ok\"}\n"));
    let info = gateway.ask("GET", "/info", &[]).await;
    let info: serde_json::Value = serde_json::from_str(info.body()).expect("JSON");
    assert_eq!((&info["name"], &info["version"]), (&"l402-server".into(), &env!("CARGO_PKG_VERSION").into()));
    assert_eq!(info["network"], "regtest");
    let route = &info["services"][0]["routes"][0];
    assert_eq!((&route["price_msat"], &route["invoice_expiry_seconds"]), (&1_000.into(), &600.into()));
    assert_eq!((&route["valid_for_seconds"], &route["valid_for_at_most_seconds"]), (&3_600.into(), &4_200.into()));
    assert_eq!(route["uses"], 1);
    let written = gateway.ask("POST", "/health", &[]).await;
    assert_eq!((written.status, written.fields("allow")), (405, vec!["GET, HEAD"]));
    assert_eq!(gateway.ask("GET", "/health/", &[]).await.status, 402, "only these very paths are free");
}

#[tokio::test]
async fn the_upstream_can_keep_health_and_info() {
    let echo = Echo::start().await;
    let passed = Gateway::start(&format!("upstream = {:?}\nown_paths = false", echo.url));
    assert_eq!(passed.ask("GET", "/health", &[]).await.status, 402);
    let service =
        format!("[[service]]\nname = \"a\"\nupstream = {:?}\nprice = \"1 sat\"\nfree = [\"/info\"]", echo.url);
    let stated = Gateway::start(&service);
    assert!(stated.ask("GET", "/info", &[]).await.body().starts_with("get /info http/1.1"));
    assert_eq!(stated.ask("GET", "/health", &[]).await.body(), "{\"status\":\"ok\"}\n");
}

#[tokio::test]
async fn an_upstream_that_is_not_there_takes_no_use() {
    let (echo, gateway) = short_form().await;
    let credential = gateway.buy("GET", "/").await;
    echo.stop().await;
    for _ in 0..4 {
        let answer = gateway.ask("GET", "/", &[("Authorization", &credential)]).await;
        assert_eq!((answer.status, answer.fields("content-type")), (503, vec!["application/json"]));
    }
}

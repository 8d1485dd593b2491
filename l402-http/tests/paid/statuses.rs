//! Every situation has its status, and every refusal says what was wrong.

use crate::support::{Purchase, Shop, demo, keys, policy, request};
use core::time::Duration;
use http::{HeaderValue, StatusCode};
use l402_core::{DerivedKeys, ForgedStatus, GatePolicy, MalformedStatus, MasterKey, Msat, Name, SettlementRule};
use l402_http::policy::{Policy, Sale};
use l402_lightning::testing::FakeFault;

const HASHES: &str = "aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899";

#[tokio::test]
async fn without_a_credential_there_is_a_challenge() {
    let shop = Shop::open();
    for fields in [&[][..], &[("authorization", "Bearer abc")], &[("authorization", "")], &[("token", "not ours")]] {
        let answer = shop.ask(request("/v1/demo", fields)).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::PAYMENT_REQUIRED, "payment-required"));
        assert_eq!(answer.challenges().len(), 2);
    }
    assert!(shop.upstream.seen().is_empty());
}

/// Malformed credentials, and the part that the answer names.
fn malformed() -> Vec<(String, &'static str)> {
    let good = Purchase::mint(&keys(), &demo(), [1; 32]);
    let (token, preimage) = (good.token.as_str(), "01".repeat(32));
    vec![
        ("L402".to_owned(), "preimage"),
        ("L402 ".to_owned(), "preimage"),
        (format!("L402 {token}"), "preimage"),
        (format!("L402 {token}:"), "preimage"),
        (format!("L402 {token}:{}", &preimage[1..]), "preimage"),
        (format!("L402 {token}:{}zz", &preimage[2..]), "preimage"),
        (format!("L402 :{preimage}"), "token"),
        (format!("L402 {token},:{preimage}"), "token"),
        (format!("L402 !!!!:{preimage}"), "base64"),
        (format!("L402 AAAA:{preimage}"), "macaroon"),
        (format!("L402 {token}AAAA:{preimage}"), "token"),
        (format!("lsat {}:{preimage}", "A".repeat(20_000)), "token"),
        (
            format!("L402 {}:{HASHES}", good.attenuated(&format!("preimage={preimage}")).token),
            "two different preimages",
        ),
        (format!("L402 {token},{}:{preimage}", Purchase::mint(&keys(), &demo(), [2; 32]).token), "different payments"),
    ]
}

#[tokio::test]
async fn a_malformed_credential_is_400_and_names_the_part() {
    let shop = Shop::open();
    for (credential, part) in malformed() {
        let answer = shop.present("/v1/demo", &credential).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{credential:.80}");
        let (reason, message) = (answer.reason(), answer.json()["message"].to_string());
        assert_eq!(reason, "malformed-credential");
        assert!(message.contains(part), "{message} does not name the {part}");
        let value = credential.trim_start_matches("L402").trim();
        assert!(value.len() < 3 || !answer.everything().contains(value), "the value is repeated");
        assert!(answer.challenges().is_empty());
    }
    assert_eq!(shop.payee.invoices_asked(), 0);
}

#[tokio::test]
async fn a_malformed_credential_is_401_where_the_operator_asks_for_it() {
    let rule = GatePolicy { malformed: MalformedStatus::Unauthorized, ..GatePolicy::default() };
    let shop = Shop::with(policy(), |paywall| paywall.gate_policy(rule));
    for (credential, _) in malformed() {
        assert_eq!(shop.present("/v1/demo", &credential).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn h1_more_than_one_credential_is_400() {
    let shop = Shop::open();
    let (one, other) = (shop.buy("/v1/demo").await, shop.buy("/v1/demo").await);
    let (one, other) = (one.credential(), other.credential());
    let (hex, longer) = ("0201", "020104");
    for fields in [
        [("authorization", one.as_str()), ("authorization", &one)],
        [("authorization", &one), ("authorization", &other)],
        [("authorization", &one), ("authorization", "Bearer abc")],
        [("authorization", "Bearer abc"), ("authorization", &one)],
        [("macaroon", hex), ("macaroon", longer)],
        [("macaroon", hex), ("grpc-metadata-macaroon", longer)],
        [("authorization", &one), ("macaroon", hex)],
    ] {
        let answer = shop.ask(request("/v1/demo", &fields)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{:?}", fields.map(|(name, _)| name));
    }
    assert!(shop.upstream.seen().is_empty());
}

/// Credentials that prove nothing.
fn forged() -> Vec<Purchase> {
    let good = Purchase::mint(&keys(), &demo(), [1; 32]);
    let stranger = DerivedKeys::new(0, &MasterKey::from_bytes([8; 32]));
    let retired = DerivedKeys::new(1, &MasterKey::from_bytes(crate::support::MASTER));
    let mut wrong_preimage = good.clone();
    wrong_preimage.preimage = Purchase::mint(&keys(), &demo(), [2; 32]).preimage;
    let mut wrong_signature = good.attenuated("plannt_valid_until=1");
    let last = wrong_signature.token.trim_end_matches('=').len() - 4;
    let changed = if wrong_signature.token[last..].starts_with('A') { "B" } else { "A" };
    wrong_signature.token.replace_range(last..=last, changed);
    vec![
        wrong_preimage,
        wrong_signature,
        Purchase::mint(&stranger, &demo(), [1; 32]),
        Purchase::mint(&retired, &demo(), [1; 32]),
    ]
}

#[tokio::test]
async fn a_forged_credential_is_401_with_a_fresh_challenge() {
    let shop = Shop::open();
    for forged in forged() {
        let answer = shop.present("/v1/demo", &forged.credential()).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::UNAUTHORIZED, "forged"));
        assert_eq!(answer.json()["error"], "Invalid token");
        let fresh = shop.pay(&answer).await;
        assert_eq!(shop.present("/v1/demo", &fresh.credential()).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_forged_credential_is_402_where_the_operator_asks_for_it() {
    let rule = GatePolicy { forged: ForgedStatus::PaymentRequired, ..GatePolicy::default() };
    let shop = Shop::with(policy(), |paywall| paywall.gate_policy(rule));
    for forged in forged() {
        let answer = shop.present("/v1/demo", &forged.credential()).await;
        assert_eq!((answer.status, answer.challenges().len()), (StatusCode::PAYMENT_REQUIRED, 2));
    }
}

#[tokio::test]
async fn an_authentic_token_that_does_not_permit_the_request_is_402_with_a_reason() {
    let shop = Shop::open();
    let name = |text| Name::new(text).unwrap();
    let good = Purchase::mint(&keys(), &demo(), [1; 32]);
    let mut other = demo();
    other.service = name("weather");
    let other_service = Purchase::mint(&keys(), &other, [1; 32]);
    let other_capability = Purchase::mint(&keys(), &demo().capability(name("data")), [1; 32]);
    let whole_service = Purchase::mint(&keys(), &demo().capability(None), [1; 32]);
    for (token, reason) in [
        (good.attenuated("plannt_valid_until=1000"), "expired"),
        (good.attenuated("plannt_valid_until=99999999999999"), "widened"),
        (good.attenuated("plannt_capabilities=data"), "other-capability"),
        (good.attenuated("plannt_color=red"), "unknown-caveat"),
        (good.attenuated("services=weather:0"), "other-service"),
        (other_service, "other-service"),
        (other_capability, "other-capability"),
        (whole_service, "other-capability"),
    ] {
        let answer = shop.present("/v1/demo", &token.credential()).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::PAYMENT_REQUIRED, reason));
        assert_eq!(answer.challenges().len(), 2);
    }
    assert!(shop.upstream.seen().is_empty());
}

#[tokio::test]
async fn a_token_opens_its_route_until_it_expires() {
    let shop = Shop::open();
    let (invoice, token) = (600, 3600);
    // The node's clock stays where it is, so the shop's comes from behind: each invoice must be payable by both.
    shop.wait(-invoice - token - 30);
    let bought = shop.buy("/v1/demo").await;
    assert_eq!(shop.present("/v1/demo", &bought.credential()).await.text(), "served");
    shop.wait(invoice + token - 10);
    assert_eq!(shop.present("/v1/demo", &bought.credential()).await.text(), "served");
    shop.wait(20);
    assert_eq!(shop.present("/v1/demo", &bought.credential()).await.reason(), "expired");
}

/// However short a token lives, its time begins when its invoice can be paid no more.
#[tokio::test]
async fn a_payment_at_the_last_moment_gets_the_whole_validity() {
    let sale = Sale::new("plannt", "/v1/demo", Msat::from_sat(21)).valid_for(Duration::from_secs(30));
    let policy = Policy::builder().sell(sale).build().unwrap();
    let shop = Shop::with(policy, |paywall| paywall.invoice_expiry(Duration::from_mins(2)));
    let challenge = shop.get("/v1/demo").await;
    assert_eq!(challenge.invoice().expiry(), Duration::from_mins(2), "the invoice is not cut to the token's time");
    shop.wait(118);
    let bought = shop.pay(&challenge).await;
    shop.wait(28);
    assert_eq!(shop.present("/v1/demo", &bought.credential()).await.text(), "served");
}

/// What the answer says of the token's time is what the token says, and a route may set how long its invoice can be paid.
#[tokio::test]
async fn the_terms_state_the_real_validity() {
    let short =
        Sale::new("plannt", "/v1/demo", Msat::from_sat(21)).valid_for(Duration::from_secs(2)).capability("demo");
    let shorter = short.clone().invoice_expiry(Duration::from_secs(20));
    for (sale, invoice) in [(short, 600), (shorter, 20)] {
        let shop = Shop::with(Policy::builder().sell(sale).build().unwrap(), |paywall| paywall);
        // The invoices of the fake node are of the real time, so that the shop's clock comes from behind.
        let behind = invoice + 32;
        shop.wait(-i64::try_from(behind).unwrap());
        let before = crate::support::system_time() - behind;
        let challenge = shop.get("/v1/demo").await;
        let after = crate::support::system_time() - behind;
        assert_eq!(challenge.invoice().expiry(), Duration::from_secs(invoice));
        let terms = challenge.json();
        let until = terms["valid_until"].as_u64().unwrap();
        assert_eq!(terms["valid_for_seconds"], 2);
        assert!((before + invoice + 2..=after + invoice + 2).contains(&until), "{terms}");
        let bought = shop.pay(&challenge).await;
        shop.wait(i64::try_from(until - after).unwrap() - 10);
        assert_eq!(shop.present("/v1/demo", &bought.credential()).await.text(), "served");
        shop.wait(20);
        assert_eq!(shop.present("/v1/demo", &bought.credential()).await.reason(), "expired");
        let page = shop.ask(request("/v1/demo", &[("accept", "text/html")])).await;
        let said = if invoice == 20 { "valid for 2s, or up to 22s if" } else { "valid for 2s, or up to 10m2s if" };
        assert!(page.text().contains(said), "{}", page.text());
    }
}

#[tokio::test]
async fn an_attenuated_token_still_opens_its_route() {
    let shop = Shop::open();
    let end = crate::support::system_time() + 60;
    let token = shop.buy("/v1/demo").await.attenuated(&format!("plannt_valid_until={end}"));
    assert_eq!(shop.present("/v1/demo", &token.credential()).await.status, StatusCode::OK);
    shop.wait(61);
    assert_eq!(shop.present("/v1/demo", &token.credential()).await.reason(), "expired");
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_node_is_503_and_never_402() {
    let shop = Shop::open();
    let forged = forged().remove(0).credential();
    for fault in [FakeFault::Unreachable, FakeFault::Hang, FakeFault::NoInboundLiquidity] {
        shop.payee.misbehave(fault);
        for fields in [&[][..], &[("authorization", forged.as_str())]] {
            let answer = shop.ask(request("/v1/demo", fields)).await;
            assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "no-invoice"));
            assert_eq!(answer.field("retry-after"), Some("5"));
            assert!(answer.challenges().is_empty());
        }
    }
    shop.payee.behave();
    assert_eq!(shop.get("/v1/demo").await.status, StatusCode::PAYMENT_REQUIRED);
}

#[tokio::test]
async fn without_random_bytes_there_is_no_token() {
    let shop = Shop::with(policy(), |paywall| paywall.random(|_| Err(getrandom::Error::UNSUPPORTED)));
    assert_eq!(shop.get("/v1/demo").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

fn strict() -> Shop {
    let rule = GatePolicy { settlement: SettlementRule::Strict, ..GatePolicy::default() };
    Shop::with(policy(), |paywall| paywall.gate_policy(rule).retry_after(2))
}

#[tokio::test(start_paused = true)]
async fn l5_only_what_the_node_has_recorded_is_admitted() {
    let shop = strict();
    let late = Duration::from_millis(300);
    shop.payee.misbehave(FakeFault::SettlesLate(late));
    let paid = shop.buy("/v1/demo").await.credential();
    let answer = shop.present("/v1/demo", &paid).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "not-settled"));
    assert_eq!(answer.field("retry-after"), Some("2"));

    for fault in [FakeFault::Unreachable, FakeFault::Hang] {
        shop.payee.misbehave(fault);
        let answer = shop.present("/v1/demo", &paid).await;
        assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "settlement-unknown"));
    }
    shop.payee.behave();
    let leaked = Purchase::mint(&keys(), &demo(), [1; 32]).credential(); // a preimage that our node was never paid for
    assert_eq!(shop.present("/v1/demo", &leaked).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(shop.upstream.seen().is_empty());

    tokio::task::spawn_blocking(move || std::thread::park_timeout(late)).await.unwrap();
    assert_eq!(shop.present("/v1/demo", &paid).await.text(), "served", "a late settlement still counts");
}

#[tokio::test]
async fn l5_less_than_the_price_is_402() {
    let rule = GatePolicy { settlement: SettlementRule::Strict, ..GatePolicy::default() };
    let shop = Shop::with(policy(), |paywall| paywall.gate_policy(rule));
    let bought = shop.buy("/v1/demo").await.sold_for(21_001);
    let answer = shop.present("/v1/demo", &bought.credential()).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::PAYMENT_REQUIRED, "underpaid"));
    let topped_up = shop.pay(&answer).await;
    assert_eq!(shop.present("/v1/demo", &topped_up.credential()).await.text(), "served");
}

#[tokio::test]
async fn deployed_forms_of_a_credential_are_accepted() {
    let shop = Shop::open();
    let bought = shop.buy("/v1/demo").await;
    let preimage = bought.preimage.to_hex().expose().to_owned();
    let with_caveat = bought.attenuated(&format!("preimage={preimage}"));
    let (token, hex) = (&bought.token, bought.metadata());
    for (name, value) in [
        ("authorization", format!("L402 {token}:{preimage}")),
        ("authorization", format!("LSAT {token}:{preimage}")),
        ("authorization", format!("lSaT {token}:{}", preimage.to_uppercase())),
        ("authorization", format!("L402 {token},{token}:{preimage}")),
        ("authorization", format!("L402 {}:{preimage}", with_caveat.token)),
        ("macaroon", hex.clone()),
        ("grpc-metadata-macaroon", hex.clone()),
        ("token", hex.to_uppercase()),
        ("grpc-metadata-token", hex.clone()),
    ] {
        assert_eq!(shop.ask(request("/v1/demo", &[(name, &value)])).await.text(), "served", "{name}: {value:.40}");
    }
}

#[tokio::test]
async fn header_bytes_that_are_no_text_are_a_challenge_or_400() {
    let shop = Shop::open();
    for (value, status) in
        [(&b"L402 \xff\xfe:\x80"[..], StatusCode::BAD_REQUEST), (b"\xff\xff", StatusCode::PAYMENT_REQUIRED)]
    {
        let mut request = request("/v1/demo", &[]);
        request.headers_mut().insert("authorization", HeaderValue::from_bytes(value).unwrap());
        assert_eq!(shop.ask(request).await.status, status);
    }
}

#[tokio::test]
async fn p1_what_is_wrong_with_the_framing_ends_the_connection() {
    let shop = Shop::open();
    for (coding, status) in [("gzip, chunked", 501), ("chunked, chunked", 400)] {
        let answer = shop.ask(request("/v1/demo", &[("transfer-encoding", coding)])).await;
        assert_eq!((answer.status.as_u16(), answer.field("connection")), (status, Some("close")), "{coding}");
    }
    assert!(shop.upstream.seen().is_empty() && shop.payee.invoices_asked() == 0);
}

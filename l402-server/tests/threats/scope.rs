//! T2 and T3: what a token opens, and what its holder can make of it.

use crate::stand::{Purchase, ROUTES, Stand};

#[tokio::test]
async fn t3_token_for_one_route_opens_no_other() {
    let stand = Stand::open().await;
    for bought in ROUTES {
        let token = stand.buy(bought.0, bought.1).await;
        for opened in ROUTES {
            let answer = stand.present(opened.0, opened.1, &token.credential()).await;
            let expected = if bought == opened { 200 } else { 402 };
            assert_eq!(answer.status, expected, "a token for {bought:?} at {opened:?}: {}", answer.text());
        }
        let seen = stand.upstream.take();
        assert_eq!(seen.len(), 1, "only {bought:?} was forwarded: {seen:?}");
        assert!(seen[0].starts_with(&format!("{} {} HTTP/1.1\r\n", bought.0, bought.1)), "{seen:?}");
    }
}

#[tokio::test]
async fn t3_no_caveat_makes_a_token_open_another_route() {
    let stand = Stand::open().await;
    let now = stand.buy("GET", "/v1/now").await;
    for opened in ROUTES.into_iter().skip(1) {
        let offer = stand.offer(opened.0, opened.1);
        let (service, capability) = (&offer.service, offer.capability.as_ref().unwrap());
        for forms in [
            vec![format!("services={service}:{}", offer.tier)],
            vec![format!("services=maps:0,{service}:{}", offer.tier.max(1))],
            vec![format!("{service}_capabilities={capability}")],
            vec![format!("maps_capabilities=get-v1-now,{capability}")],
            vec![format!("services={service}:9"), format!("{service}_capabilities={capability}")],
            vec![format!(" services = {service}:9 "), format!("\t{service}_capabilities\t=\t{capability}")],
        ] {
            let token = forms.iter().fold(now.clone(), |token, caveat| token.with(caveat));
            let answer = stand.present(opened.0, opened.1, &token.credential()).await;
            assert_eq!(answer.status, 402, "{opened:?} with {forms:?}: {}", answer.text());
        }
    }
    assert_eq!(stand.upstream.take(), [""; 0]);
}

#[tokio::test]
async fn t3_two_tokens_do_not_add_up() {
    let stand = Stand::open().await;
    let (now, gold) = (stand.buy("GET", "/v1/now").await, stand.buy("GET", "/v1/gold").await);
    let both = format!("L402 {},{}:{}", now.token, gold.token, now.preimage());
    assert_eq!(stand.present("GET", "/v1/gold", &both).await.status, 400, "of two payments");
    let narrowed = now.with("maps_valid_until=1000");
    let itself = format!("L402 {},{}:{}", now.token, narrowed.token, now.preimage());
    assert_eq!(stand.present("GET", "/v1/now", &itself).await.reason(), "expired", "each of the tokens must permit it");
}

#[tokio::test]
async fn t3_another_method_in_a_field_is_not_another_method() {
    let stand = Stand::open().await;
    let posted = stand.buy("POST", "/v1/now").await.credential();
    for field in ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"] {
        let fields = [("Authorization", posted.as_str()), (field, "POST")];
        assert_eq!(stand.ask("GET", "/v1/now", &fields).await.status, 402, "{field}");
    }
    let got = stand.buy("GET", "/v1/now").await.credential();
    assert_eq!(stand.present("HEAD", "/v1/now", &got).await.status, 200, "HEAD goes with GET");
    for method in ["get", "Get", "PATCH", "OPTIONS", "BREW"] {
        assert_eq!(stand.present(method, "/v1/now", &got).await.status, 405, "{method}");
    }
}

/// What a holder adds, and whether the token then still opens what it was bought for.
async fn after(stand: &Stand, token: &Purchase, caveat: &[u8]) -> (u16, String) {
    let answer = stand.present("GET", "/v1/now", &token.with(caveat).credential()).await;
    (answer.status, if answer.status == 200 { String::new() } else { answer.reason() })
}

#[tokio::test]
async fn t2_a_caveat_narrows_or_denies() {
    let stand = Stand::open().await;
    let token = stand.buy("GET", "/v1/now").await;
    let soon = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() + 60;
    let preimage = token.preimage();
    for narrower in [
        format!("maps_valid_until={soon}"),
        "services=maps:0".to_owned(),
        " services = maps:0 ".to_owned(),
        "maps_capabilities=get-v1-now".to_owned(),
        format!("preimage={preimage}"),
    ] {
        assert_eq!(after(&stand, &token, narrower.as_bytes()).await.0, 200, "{narrower}");
    }
    for (caveat, reason) in [
        (format!("maps_valid_until={}", soon + 7200), "widened"),
        ("services=maps:1".to_owned(), "widened"),
        ("services=maps:0,maps_gold:0".to_owned(), "widened"),
        ("maps_capabilities=get-v1-now,tile".to_owned(), "widened"),
        ("services=maps_gold:0".to_owned(), "other-service"),
        ("maps_capabilities=".to_owned(), "other-capability"),
        ("maps_capabilities=tile".to_owned(), "other-capability"),
        ("maps_valid_until=0".to_owned(), "expired"),
        ("maps_gold_valid_until=1".to_owned(), "unknown-caveat"),
    ] {
        assert_eq!(after(&stand, &token, caveat.as_bytes()).await, (402, reason.to_owned()), "{caveat}");
    }
}

#[tokio::test]
async fn t2_a_known_caveat_that_cannot_be_read_denies() {
    let stand = Stand::open().await;
    let token = stand.buy("GET", "/v1/now").await;
    for caveat in [
        "services",
        "services=",
        "services=maps",
        "services=maps:",
        "services=maps:-1",
        "services=maps:0,",
        "services=maps:0,maps:0",
        "services=maps:99999999999",
        "maps_capabilities=,",
        "maps_capabilities=get-v1-now,",
        "maps_valid_until=",
        "maps_valid_until=-1",
        "maps_valid_until=1e99",
        "maps_valid_until=99999999999999999999999",
        "maps_valid_until=0x7fffffff",
        "=",
        "=maps:0",
        "",
        "maps_capabilities=get-v1-now\u{0}",
    ] {
        let (status, reason) = after(&stand, &token, caveat.as_bytes()).await;
        assert_eq!(status, 402, "{caveat:?}");
        assert!(["undecodable-caveat", "other-capability"].contains(&reason.as_str()), "{caveat:?}: {reason}");
    }
    assert_eq!(stand.upstream.take(), [""; 0]);
}

#[tokio::test]
async fn t2_where_unknown_conditions_are_skipped_known_ones_still_deny() {
    let stand = Stand::with("protocol = { unknown_caveats = \"skip\" }").await;
    let token = stand.buy("GET", "/v1/now").await;
    for caveat in ["color=red", "color"] {
        assert_eq!(after(&stand, &token, caveat.as_bytes()).await.0, 200, "{caveat}");
    }
    for caveat in ["maps_valid_until=0", "maps_valid_until=never", "services=maps_gold:0", "services="] {
        assert_eq!(after(&stand, &token, caveat.as_bytes()).await.0, 402, "{caveat}");
    }
}

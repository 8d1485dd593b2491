//! H2 and P2: which fields reach the upstream.

use crate::stand::h2::Connection;
use crate::stand::{Purchase, Stand, UPSTREAM_KEY, log, request};

/// Every form in which a credential comes.
fn forms(bought: &Purchase) -> Vec<(&'static str, String)> {
    let (token, preimage, hex) = (&bought.token, bought.preimage(), bought.metadata());
    let inside = bought.with(format!("preimage={preimage}"));
    let url_safe = token.replace('+', "-").replace('/', "_");
    vec![
        ("Authorization", format!("L402 {token}:{preimage}")),
        ("Authorization", format!("LSAT {token}:{preimage}")),
        ("authorization", format!("l402   {token}:{}", preimage.to_uppercase())),
        ("AUTHORIZATION", format!("lSaT {}:{preimage}", url_safe.trim_end_matches('='))),
        ("Authorization", format!("L402 {token},{token}:{preimage}")),
        ("Authorization", format!("L402 {}:{preimage}", inside.token)),
        ("Macaroon", hex.clone()),
        ("Grpc-Metadata-Macaroon", hex.to_uppercase()),
        ("Token", hex.clone()),
        ("grpc-metadata-token", hex),
    ]
}

/// Demands that nothing of a token or its preimage is in a text.
#[track_caller]
fn assert_without(bought: &Purchase, place: &str, text: &str) {
    let text = text.to_ascii_lowercase();
    let (token, hex) = (bought.token.to_ascii_lowercase(), bought.hex());
    // The middle of each: caveats may have been added at the end.
    for secret in [&token[60..120], &hex[100..180], bought.preimage().as_str()] {
        assert!(!text.contains(secret), "a credential is in {place}: {text:.2000}");
    }
}

#[tokio::test]
async fn h2_no_credential_reaches_the_upstream_or_the_log() {
    let stand = Stand::open().await;
    let bought = stand.buy("GET", "/v1/now").await;
    for (name, value) in forms(&bought) {
        for (target, what) in [("/v1/now", "sold"), ("/status", "free")] {
            let answer = stand.ask("GET", target, &[(name, &value), ("Cookie", "a=b")]).await;
            assert_eq!(answer.body, "served", "{name}, {what}: {}", answer.text());
            let seen = stand.upstream.take().concat().to_ascii_lowercase();
            assert!(seen.contains("cookie: a=b\r\n"), "{what}: {seen}");
            assert!(!seen.contains(&format!("\r\n{}:", name.to_ascii_lowercase())), "{name}, {what}: {seen}");
            assert_without(&bought, "what the upstream saw", &seen);
        }
        let damaged = value.replace('0', "1");
        stand.ask("GET", "/v1/now", &[(name, &damaged)]).await;
        stand.ask("GET", "/v1/now", &[(name, &format!("{value}0"))]).await;
    }
    assert_eq!(stand.upstream.take(), [""; 0], "what was damaged was not forwarded");
    assert_without(&bought, "the log", &String::from_utf8_lossy(&log::text()));
}

#[tokio::test]
async fn h2_a_bearer_of_the_upstream_reaches_it() {
    let stand = Stand::open().await;
    let hex = stand.buy("GET", "/v1/now").await.metadata();
    let bearer = ("Authorization", "Bearer of-the-upstream");
    for (target, fields) in [
        ("/status", vec![bearer]),
        ("/v1/now", vec![bearer, ("Macaroon", hex.as_str())]),
        ("/status", vec![bearer, ("Authorization", "L402 a:b")]),
        ("/status", vec![("Authorization", "L402 a:b"), bearer]),
        ("/status", vec![bearer, ("Token", "a word of another protocol")]),
    ] {
        let answer = stand.ask("GET", target, &fields).await;
        assert_eq!(answer.body, "served", "{fields:?}: {}", answer.text());
        let seen = stand.upstream.take().concat();
        assert!(seen.contains("authorization: Bearer of-the-upstream\r\n"), "{fields:?}: {seen}");
        assert!(!seen.contains("L402 a:b") && !seen.contains(&hex), "{fields:?}: {seen}");
        assert_eq!(seen.contains("token: a word"), fields.iter().any(|(name, _)| *name == "Token"), "{seen}");
    }
}

#[tokio::test]
async fn p2_fields_of_the_clients_connection_stay_behind() {
    let stand = Stand::open().await;
    for (fields, absent) in [
        ("Keep-Alive: timeout=5\r\n", "keep-alive"),
        ("Proxy-Connection: keep-alive\r\n", "proxy-connection"),
        ("Proxy-Authorization: Basic c2VjcmV0\r\n", "proxy-authorization"),
        ("Proxy-Authenticate: Basic\r\n", "proxy-authenticate"),
        ("TE: gzip, deflate\r\n", "te"),
        ("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMA\r\n", "upgrade"),
        ("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMA\r\n", "http2-settings"),
        ("Connection: X-Hop\r\nX-Hop: 1\r\n", "x-hop"),
        ("Connection: keep-alive , x-hop\r\nX-Hop: 1\r\nX-Hop: 2\r\n", "x-hop"),
        ("X-Hop: 1\r\nConnection: close, ,X-HOP\r\n", "x-hop"),
    ] {
        let bytes = request("GET", "/status", &[]).replace("\r\n\r\n", &format!("\r\n{fields}\r\n"));
        assert_eq!(stand.send(bytes.as_bytes()).await.body, "served", "{fields:?}");
        let seen = stand.upstream.take().concat().to_ascii_lowercase();
        assert!(!seen.contains(&format!("\r\n{absent}:")), "{fields:?}: {seen}");
    }
}

#[tokio::test]
async fn p2_what_connection_names_cannot_take_away_what_the_gateway_adds() {
    let stand = Stand::open().await;
    let bought = stand.buy("GET", "/v1/now").await.credential();
    let named = "Authorization, Host, X-Api-Key, X-L402-Verified, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto";
    let fields = [("Connection", named), ("Authorization", bought.as_str())];
    assert_eq!(stand.ask("GET", "/v1/now", &fields).await.body, "served");
    let seen = stand.upstream.take().concat();
    for present in [
        "host: 127.0.0.1:",
        "x-l402-verified: true\r\n",
        "x-forwarded-for: 127.0.0.1\r\n",
        "x-forwarded-host: gateway\r\n",
        "x-forwarded-proto: http\r\n",
        &format!("x-api-key: {UPSTREAM_KEY}\r\n"),
    ] {
        assert!(seen.contains(present), "{present}: {seen}");
    }
}

/// What only a proxy, or the gateway itself, may say about a client.
const CLAIMS: [(&str, &str); 21] = [
    ("X-Forwarded-For", "6.6.6.6"),
    ("X-Forwarded-Host", "6.6.6.6"),
    ("X-Forwarded-Proto", "claim-6.6.6.6"),
    ("X-Forwarded-Port", "6.6.6.6"),
    ("X-Forwarded-User", "6.6.6.6"),
    ("X_Forwarded_For", "6.6.6.6"),
    ("X-Real-IP", "6.6.6.6"),
    ("True-Client-IP", "6.6.6.6"),
    ("CF-Connecting-IP", "6.6.6.6"),
    ("X_Client_IP", "6.6.6.6"),
    ("Client-Cert", "6.6.6.6"),
    ("X-HTTP-Host-Override", "6.6.6.6"),
    ("Forwarded", "for=6.6.6.6"),
    ("X-Original-URL", "/6.6.6.6"),
    ("X-Rewrite-URL", "/6.6.6.6"),
    ("X-HTTP-Method-Override", "6.6.6.6"),
    ("X-L402-Verified", "6.6.6.6"),
    ("X-L402-Anything", "6.6.6.6"),
    ("X_L402_Verified", "6.6.6.6"),
    ("X-Api-Key", "6.6.6.6"),
    ("X_Api_Key", "6.6.6.6"),
];

#[tokio::test]
async fn p2_claims_about_the_client_are_dropped_and_made_anew() {
    let stand = Stand::open().await;
    let bought = stand.buy("GET", "/v1/now").await.credential();
    for (target, paid) in [("/status", false), ("/v1/now", true)] {
        let fields: Vec<_> = CLAIMS.into_iter().chain([("Authorization", bought.as_str())]).collect();
        assert_eq!(stand.ask("GET", target, &fields).await.body, "served");
        let seen = stand.upstream.take().concat();
        assert!(!seen.contains("6.6.6.6"), "{seen}");
        assert!(seen.contains("x-forwarded-for: 127.0.0.1\r\n"), "{seen}");
        assert_eq!(seen.contains("x-l402-verified: true\r\n"), paid, "{seen}");
    }
}

#[tokio::test]
async fn p2_claims_in_trailers_are_dropped_too() {
    let stand = Stand::open().await;
    let bought = stand.buy("POST", "/v1/now").await;
    let credential = bought.credential();
    let names = "X-L402-Verified, X-Forwarded-For, Macaroon, Authorization, X-Sum";
    let head = request("POST", "/v1/now", &[("Authorization", &credential), ("TE", "trailers"), ("Trailer", names)]);
    let head = head.replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n");
    let trailers = format!(
        "X-L402-Verified: 6.6.6.6\r\nX-Forwarded-For: 6.6.6.6\r\nMacaroon: {}\r\nAuthorization: {credential}\r\nX-Sum: 7\r\n",
        bought.metadata()
    );
    let answer = stand.send(format!("{head}2\r\nhi\r\n0\r\n{trailers}\r\n").as_bytes()).await;
    assert_eq!(answer.body, "served", "{}", answer.text());
    let seen = stand.upstream.take().concat();
    assert!(seen.contains("x-sum: 7\r\n"), "an honest trailer passes: {seen}");
    assert_without(&bought, "the trailers", &seen);
    assert!(!seen.contains("6.6.6.6"), "{seen}");
}

#[tokio::test]
async fn p2_a_trusted_proxy_is_believed() {
    let stand = Stand::with("trusted_proxies = [\"127.0.0.0/8\"]").await;
    assert_eq!(stand.ask("GET", "/status", &CLAIMS).await.body, "served");
    let seen = stand.upstream.take().concat();
    for present in [
        "x-forwarded-for: 6.6.6.6, 127.0.0.1\r\n",
        "x-forwarded-host: 6.6.6.6\r\n",
        "forwarded: for=6.6.6.6\r\n",
        &format!("x-api-key: {UPSTREAM_KEY}\r\n"),
    ] {
        assert!(seen.contains(present), "{present}: {seen}");
    }
    assert!(!seen.contains("x-api-key: 6.6.6.6"), "{seen}");
}

#[tokio::test]
async fn p7_a_method_that_reflects_is_refused_on_every_path_and_version() {
    let stand = Stand::open().await;
    let bought = stand.buy("GET", "/v1/now").await.credential();
    let mut newer = Connection::open(stand.address()).await;
    for method in ["TRACE", "TRACK", "trace", "DEBUG"] {
        for target in ["/status", "/v1/now", "/v1/past/1", "/health", "/info", "/nowhere", "/a%2fb"] {
            for credential in ["", bought.as_str()] {
                let fields = [("Authorization", credential), ("Max-Forwards", "1")];
                let fields = &fields[usize::from(credential.is_empty())..];
                let (own, refused) = (target == "/health" || target == "/info", [405, 501]);
                let answer = stand.ask(method, target, fields).await;
                assert_eq!(answer.status, refused[usize::from(!own)], "{method} {target}: {}", answer.text());
                assert_eq!(answer.fields("www-authenticate").len(), 0, "{}", answer.text());
                let older = request(method, target, fields).replace("HTTP/1.1", "HTTP/1.0");
                assert_eq!(stand.send(older.as_bytes()).await.status, answer.status, "HTTP/1.0, {method} {target}");
                let answer = newer.ask(method, target, fields).await;
                assert_eq!(answer.head.status.as_u16(), refused[usize::from(!own)], "HTTP/2, {method} {target}");
            }
        }
    }
    assert_eq!(stand.upstream.take(), [""; 0], "nothing was forwarded");
}

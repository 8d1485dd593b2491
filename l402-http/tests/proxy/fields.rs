//! P2 and H2: what the upstream sees of the client's fields.

use core::time::Duration;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use l402_core::{
    CredentialHeaders, CredentialLine, Decision, DerivedKeys, Gate, GatePolicy, Grant, MasterKey, Msat, Name, Offer,
    Preimage, Scheme, TokenText,
};
use l402_http::proxy::UpstreamConfig;

use crate::support::{echo, exchange, gateway, gateway_with, get, origin, respond, upstream};

async fn seen_by_upstream(config: impl FnOnce(UpstreamConfig) -> UpstreamConfig, fields: &str) -> String {
    let (address, _) = echo().await;
    get(gateway(config(origin(address))).await, fields).await
}

#[tokio::test]
async fn p2_connection_headers_are_not_forwarded() {
    let cases = [
        ("keep-alive: timeout=5\r\n", "keep-alive:"),
        ("proxy-connection: keep-alive\r\n", "proxy-connection:"),
        ("proxy-authorization: Basic c2VjcmV0\r\n", "proxy-authorization:"),
        ("te: gzip\r\n", "\nte:"),
        ("upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMA\r\n", "h2c"),
        ("upgrade: h2c\r\nconnection: upgrade, http2-settings\r\nhttp2-settings: AAMA\r\n", "http2-settings"),
        ("upgrade: websocket, h2c\r\nconnection: upgrade\r\n", "upgrade:"),
        ("expect: 100-continue\r\n", "expect:"),
        ("connection: x-mine\r\nx-mine: 1\r\n", "x-mine"),
        ("connection: keep-alive , X-Mine\r\nx-mine: 1\r\n", "x-mine"),
        ("connection: x-first\r\nconnection: x-mine\r\nx-mine: 1\r\n", "x-mine"),
    ];
    for (fields, absent) in cases {
        let seen = seen_by_upstream(|config| config, fields).await;
        assert!(seen.contains("GET /path?q=1 HTTP/1.1\n"), "{fields:?}: {seen}");
        assert!(!seen.contains(absent), "{fields:?}: {seen}");
    }
}

#[tokio::test]
async fn p2_what_the_client_names_cannot_remove_what_we_add() {
    let key = HeaderValue::from_static("ours");
    let seen = seen_by_upstream(
        |config| config.secret_header("x-api-key".parse().unwrap(), key).unwrap(),
        "connection: x-api-key, x-forwarded-for, host, x-forwarded-host\r\n",
    )
    .await;
    for present in ["x-api-key: ours\n", "x-forwarded-for: 127.0.0.1\n", "host: 127.0.0.1:", "x-forwarded-host: shop"] {
        assert!(seen.contains(present), "{present}: {seen}");
    }
}

const CLAIMS: &str = "x-forwarded-for: 198.51.100.1\r\nx-forwarded-proto: https\r\nx-forwarded-host: other.example\r\n\
    x-forwarded-port: 9\r\nforwarded: for=198.51.100.1\r\nx-real-ip: 198.51.100.1\r\nx-l402-tier: 9\r\n\
    true-client-ip: 198.51.100.1\r\ncf-connecting-ip: 198.51.100.1\r\nX_Client_IP: 198.51.100.1\r\nremote.user: root\r\n\
    X_Forwarded_User: root\r\nx_l402-verified: true\r\n";

#[tokio::test]
async fn p2_claims_about_the_client_are_dropped_and_made_anew() {
    let seen = seen_by_upstream(|config| config, CLAIMS).await;
    for absent in ["198.51.100.1", "other.example", "x-forwarded-port", "root", "verified", "tier"] {
        assert!(!seen.contains(absent), "{absent}: {seen}");
    }
    for present in ["x-forwarded-for: 127.0.0.1\n", "x-forwarded-proto: http\n", "x-forwarded-host: shop.example\n"] {
        assert!(seen.contains(present), "{present}: {seen}");
    }
}

#[tokio::test]
async fn p3_t3_no_header_overrides_path_or_method() {
    let overrides = "X-Original-URL: /dear\r\nX-Rewrite-URL: /dear\r\nX_Original_URL: /dear\r\nX-Original-Method: DEAR\r\n\
        X-Original-URI: /dear\r\nX-HTTP-Path-Override: /dear\r\nX-HTTP-Method: DEAR\r\nX-HTTP-Method-Override: DEAR\r\nX_HTTP_Method_Override: DEAR\r\nX-Method-Override: DEAR\r\n";
    let seen = seen_by_upstream(|config| config, overrides).await;
    assert!(seen.contains("GET /path?q=1 HTTP/1.1\n") && !seen.to_ascii_lowercase().contains("dear"), "{seen}");
    let range = "127.0.0.0/8".parse().unwrap();
    let seen = seen_by_upstream(|config| config.trusted_proxies([range]), overrides).await;
    assert_eq!(seen.to_ascii_lowercase().matches("dear").count(), 10, "a trusted proxy may: {seen}");
}

#[tokio::test]
async fn p2_a_trusted_proxy_is_believed_and_joins_the_chain() {
    let range = "127.0.0.0/8".parse().unwrap();
    let seen = seen_by_upstream(|config| config.trusted_proxies([range]), CLAIMS).await;
    let expected = [
        "x-forwarded-for: 198.51.100.1, 127.0.0.1\n",
        "x-forwarded-proto: https\n",
        "x-forwarded-host: other.example\n",
        "forwarded: for=198.51.100.1\n",
    ];
    for present in expected {
        assert!(seen.contains(present), "{present}: {seen}");
    }
}

#[tokio::test]
async fn p2_added_headers_replace_the_clients() {
    let added = |config: UpstreamConfig| {
        let config = config.secret_header("x-api-key".parse().unwrap(), HeaderValue::from_static("ours")).unwrap();
        config.paid_header("verified".parse().unwrap(), HeaderValue::from_static("yes")).unwrap()
    };
    let seen = seen_by_upstream(added, "x-api-key: theirs\r\nx_api_key: theirs\r\nverified: forged\r\n").await;
    assert!(seen.contains("x-api-key: ours\n") && !seen.contains("theirs"), "{seen}");
    assert!(!seen.contains("verified"), "an unpaid request: {seen}");
}

/// What a gate gives for a token that was paid for.
fn grant() -> Grant {
    let offer = Offer::new(Name::new("a").unwrap(), Msat::new(1)).valid_for(Duration::from_mins(1));
    let gate = Gate::new(DerivedKeys::new(0, &MasterKey::from_bytes([7; 32])), GatePolicy::default());
    let (preimage, mut text) = (Preimage::from_bytes([1; 32]), TokenText::new());
    let token = gate.keys().mint(&offer, &preimage.hash(), [2; 28], 0.into(), &mut text).unwrap();
    let credential = CredentialLine { scheme: Scheme::L402, token, preimage: &preimage }.to_string();
    let mut fields = CredentialHeaders::new();
    fields.add("authorization", credential.as_bytes());
    match gate.decide(&fields, &offer, 0.into()) {
        Decision::Admit(grant) => grant,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_that_was_paid_for_says_so_to_the_upstream() {
    let (address, _) = echo().await;
    let config = origin(address).paid_header("x-l402-verified".parse().unwrap(), HeaderValue::from_static("true"));
    let gateway = gateway_with(config.unwrap(), |request| {
        request.extensions_mut().insert(grant());
    })
    .await;
    let seen = get(gateway, "x-l402-verified: false\r\n").await;
    assert!(seen.contains("\nx-l402-verified: true\n") && !seen.contains("false"), "{seen}");
}

#[tokio::test]
async fn h2_credentials_stay_behind_and_others_pass() {
    let credentials = [
        "authorization: L402 dG9rZW4=:00\r\n",
        "authorization: lsat dG9rZW4=:00\r\n",
        "macaroon: c0ffee\r\n",
        "grpc-metadata-macaroon: c0ffee\r\n",
    ];
    for field in credentials {
        let seen = seen_by_upstream(|config| config, &format!("{field}x-other: stays\r\n")).await;
        assert!(seen.contains("GET /path?q=1 HTTP/1.1\n") && seen.contains("\nx-other: stays\n"), "{field:?}: {seen}");
        assert!(!seen.contains("dG9rZW4=") && !seen.contains("c0ffee"), "{field:?}: {seen}");
    }
    let seen = seen_by_upstream(|config| config, "authorization: Bearer theirs\r\n").await;
    assert!(seen.contains("authorization: Bearer theirs\n"), "{seen}");
}

#[tokio::test]
async fn the_host_is_the_upstreams_unless_preserved() {
    let seen = seen_by_upstream(|config| config, "").await;
    assert!(seen.contains("\nhost: 127.0.0.1:"), "{seen}");
    let seen = seen_by_upstream(UpstreamConfig::preserve_host, "").await;
    assert!(seen.contains("\nhost: shop.example\n"), "{seen}");
}

#[tokio::test]
async fn trailers_are_announced_upstream_when_the_client_takes_them() {
    let seen = seen_by_upstream(|config| config, "te: trailers\r\nconnection: te\r\n").await;
    assert!(seen.contains("\nte: trailers\n") && seen.contains("\nconnection: te\n"), "{seen}");
}

#[tokio::test]
async fn p2_h2_trailers_hold_no_claim_and_no_credential() {
    let (address, _) = upstream(|request| async move {
        let body = request.into_body().collect().await.unwrap();
        respond(StatusCode::OK, &format!("{:?}", body.trailers()))
    })
    .await;
    let gateway =
        gateway(origin(address).paid_header("verified".parse().unwrap(), "yes".parse().unwrap()).unwrap()).await;
    let trailers = "x-sum: 42\r\nx-l402-verified: 9\r\nx-forwarded-for: 9\r\nx_forwarded_for: 9\r\nx-original-url: 9\r\n\
        macaroon: 9\r\nverified: 9\r\nkeep-alive: 9\r\n";
    let names =
        "x-sum, x-l402-verified, x-forwarded-for, x_forwarded_for, x-original-url, macaroon, verified, keep-alive";
    let head =
        format!("POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ntransfer-encoding: chunked\r\ntrailer: {names}");
    let seen = exchange(gateway, &format!("{head}\r\n\r\n2\r\nhi\r\n0\r\n{trailers}\r\n")).await;
    assert!(seen.ends_with(r#"Some({"x-sum": "42"})"#), "{seen}");
}

#[tokio::test]
async fn the_target_is_passed_on_byte_for_byte() {
    let (address, _) = echo().await;
    let gateway = gateway_with(origin(address), |_| ()).await;
    for target in ["/a%2Fb;v=1/%7Euser?x=%20&y=//", "/?", "/a//b/./c"] {
        let request = format!("GET {target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
        let seen = exchange(gateway, &request).await;
        assert!(seen.contains(&format!("GET {target} HTTP/1.1\n")), "{seen}");
    }
}

#[tokio::test]
async fn p2_fields_of_the_upstreams_connection_stay_behind() {
    let (address, _) = upstream(|_| async {
        let mut response: Response<_> = respond(StatusCode::OK, "body");
        for (name, value) in [
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=77"),
            ("proxy-authenticate", "Basic"),
            ("x-end", "stays"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    })
    .await;
    let answer = get(gateway(origin(address)).await, "").await;
    assert!(answer.contains("x-end: stays\r\n") && answer.ends_with("\r\n\r\nbody"), "{answer}");
    for absent in ["x-hop", "timeout=77", "proxy-authenticate"] {
        assert!(!answer.contains(absent), "{absent}: {answer}");
    }
}

#[tokio::test]
async fn p1_odd_spellings_of_framing_headers_are_always_dropped() {
    let odd = "Transfer_Encoding: chunked\r\nContent_Length: 6\r\nKeep_Alive: 1\r\nProxy_Authorization: x\r\n\
        content.length: 6\r\nGrpc_Metadata_Macaroon: 0201\r\napi_key: stays\r\n";
    let trusting = |config: UpstreamConfig| config.trusted_proxies(["127.0.0.0/8".parse().unwrap()]);
    for seen in [seen_by_upstream(|config| config, odd).await, seen_by_upstream(trusting, odd).await] {
        for absent in ["_encoding", "_length", "content.", "keep_alive", "proxy_", "macaroon"] {
            assert!(!seen.contains(absent), "{absent}: {seen}");
        }
        assert!(seen.contains("api_key: stays\n"), "{seen}");
    }
}

#[tokio::test]
async fn p1_trailers_frame_nothing_and_claim_nothing() {
    let (address, _) = upstream(|request| async move {
        let trailers = request.into_body().collect().await.unwrap().trailers().cloned().unwrap_or_default();
        respond(StatusCode::OK, &format!("{trailers:?}"))
    })
    .await;
    let names = "X-Sum, X_Real_IP, X-HTTP-Method-Override, Transfer_Encoding, Authorization, Cookie";
    let trailers = "X-Sum: 7\r\nX_Real_IP: 6.6.6.6\r\nX-HTTP-Method-Override: BAD\r\nTransfer_Encoding: bad\r\n\
        Authorization: Bearer bad\r\nCookie: bad\r\n";
    let request = format!(
        "POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\nte: trailers\r\ntrailer: {names}\r\n\
         transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n{trailers}\r\n"
    );
    let seen = exchange(gateway(origin(address)).await, &request).await;
    assert!(seen.contains("x-sum") && !seen.contains("6.6.6.6") && !seen.to_lowercase().contains("bad"), "{seen}");
}

const UPSTREAM_KEY: &str = "key-of-the-upstream";

/// A configuration whose upstream gets a key.
fn with_key(config: UpstreamConfig) -> UpstreamConfig {
    let bearer = HeaderValue::from_str(&format!("Bearer {UPSTREAM_KEY}")).unwrap();
    config.secret_header("authorization".parse().unwrap(), bearer).unwrap()
}

#[tokio::test]
async fn p7_a_method_that_reflects_is_never_forwarded() {
    let (address, connections) = echo().await;
    let gateway = gateway(with_key(origin(address))).await;
    for method in ["TRACE", "trace", "TRACK", "Track", "DEBUG"] {
        for fields in ["", "max-forwards: 0\r\n", "max-forwards: 5\r\n"] {
            let request = format!("{method} /path HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{fields}\r\n");
            let seen = exchange(gateway, &request).await;
            assert!(seen.starts_with("HTTP/1.1 501 ") && seen.contains("method-not-implemented"), "{method}: {seen}");
        }
    }
    assert_eq!(connections.load(core::sync::atomic::Ordering::SeqCst), 0, "nothing was forwarded");
    let request = "OPTIONS /path HTTP/1.1\r\nhost: a\r\nconnection: close\r\nmax-forwards: 1\r\n\r\n";
    let seen = exchange(gateway, request).await;
    assert!(seen.contains("OPTIONS /path") && !seen.contains("max-forwards"), "{seen}");
}

#[tokio::test]
async fn p7_a_response_that_contains_the_request_is_not_forwarded() {
    let (address, _) = upstream(|request| async move {
        let key = request.headers()["authorization"].clone();
        let mut response = respond(StatusCode::OK, &format!("GET / HTTP/1.1\r\nauthorization: {key:?}\r\n\r\n"));
        response.headers_mut().insert("content-type", HeaderValue::from_static("Message/HTTP; version=1.1"));
        response
    })
    .await;
    let seen = get(gateway(with_key(origin(address))).await, "").await;
    assert!(seen.starts_with("HTTP/1.1 502 ") && seen.contains("upstream-reflects"), "{seen}");
    assert!(!seen.contains(UPSTREAM_KEY), "{seen}");
}

#[tokio::test]
async fn p7_an_added_secret_does_not_come_back_in_a_header() {
    let (address, _) = upstream(|request| async move {
        let key = request.headers()["authorization"].to_str().unwrap().to_owned();
        let mut response = respond(StatusCode::OK, "served");
        for (name, value) in [
            ("x-echo-authorization", key.clone()),
            ("x-debug", format!("sent {}, got it", &key[7..])),
            ("x-honest", "yes".to_owned()),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
        }
        response
    })
    .await;
    let seen = get(gateway(with_key(origin(address))).await, "").await;
    assert!(!seen.contains(UPSTREAM_KEY) && seen.contains("x-honest: yes") && seen.ends_with("served"), "{seen}");
}

#[tokio::test]
async fn the_crumbs_of_a_cookie_are_joined() {
    let seen = seen_by_upstream(|config| config, "cookie: a=1\r\ncookie: b=2; c=3\r\nCookie: d=4\r\n").await;
    assert!(seen.contains("cookie: a=1; b=2; c=3; d=4\n") && seen.matches("cookie").count() == 1, "{seen}");
}

#[tokio::test]
async fn a_redirect_at_the_upstreams_own_origin_becomes_one_at_the_public_one() {
    let (address, _) = upstream(|request| async move {
        let own = request.headers()["host"].to_str().unwrap().to_owned();
        let mut response = respond(StatusCode::FOUND, "");
        for (name, value) in [
            ("location", format!("http://{own}/after?q#f")),
            ("content-location", format!("//{own}/here")),
            ("refresh", format!("3; url=http://{own}/soon")),
            ("link", format!("<http://{own}/next>; rel=next, <https://other.example/>; rel=prev")),
            ("alt-svc", "h3=\":443\"".to_owned()),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_str(&value).unwrap());
        }
        response
    })
    .await;
    for config in [origin(address), origin(address).preserve_host()] {
        let seen = get(gateway(config).await, "").await;
        for present in [
            "location: /after?q#f\r\n",
            "content-location: /here\r\n",
            "refresh: 3; url=/soon\r\n",
            "link: </next>; rel=next, <https://other.example/>; rel=prev\r\n",
        ] {
            assert!(seen.contains(present), "{present}: {seen}");
        }
        assert!(!seen.contains("alt-svc") && !seen.contains(&address.to_string()), "{seen}");
    }
}

#[tokio::test]
async fn p7_a_secret_that_was_added_does_not_come_back_in_a_trailer() {
    let (address, _) = upstream(|request| async move {
        let mut trailers = http::HeaderMap::new();
        trailers.insert("x-echo", request.headers()["authorization"].clone());
        trailers.insert("x-phrase", HeaderValue::from_static("of the phrase only its end"));
        trailers.insert("keep-alive", HeaderValue::from_static("5"));
        trailers.insert("x-honest", HeaderValue::from_static("yes"));
        let frames = [Frame::data(Bytes::from("served")), Frame::trailers(trailers)].map(Ok);
        let mut response = Response::new(StreamBody::new(futures_util::stream::iter(frames)).boxed());
        let names = HeaderValue::from_static("x-echo, x-phrase, keep-alive, x-honest");
        response.headers_mut().insert("trailer", names);
        response
    })
    .await;
    let config = with_key(origin(address));
    let phrase = HeaderValue::from_static("of the phrase only its end");
    let config = config.secret_header("x-key".parse().unwrap(), phrase).unwrap();
    let seen = get(gateway(config).await, "te: trailers\r\n").await;
    assert!(seen.contains("x-honest: yes"), "{seen}");
    for gone in [UPSTREAM_KEY, "x-phrase:", "keep-alive:"] {
        assert!(!seen.contains(gone), "{gone}: {seen}");
    }
}

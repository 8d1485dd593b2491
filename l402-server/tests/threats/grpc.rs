//! The same for gRPC: "Trailers-Only" answers over HTTP/2, with a gRPC status in place of the HTTP one.

use crate::stand::h2::{Connection, Reply};
use crate::stand::{Purchase, Stand, keys};
use l402_lightning::testing::FakeFault;

const GRPC: (&str, &str) = ("content-type", "application/grpc");

async fn call(stand: &Stand, fields: &[(&str, &str)]) -> Reply {
    let fields: Vec<_> = [GRPC, ("te", "trailers")].iter().chain(fields).copied().collect();
    Connection::open(stand.address()).await.ask("POST", "/v1/now", &fields).await
}

/// Demands one header block with this status, and nothing behind it.
#[track_caller]
fn is_trailers_only(reply: &Reply, status: &str, lines: usize) {
    assert_eq!(reply.head.status, 200, "{}", reply.text());
    assert_eq!(
        (reply.field("content-type"), reply.field("grpc-status")),
        ("application/grpc", status),
        "{}",
        reply.text()
    );
    assert_eq!(reply.challenges().len(), lines, "{}", reply.text());
    assert_eq!(reply.field("cache-control"), "no-store");
    assert!(reply.head_only && reply.body.is_empty(), "the head ends the stream");
}

#[tokio::test]
async fn a_call_without_a_credential_is_status_13_with_both_lines() {
    let stand = Stand::open().await;
    for content_type in ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"] {
        let fields = [("content-type", content_type), ("te", "trailers")];
        let reply = Connection::open(stand.address()).await.ask("POST", "/v1/now", &fields).await;
        is_trailers_only(&reply, "13", 2);
        assert_eq!(reply.field("grpc-message"), "payment required");
        let [lsat, l402] = reply.challenges()[..] else { panic!("{}", reply.text()) };
        assert!(lsat.starts_with("LSAT macaroon=\"") && l402.starts_with("L402 version=\"0\", token=\""));
    }
    let plain = Connection::open(stand.address()).await.ask("POST", "/v1/now", &[]).await;
    assert_eq!(plain.head.status, 402, "only gRPC gets the form of gRPC");
}

#[tokio::test]
async fn a_paid_call_reaches_the_upstream_without_its_metadata() {
    let stand = Stand::open().await;
    let bought = stand.buy("POST", "/v1/now").await;
    let hex = bought.metadata();
    for (name, value) in [("macaroon", hex.as_str()), ("token", &hex), ("authorization", &bought.credential())] {
        let reply = call(&stand, &[(name, value)]).await;
        assert_eq!((reply.head.status.as_u16(), &reply.body[..]), (200, &b"served"[..]), "{name}: {}", reply.text());
        let seen = stand.upstream.take().concat();
        assert!(seen.starts_with("POST /v1/now HTTP/1.1\r\n") && seen.contains("content-type: application/grpc\r\n"));
        assert!(!seen.contains(&format!("{name}:")) && !seen.contains(&bought.preimage()), "{seen}");
    }
}

#[tokio::test]
async fn each_refusal_has_its_grpc_status() {
    let stand = Stand::open().await;
    let good = Purchase::mint(&keys(), &stand.offer("POST", "/v1/now"), [1; 32], 0);
    let forged = format!("L402 {}:{}", good.token, "ee".repeat(32));
    let expired = good.with("maps_valid_until=1");
    for (what, fields, status, lines) in [
        ("malformed", vec![("authorization", "L402 ????:00".to_owned())], "3", 0),
        ("malformed metadata", vec![("macaroon", "0201".to_owned())], "3", 0),
        ("two credentials", vec![("macaroon", good.metadata()), ("token", expired.metadata())], "3", 0),
        ("forged", vec![("authorization", forged)], "16", 2),
        ("expired", vec![("authorization", expired.credential())], "13", 2),
        ("not settled", vec![("authorization", good.credential())], "14", 0),
    ] {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let reply = call(&stand, &fields).await;
        is_trailers_only(&reply, status, lines);
        assert!(!reply.field("grpc-message").is_empty(), "{what}");
        assert_eq!(reply.field("retry-after").is_empty(), status != "14", "{what}: {}", reply.text());
    }
    assert_eq!(stand.upstream.take(), [""; 0]);
}

#[tokio::test]
async fn an_unreachable_node_is_status_14_and_shows_no_invoice() {
    let stand = Stand::open().await;
    for fault in [FakeFault::Unreachable, FakeFault::WrongAmount, FakeFault::WrongPayee] {
        stand.payee.misbehave(fault);
        let reply = call(&stand, &[]).await;
        is_trailers_only(&reply, "14", 0);
        assert_eq!(reply.field("retry-after"), "5");
        assert!(!reply.text().contains("lnbc"), "{fault:?}: {}", reply.text());
    }
}

#[tokio::test]
async fn h1_h2_hold_over_http_2() {
    let stand = Stand::open().await;
    let bought = stand.buy("GET", "/v1/now").await;
    let line = bought.credential();
    let mut connection = Connection::open(stand.address()).await;
    let twice = [("authorization", line.as_str()), ("authorization", &line)];
    assert_eq!(connection.ask("GET", "/v1/now", &twice).await.head.status, 400);
    let fields = [("authorization", line.as_str()), ("x-l402-verified", "6.6.6.6"), ("x-forwarded-for", "6.6.6.6")];
    assert_eq!(connection.ask("GET", "/v1/now", &fields).await.body, "served");
    let seen = stand.upstream.take().concat();
    assert!(seen.contains("x-l402-verified: true\r\n") && !seen.contains("6.6.6.6"), "{seen}");
    assert!(!seen.contains("authorization") && !seen.contains(&bought.preimage()), "{seen}");
}

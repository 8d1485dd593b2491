//! H1: one credential for each request; what could be read in two ways is 400.

use crate::stand::{Stand, request};

#[tokio::test]
async fn h1_more_than_one_credential_is_400() {
    let stand = Stand::open().await;
    let (one, other) = (stand.buy("GET", "/v1/now").await, stand.buy("GET", "/v1/now").await);
    let (line, hex) = (one.credential(), one.metadata());
    let (other_line, other_hex) = (other.credential(), other.metadata());
    let other_lsat = other_line.replace("L402", "LSAT");
    let joined = format!("{line}, {other_lsat}");
    for fields in [
        [("Authorization", line.as_str()), ("Authorization", &line)],
        [("Authorization", &line), ("Authorization", &other_line)],
        [("Authorization", &line), ("authorization", &other_lsat)],
        [("Authorization", &joined), ("Accept", "*/*")],
        [("Authorization", &line), ("Authorization", "Bearer abc")],
        [("Authorization", "Bearer abc"), ("Authorization", &line)],
        [("Authorization", ""), ("AUTHORIZATION", &line)],
        [("Authorization", &line), ("Macaroon", &other_hex)],
        [("Macaroon", &other_hex), ("Authorization", &line)],
        [("Authorization", &line), ("Grpc-Metadata-Macaroon", &other_hex)],
        [("Authorization", &line), ("Token", &other_hex)],
        [("Authorization", &line), ("Grpc-Metadata-Token", &other_hex)],
        [("Authorization", &line), ("Macaroon", "no token")],
        [("Macaroon", &hex), ("Macaroon", &other_hex)],
        [("Macaroon", &hex), ("Token", &other_hex)],
        [("Token", &hex), ("Grpc-Metadata-Token", &other_hex)],
    ] {
        let answer = stand.ask("GET", "/v1/now", &fields).await;
        assert_eq!(answer.status, 400, "{fields:?}: {}", answer.text());
        assert!(["ambiguous-credential", "malformed-credential"].contains(&answer.reason().as_str()), "{fields:?}");
        assert!(answer.fields("www-authenticate").is_empty(), "{fields:?}");
    }
    assert_eq!(stand.upstream.take(), [""; 0]);
}

#[tokio::test]
async fn h1_the_same_credential_in_two_places_is_one() {
    let stand = Stand::open().await;
    let bought = stand.buy("GET", "/v1/now").await;
    let (line, hex) = (bought.credential(), bought.metadata());
    let fields = [("Authorization", line.as_str()), ("Macaroon", &hex), ("Grpc-Metadata-Macaroon", &hex)];
    assert_eq!(stand.ask("GET", "/v1/now", &fields).await.body, "served");
}

/// What a widely used Go library sends, what becomes of it behind a proxy that joins lines, and what clients of gRPC add.
#[tokio::test]
async fn h1_the_same_credential_under_both_schemes_is_one_and_goes_no_further() {
    let stand = Stand::open().await;
    let bought = stand.buy("GET", "/v1/now").await;
    let line = bought.credential();
    let lsat = line.replace("L402", "LSAT");
    let url_safe = format!("LSAT {}:{}", bought.token.replace('+', "-").replace('/', "_"), bought.preimage());
    let (joined, turned) = (format!("{lsat}, {line}"), format!("{line},{lsat}"));
    for fields in [
        vec![("Authorization", lsat.as_str()), ("Authorization", &line)],
        vec![("Authorization", &line), ("authorization", &url_safe)],
        vec![("Authorization", &joined)],
        vec![("Authorization", &turned)],
        vec![("Authorization", &line), ("Macaroon", "")],
        vec![("Grpc-Metadata-Macaroon", ""), ("Authorization", &lsat), ("Authorization", &line)],
    ] {
        let answer = stand.ask("GET", "/v1/now", &fields).await;
        assert_eq!(answer.body, "served", "{fields:?}: {}", answer.text());
        let seen = stand.upstream.take().concat().to_ascii_lowercase();
        assert!(!seen.contains("authorization:") && !seen.contains("macaroon:"), "{seen}");
    }
}

/// What parsers of other servers disagree about: where a line ends, and what its name is.
#[tokio::test]
async fn h1_a_field_that_can_be_read_in_two_ways_is_400() {
    let stand = Stand::open().await;
    let line = stand.buy("GET", "/v1/now").await.credential();
    let (start, end) = line.split_at(40);
    for fields in [
        format!("Authorization : {line}\r\n"),
        format!(" Authorization: {line}\r\n"),
        format!("Authorization: {start}\r\n {end}\r\n"),
        format!("X-A: 1\r\n\tAuthorization: {line}\r\n"),
        format!("Authorization: {start}\r{end}\r\n"),
        format!("Authorization: {start}\0{end}\r\n"),
        format!("Authorization\0: {line}\r\n"),
        format!("X Authorization: {line}\r\n"),
    ] {
        let bytes = request("GET", "/v1/now", &[]).replace("\r\n\r\n", &format!("\r\n{fields}\r\n"));
        let answer = stand.send(bytes.as_bytes()).await;
        assert_eq!(answer.status, 400, "{fields:?}: {}", answer.text());
    }
    assert_eq!(stand.upstream.take(), [""; 0]);
    stand.is_well().await;
}

//! H3 and L2: whose payment a challenge is for.

use crate::stand::h2::Connection;
use crate::stand::{Crafted, Stand};
use l402_core::Preimage;
use std::collections::HashSet;
use tokio::task::JoinSet;

/// Preimages that a client would like to have paid with.
const CHOSEN: [[u8; 32]; 3] = [[0; 32], [0x11; 32], [0xff; 32]];

#[tokio::test]
async fn h3_no_answer_of_the_gateways_own_is_stored() {
    let stand = Stand::open().await;
    for (target, fields, status) in [
        ("/v1/now", &[][..], 402),
        ("/v1/now", &[("Accept", "text/html")], 402),
        ("/v1/now", &[("If-None-Match", "*"), ("Cache-Control", "only-if-cached")], 402),
        ("/v1/now", &[("Authorization", "L402 a:b")], 400),
        ("/nothing", &[], 404),
        ("/v1//now", &[], 400),
        ("/health", &[], 200),
        ("/info", &[], 200),
    ] {
        let answer = stand.ask("GET", target, fields).await;
        assert_eq!((answer.status, answer.fields("cache-control")), (status, vec!["no-store"]), "{target} {fields:?}");
    }
    let [head, wrong_method] = [stand.ask("HEAD", "/v1/now", &[]).await, stand.ask("DELETE", "/v1/now", &[]).await];
    assert_eq!((head.status, head.fields("cache-control"), head.body.as_str()), (402, vec!["no-store"], ""));
    assert_eq!((wrong_method.status, wrong_method.fields("cache-control")), (405, vec!["no-store"]));
}

#[tokio::test]
async fn h3_every_challenge_has_a_payment_hash_of_its_own() {
    let stand = Stand::open().await;
    let mut asking = JoinSet::new();
    for _ in 0..10 {
        let connection = Connection::open(stand.address()).await;
        for _ in 0..100 {
            let mut connection = connection.clone();
            asking.spawn(async move { connection.ask("GET", "/v1/now", &[]).await });
        }
    }
    let (mut hashes, mut tokens) = (HashSet::new(), HashSet::new());
    while let Some(reply) = asking.join_next().await {
        let reply = reply.unwrap();
        assert_eq!(reply.head.status, 402);
        let body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        hashes.insert(body["payment_hash"].to_string());
        tokens.insert(body["token"].to_string());
    }
    assert_eq!((hashes.len(), tokens.len()), (1000, 1000));
}

#[tokio::test]
async fn l2_an_unpaid_invoice_and_a_chosen_preimage_open_nothing() {
    let stand = Stand::open().await;
    let (token, invoice) = stand.ask("GET", "/v1/now", &[]).await.challenge();
    let hash_as_preimage = *invoice.payment_hash().as_bytes();
    for chosen in CHOSEN.into_iter().chain([hash_as_preimage]) {
        let unpaid = crate::stand::Purchase { token: token.clone(), preimage: Preimage::from_bytes(chosen) };
        let swapped = unpaid.changed(|bytes| bytes[11..43].copy_from_slice(unpaid.preimage.hash().as_bytes()));
        for (what, name, value) in [
            ("beside it", "Authorization", unpaid.credential()),
            ("in it", "Macaroon", unpaid.metadata()),
            ("with its hash in the token", "Authorization", swapped.credential()),
            ("with its hash in the token, in it", "Token", swapped.metadata()),
        ] {
            let answer = stand.ask("GET", "/v1/now", &[(name, &value)]).await;
            assert_eq!((answer.status, answer.reason().as_str()), (401, "forged"), "{what}: {}", answer.text());
        }
    }
    assert_eq!(stand.upstream.take(), [""; 0]);
}

#[tokio::test]
async fn l2_no_client_chooses_the_hash_of_a_challenge() {
    let stand = Stand::open().await;
    let mut seen = HashSet::new();
    for chosen in CHOSEN {
        let hash = Preimage::from_bytes(chosen).hash();
        let text = hash.to_string();
        let theirs = Crafted::new(chosen).sign().changed(|bytes| *bytes.last_mut().unwrap() ^= 1);
        let known = Crafted::new(chosen).caveat(b"services=maps_gold:0").sign();
        for (target, name, value) in [
            (format!("/v1/now?payment_hash={text}&hash={text}"), "Payment-Hash", text.clone()),
            ("/v1/now".to_owned(), "X-L402-Payment-Hash", text.clone()),
            ("/v1/now".to_owned(), "Grpc-Metadata-Payment-Hash", text.clone()),
            ("/v1/now".to_owned(), "Authorization", theirs.credential()),
            ("/v1/now".to_owned(), "Authorization", known.credential()),
            ("/v1/now".to_owned(), "Macaroon", theirs.metadata()),
        ] {
            let answer = stand.ask("GET", &target, &[(name, &value)]).await;
            let (_, invoice) = answer.challenge();
            assert_ne!(invoice.payment_hash(), hash, "{target} {name}");
            assert!(seen.insert(invoice.payment_hash()), "{target} {name}: an invoice is shown twice");
            assert!(!answer.text().contains(&text), "{target} {name}: {}", answer.text());
        }
    }
}

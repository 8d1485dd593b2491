//! A new key while the gateway serves.

use crate::support::{Echo, Gateway};
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use l402_core::Identifier;
use l402_core::macaroon::{MacaroonRef, base64};
use l402_gateway::keys;
use l402_lightning::unix_now;
use std::sync::Arc;

/// The epoch of a credential's token.
fn epoch(credential: &str) -> u32 {
    let (_, rest) = credential.split_once(' ').expect("a scheme");
    let (token, _) = rest.split_once(':').expect("a preimage");
    let mut bytes = [0; 1024];
    let token =
        MacaroonRef::parse(base64::decode_into(token.as_bytes(), &mut bytes).expect("base64")).expect("a token");
    Identifier::parse(token.identifier()).expect("an identifier").token_id().epoch()
}

async fn served(gateway: &Gateway, credential: &str) -> bool {
    gateway.ask("GET", "/", &[("Authorization", credential)]).await.status == 200
}

/// Two rotations while both tokens are in use: none of them fails once, and the retired keys mint no more.
#[tokio::test]
async fn s4_a_rotation_under_load_kills_no_paid_token() {
    let echo = Echo::start().await;
    let gateway = Arc::new(Gateway::start(&format!("upstream = {:?}\nuses = \"unlimited\"", echo.url)));
    let mut tokens = vec![gateway.buy("GET", "/").await];
    assert_eq!(epoch(&tokens[0]), 0);
    let (stop, count, failed) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut load = Vec::new();
    for number in 1..=2 {
        let token = tokens.last().expect("one was bought").clone();
        let (gateway_of_load, stop, count, failed) =
            (Arc::clone(&gateway), Arc::clone(&stop), Arc::clone(&count), Arc::clone(&failed));
        load.push(tokio::spawn(async move {
            while !stop.load(Ordering::SeqCst) {
                failed.fetch_add(usize::from(!served(&gateway_of_load, &token).await), Ordering::SeqCst);
                count.fetch_add(1, Ordering::SeqCst);
            }
        }));
        // Published more than a minute ago, one after the other, so that it mints at once.
        let published = unix_now().get() - 300 + 100 * u64::from(number);
        keys::rotate(&gateway.key_dir(), Duration::from_hours(2), published).expect("rotated");
        let mut token = gateway.buy("GET", "/").await;
        for _ in 0..200 {
            if epoch(&token) == number {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            token = gateway.buy("GET", "/").await;
        }
        assert_eq!(epoch(&token), number, "the new key mints");
        tokens.push(token);
    }
    let so_far = count.load(Ordering::SeqCst);
    while count.load(Ordering::SeqCst) < so_far + 20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.store(true, Ordering::SeqCst);
    for task in load {
        task.await.expect("joined");
    }
    assert_eq!(failed.load(Ordering::SeqCst), 0, "of {}", count.load(Ordering::SeqCst));
    for token in &tokens {
        assert!(served(&gateway, token).await, "epoch {}", epoch(token));
    }
    assert_eq!(epoch(&gateway.buy("GET", "/").await), 2, "retired keys never mint");
}

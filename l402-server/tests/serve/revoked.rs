//! Tokens that the operator denies before their time.

use crate::support::{Answer, Echo, Gateway};
use core::time::Duration;
use l402_core::{PaymentHash, Preimage, UnixSeconds};
use l402_ledger::{LedgerStore, Revocation};

/// The payment of a credential.
fn payment(credential: &str) -> PaymentHash {
    let (_, preimage) = credential.rsplit_once(':').expect("a preimage");
    Preimage::from_hex(preimage.as_bytes()).expect("a preimage").hash()
}

async fn ask(gateway: &Gateway, credential: &str) -> Answer {
    gateway.ask("GET", "/", &[("Authorization", credential)]).await
}

/// Asks until the answer is another one than 200: the gateway reads the list every half second.
async fn refused(gateway: &Gateway, credential: &str) -> Answer {
    for _ in 0..200 {
        let answer = ask(gateway, credential).await;
        if answer.status != 200 {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the token is still served");
}

async fn s1_revoked(terms: &str) {
    let echo = Echo::start().await;
    let gateway = Gateway::start(&format!("upstream = {:?}\n{terms}", echo.url));
    let (stolen, other) = (gateway.buy("GET", "/").await, gateway.buy("GET", "/").await);
    assert_eq!(ask(&gateway, &stolen).await.status, 200);
    let revocation = Revocation::of_payment(payment(&stolen), UnixSeconds::new(4_000_000_000));
    gateway.keeper.ledger().revoke(revocation).await.expect("revoked");
    let answer = refused(&gateway, &stolen).await;
    assert_eq!(answer.status, 402, "{}", answer.text);
    assert!(answer.body().contains("\"reason\":\"revoked\""), "{}", answer.text);
    assert_eq!(answer.fields("www-authenticate").len(), 2, "with a challenge: {}", answer.text);
    assert_eq!(ask(&gateway, &other).await.status, 200, "only that one");
    // No other token of this gateway is served after its epoch is revoked.
    gateway.keeper.ledger().revoke(Revocation::of_epoch(0)).await.expect("revoked");
    assert!(refused(&gateway, &other).await.body().contains("\"reason\":\"revoked\""));
    gateway.server.shutdown().await;
}

#[tokio::test]
async fn s1_a_revoked_token_that_is_not_counted_is_402() {
    s1_revoked("uses = \"unlimited\"").await;
}

#[tokio::test]
async fn s1_a_revoked_token_that_is_counted_is_402() {
    s1_revoked("uses = 1000").await;
}

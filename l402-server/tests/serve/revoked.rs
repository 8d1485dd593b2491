//! Tokens that the operator denies before their time.

use crate::support::{Answer, Echo, Gateway};
use core::time::Duration;
use l402_core::{PaymentHash, Preimage, UnixSeconds};
use l402_gateway::control::{self, Books, Call, KeysCall, Reply, Request, RevokeCall};
use l402_gateway::keys::{self, Standing};
use l402_ledger::embedded::{Durability, Embedded};
use l402_ledger::{Ledger, LedgerStore, Revocation};
use l402_lightning::unix_now;
use l402_server::config::Config;

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
    // No other token of this gateway is served after its epoch is revoked, and none is sold that would be refused.
    gateway.keeper.ledger().revoke(Revocation::of_epoch(0)).await.expect("revoked");
    let answer = refused(&gateway, &other).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(answer.body().contains("\"reason\":\"undeliverable\""), "{}", answer.text);
    assert_eq!(gateway.ask("GET", "/", &[]).await.status, 503);
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

/// The terms become shorter after a sale. What was sold before stays revoked to its end, and the key that signed it verifies as long.
#[tokio::test]
async fn s1_s4_what_was_sold_on_longer_terms_is_kept_in_mind() {
    let echo = Echo::start().await;
    let terms = |valid_for| format!("upstream = {:?}\nuses = \"unlimited\"\nvalid_for = {valid_for:?}", echo.url);
    let gateway = Gateway::start(&terms("30d"));
    let sold = gateway.ask("GET", "/", &[]).await;
    let ends_at = serde_json::from_str::<serde_json::Value>(sold.body()).expect("JSON")["valid_until"].clone();
    let ends_at = ends_at.as_u64().expect("a time");
    let data = gateway.stop().await;

    let text = format!("data_dir = \"{}\"\n{}", data.path().display(), terms("1h"));
    let settings = Config::from_text(&text, &|_: &str| None).expect("a configuration").settings;
    let ledger = Embedded::open_or_create(&data.path().join("another"), Durability::Process).expect("a ledger");
    let books = Books::new(Ledger::new(ledger), &settings);
    let ask = async |call| {
        let request = Request { call, id: None, dry_run: false };
        match control::answer(data.path(), books.clone(), &request).await.expect("an answer") {
            Reply::Facts(facts) => facts,
            other => panic!("{other:?}"),
        }
    };
    let told = ask(Call::Revoke(RevokeCall::Payment { payment: "1".repeat(64) })).await;
    assert!(told["revoked"]["until_unix"].as_u64() >= Some(ends_at), "{told}, {ends_at}");
    ask(Call::Keys(KeysCall::Rotate)).await;
    let epochs = keys::epochs(&settings.key_dir, unix_now().get() + 120).expect("epochs");
    let [_, old] = epochs[..] else { panic!("{epochs:?}") };
    assert!(matches!(old.standing, Standing::Retired { until: Some(until) } if until >= ends_at), "{old:?}, {ends_at}");
}

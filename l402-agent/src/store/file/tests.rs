//! Tests of the token store in the database.

use super::*;
use crate::store::budget::{BudgetId, CallId, FeeLimit};
use crate::store::private::PrivateDir;
use l402_core::{Msat, Preimage, Scheme, UnixSeconds};
use l402_http::pay::{TokenStore, Turns};
use tokio::time::sleep;

fn payer() -> Payer {
    Payer { budget: BudgetId::MAIN, call: CallId::random().unwrap(), fee_limit: FeeLimit::Kept }
}

/// A token that is being paid for.
fn pending(payment_hash: PaymentHash) -> Token {
    Token {
        scheme: Scheme::L402,
        text: "AgEE".to_owned(),
        payment_hash,
        preimage: None,
        amount_msat: Msat::new(21_000),
        fee_msat: Msat::new(0),
        method: Method::GET,
        path: "/".to_owned(),
        bought_at: UnixSeconds::new(1_700_000_000),
        standing: Standing::New,
        uses_left: None,
        is_under_way: false,
        order: None,
    }
}

#[tokio::test]
async fn a9_of_stores_that_share_a_folder_one_has_the_turn() {
    let folder = tempfile::tempdir().unwrap();
    let data = PrivateDir::open(folder.path().join("data")).unwrap();
    let store = || FileStore::new(&Database::open(&data).unwrap(), Reuse::Kept, "sandbox".to_owned(), payer()).unwrap();
    let (one, other) = (store(), store());
    let origin: Origin = "http://a".parse().unwrap();
    let enter =
        async |store: &FileStore, path, patience| store.enter(&origin, &Method::GET, path, patience).await.unwrap();
    let turn = enter(&one, "/", Duration::ZERO).await.unwrap();
    assert!(enter(&other, "/", Duration::ZERO).await.is_none());
    assert!(enter(&other, "/", Duration::from_millis(120)).await.is_none(), "it waits no longer than it may");
    assert!(enter(&other, "/elsewhere", Duration::ZERO).await.is_some());
    let waiting = async { enter(&other, "/", Duration::from_mins(1)).await.is_some() };
    let (is_next, ()) = tokio::join!(waiting, async {
        sleep(POLL * 2).await;
        drop(turn);
    });
    assert!(is_next);
    let left = data.folder("locks").unwrap().names().unwrap();
    assert!(!left.iter().any(|name| name.starts_with("turn-")), "{left:?}");
}

#[tokio::test]
async fn a9_a_note_does_not_restore_a_forgotten_token() {
    let folder = tempfile::tempdir().unwrap();
    let data = PrivateDir::open(folder.path().join("data")).unwrap();
    let store = FileStore::new(&Database::open(&data).unwrap(), Reuse::Kept, "sandbox".to_owned(), payer()).unwrap();
    let origin: Origin = "http://a".parse().unwrap();
    let preimage = Preimage::from_bytes([1; 32]);
    let mut token = pending(preimage.hash());
    store.put(&origin, &token).await.unwrap();
    token.preimage = Some(preimage);
    store.put(&origin, &token).await.unwrap();
    for standing in [Standing::Refused, Standing::Served] {
        token.standing = standing;
        store.put(&origin, &token).await.unwrap();
        assert_eq!(store.tokens(&origin).await.unwrap()[0].standing, standing);
    }
    store.forget(&origin, &token.payment_hash).await.unwrap();
    store.put(&origin, &token).await.unwrap();
    assert!(store.tokens(&origin).await.unwrap().is_empty());
}

#[tokio::test]
async fn a6_what_is_being_paid_for_one_token_is_not_paid_for_another() {
    let folder = tempfile::tempdir().unwrap();
    let data = PrivateDir::open(folder.path().join("data")).unwrap();
    let store = FileStore::new(&Database::open(&data).unwrap(), Reuse::Kept, "sandbox".to_owned(), payer()).unwrap();
    let token = pending(Preimage::from_bytes([1; 32]).hash());
    let [one, other]: [Origin; 2] = ["http://a", "http://b"].map(|origin| origin.parse().unwrap());
    store.put(&one, &token).await.unwrap();
    store.put(&one, &token).await.unwrap();
    let forged = Token { text: "AgEF".to_owned(), ..token.clone() };
    for (origin, token) in [(&other, &token), (&other, &forged), (&one, &forged)] {
        let fault = store.put(origin, token).await.unwrap_err();
        assert!(matches!(fault, StoreError::Payments(PaymentsError::StillOpen(_))), "{fault}");
    }
    assert_eq!(store.tokens(&one).await.unwrap().len(), 1);
    assert!(store.tokens(&other).await.unwrap().is_empty());
}

//! P10: what was paid for goes first.

use crate::support::{Shop, request};
use http::StatusCode;
use std::sync::Arc;
use tokio::sync::Mutex;

#[tokio::test]
async fn p10_a_flood_of_unpaid_requests_does_not_delay_paid_ones() {
    let shop = Shop::open();
    let credential = shop.buy("/v1/demo").await.credential();
    let before = shop.payee.invoices_asked();
    let statuses = Arc::new(Mutex::new(Vec::new()));
    let unpaid: Vec<_> = (0..100)
        .map(|_| {
            let (shop, statuses) = (shop.clone(), Arc::clone(&statuses));
            tokio::spawn(async move {
                let answer = shop.ask(request("/v1/demo", &[])).await;
                statuses.lock().await.push(answer.status);
            })
        })
        .collect();
    // It comes last, and all of them are ready on the one thread that there is.
    let paid = {
        let shop = shop.clone();
        tokio::spawn(async move {
            let answer = shop.present("/v1/demo", &credential).await;
            (answer.status, shop.payee.invoices_asked())
        })
    };
    let (status, asked) = paid.await.unwrap();
    assert_eq!(status, StatusCode::OK);
    assert!(asked - before <= 5, "{} invoices were made before what was paid for was served", asked - before);
    for unpaid in unpaid {
        unpaid.await.unwrap();
    }
    assert_eq!(*statuses.lock().await, [StatusCode::PAYMENT_REQUIRED; 100], "in the end all had their turn");
}

//! A2: what a server declares about its price never counts.

use crate::buyer::{Buyer, PRICE_MSAT};
use crate::server::{Server, answer, demand, lines};
use l402_client::exit::Exit;

#[tokio::test]
async fn a2_a_declared_price_that_is_not_the_invoices_is_an_error() {
    let buyer = Buyer::new();
    for body in [
        r#"{"price_msat":1}"#,
        r#"{"price_msat":20999}"#,
        r#"{"price_msat":21001}"#,
        r#"{"price_msat":"1"}"#,
        r#"{"price_msat":0,"error":"Payment Required"}"#,
        r#"{"error":"Payment Required","price_msat":18446744073709551615}"#,
    ] {
        let invoice = buyer.invoice(PRICE_MSAT).await;
        let lie = demand(&invoice, &invoice.payment_hash(), body);
        buyer.declines(body, lie, &[], Exit::Challenge, "price in the response differs").await;
    }
}

#[tokio::test]
async fn a2_no_declaration_brings_a_price_under_the_limit() {
    let buyer = Buyer::new();
    for body in [r#"{"price":1}"#, r#"{"amount_msat":1}"#, r#"{"price_msat":"cheap"}"#, "price_msat=1", "{"] {
        let invoice = buyer.invoice(PRICE_MSAT).await;
        let dear = demand(&invoice, &invoice.payment_hash(), body);
        buyer.declines(body, dear, &["--max-price", "20 sat"], Exit::Limit, "21 sat").await;
    }
    for parameter in ["price=1", "price_msat=\"1\"", "amount=\"1\""] {
        let invoice = buyer.invoice(PRICE_MSAT).await;
        let lines = lines(&invoice, &invoice.payment_hash()).map(|line| format!("{line}, {parameter}"));
        let dear = answer("402 Payment Required", &lines, "");
        buyer.declines(parameter, dear, &["--max-price", "20 sat"], Exit::Limit, "21 sat").await;
    }
}

#[tokio::test]
async fn a2_the_paid_and_reported_amount_is_that_of_the_invoice() {
    let buyer = Buyer::new();
    let invoice = buyer.invoice(PRICE_MSAT).await;
    let lines = lines(&invoice, &invoice.payment_hash()).map(|line| format!("{line}, price=\"1\""));
    let server = Server::sell(answer("402 Payment Required", &lines, r#"{"price":"1 sat"}"#)).await;
    let outcome = buyer.get(&server.url("/"), &["--max-price", "21 sat"]).await;
    assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Served, "sold"), "{}", outcome.report);
    assert!(outcome.report.starts_with("paid 21 sat "), "{}", outcome.report);
    assert_eq!((buyer.wallet.asked(), server.credentials().len()), (1, 1));
}

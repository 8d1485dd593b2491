//! A1: amount and network come from the invoice, read by a real decoder.

use crate::buyer::{Buyer, PRICE_MSAT};
use crate::server::{Server, answer, demand};
use l402_client::exit::Exit;
use l402_lightning::Invoice;
use l402_lightning::testing::FakeFault;

async fn demanded(buyer: &Buyer, fault: FakeFault) -> String {
    buyer.payee.misbehave(fault);
    let invoice = buyer.invoice(PRICE_MSAT).await;
    buyer.payee.behave();
    demand(&invoice, &invoice.payment_hash(), "")
}

#[tokio::test]
async fn a1_an_invoice_without_an_amount_is_not_paid() {
    let buyer = Buyer::new();
    let open = demanded(&buyer, FakeFault::NoAmount).await;
    buyer.declines("no amount", open.clone(), &[], Exit::Challenge, "amount").await;
    let declared =
        open.replace("Content-Length: 0", "Content-Length: 20").replace("\r\n\r\n", "\r\n\r\n{\"price_msat\": 21000}");
    buyer.declines("no amount, but a declared one", declared, &[], Exit::Challenge, "amount").await;
}

/// The invoices of the vectors: each is well-formed but for its amount.
#[tokio::test]
async fn a1_an_invoice_with_an_impossible_amount_is_not_paid() {
    let buyer = Buyer::new();
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../../../spec-vectors/bolt11/binding.json")).unwrap();
    let mut declined = 0;
    for case in file["cases"].as_array().unwrap() {
        let word = match case["error"].as_str() {
            Some("zero-amount") => "an amount of zero",
            Some("above-all-money") => "more than 21 million bitcoin",
            _ => continue,
        };
        let line = format!("WWW-Authenticate: L402 token=\"AgEE\", invoice={}", case["invoice"]);
        let demand = answer("402 Payment Required", &[line], "");
        buyer.declines(case["id"].as_str().unwrap(), demand, &[], Exit::Challenge, word).await;
        declined += 1;
    }
    assert_eq!(declined, 4);
}

#[tokio::test]
async fn a1_an_invoice_for_another_network_is_not_paid() {
    let buyer = Buyer::new();
    let real_money = demanded(&buyer, FakeFault::WrongNetwork).await;
    buyer.declines("real money", real_money, &[], Exit::Payment, "the invoice is for bitcoin").await;
}

#[tokio::test]
async fn a1_an_invoice_that_has_expired_is_not_paid() {
    let buyer = Buyer::new();
    let old = demanded(&buyer, FakeFault::WrongExpiry).await;
    buyer.declines("an old invoice", old, &[], Exit::Challenge, "expired").await;
}

#[tokio::test]
async fn a1_what_no_decoder_reads_is_not_paid() {
    let buyer = Buyer::new();
    let invoice = buyer.invoice(PRICE_MSAT).await;
    let (whole, text) = (demand(&invoice, &invoice.payment_hash(), ""), invoice.bolt11());
    let (start, end) = text.split_at(text.len() - 20);
    let flipped = format!("{start}{}{}", if end.starts_with('q') { 'p' } else { 'q' }, &end[1..]);
    let cheaper = text.replace("lnbcrt210n", "lnbcrt10n");
    assert!(cheaper != text && Invoice::parse(text).is_ok());
    for (what, changed) in [
        ("a damaged one", flipped.as_str()),
        ("another amount under the same signature", &cheaper),
        ("half of one", start),
        ("none", ""),
        ("an address", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"),
        (
            "an offer",
            "lno1pqqnyzsmx5cx6umpwssx6atvw35j6ut4v9h8g6t50ysx7enxv4epgrmjw4ehgcm0wfczucm0d5hxzag5qqtzzq3lxgva2",
        ),
    ] {
        buyer.declines(what, whole.replace(text, changed), &[], Exit::Challenge, "challenge").await;
    }
}

/// A 402 without a challenge may ask to be paid in another way: it is printed as any other error of a server.
#[tokio::test]
async fn a1_an_invoice_in_the_body_alone_is_not_paid() {
    let buyer = Buyer::new();
    let body = format!("{{\"invoice\":\"{}\"}}", buyer.invoice(PRICE_MSAT).await.bolt11());
    let server = Server::sell(answer("402 Payment Required", &[], &body)).await;
    let outcome = buyer.get(&server.url("/"), &[]).await;
    assert_eq!((outcome.exit, outcome.out), (Exit::Http, body), "{}", outcome.report);
    assert_eq!((buyer.wallet.asked(), server.seen().len()), (0, 1));
}

#[tokio::test]
async fn a1_a_price_above_the_limit_is_not_paid() {
    let buyer = Buyer::new();
    for (amount_msat, options) in [
        (PRICE_MSAT, &["--max-price", "20 sat"][..]),
        (PRICE_MSAT, &["--max-price", "20999 msat"]),
        (PRICE_MSAT, &["--max-price", "0 sat"]),
        (100_001, &[]),
        (1_000_000_000_000_000_000, &[]),
    ] {
        let invoice = buyer.invoice(amount_msat).await;
        let dear = demand(&invoice, &invoice.payment_hash(), "");
        buyer.declines(&format!("{amount_msat} msat, {options:?}"), dear, options, Exit::Limit, "--max-price").await;
    }
}

//! A3: the invoice buys the token, and the preimage proves that it was paid.

use crate::buyer::{Buyer, PRICE_MSAT};
use crate::server::{Server, answer, demand, lines};
use l402_client::exit::Exit;
use l402_lightning::testing::FakeFault;

#[tokio::test]
async fn a3_an_invoice_that_does_not_buy_the_token_is_not_paid() {
    let buyer = Buyer::new();
    let (invoice, other) = (buyer.invoice(PRICE_MSAT).await, buyer.invoice(PRICE_MSAT).await);
    let (paid, sold) = (invoice.payment_hash(), other.payment_hash());
    let silent = demand(&invoice, &sold, "");
    buyer.declines("in silence", silent, &[], Exit::Challenge, "not the one in the token").await;
    for (what, demand) in [
        ("with the invoice's hash", demand(&invoice, &sold, &format!(r#"{{"payment_hash":"{paid}"}}"#))),
        ("with the token's hash", demand(&invoice, &sold, &format!(r#"{{"payment_hash":"{sold}"}}"#))),
        ("with a hash of neither", demand(&invoice, &paid, &format!(r#"{{"payment_hash":"{sold}"}}"#))),
        (
            "with another hash in base64",
            demand(&invoice, &paid, &format!(r#"{{"payment_hash":"{}"}}"#, "A".repeat(43))),
        ),
    ] {
        buyer.declines(what, demand, &[], Exit::Challenge, "payment").await;
    }
}

/// Also by the database, between two calls.
#[tokio::test]
async fn a3_a_token_in_which_no_hash_can_be_read_is_kept_and_shown_as_it_came() {
    let buyer = Buyer::new();
    for (bought, token) in ["eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "url-safe_-8", "~!'(*)=", "%2B+"].into_iter().enumerate() {
        let invoice = buyer.invoice(PRICE_MSAT).await;
        let line = format!(r#"WWW-Authenticate: L402 version="0" token="{token}" invoice="lightning:{invoice}""#);
        let server = Server::sell(answer("402 Payment Required", &[line], "")).await;
        for _ in 0..2 {
            let outcome = buyer.get(&server.url("/"), &[]).await;
            assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Served, "sold"), "{}", outcome.report);
        }
        let credentials = server.credentials();
        assert_eq!((credentials.len(), buyer.wallet.asked()), (2, bought + 1), "{token}");
        assert!(credentials.iter().all(|shown| shown.starts_with(&format!("L402 {token}:"))), "{credentials:?}");
        assert!(server.seen().iter().all(|request| request.contains("\r\naccept-authenticate: L402\r\n")), "{token}");
    }
}

#[tokio::test]
async fn a3_the_lines_of_a_challenge_are_not_mixed() {
    let buyer = Buyer::new();
    let (invoice, other) = (buyer.invoice(PRICE_MSAT).await, buyer.invoice(PRICE_MSAT).await);
    let [lsat, l402] = lines(&invoice, &other.payment_hash());
    for (what, kept) in [("the older line alone", vec![lsat.clone()]), ("both", vec![lsat, l402])] {
        let lie = answer("402 Payment Required", &kept, "");
        buyer.declines(what, lie, &[], Exit::Challenge, "not the one in the token").await;
    }
    let two_tokens = lines(&invoice, &invoice.payment_hash())[1].replace("token=", "macaroon=\"AgEE\", token=");
    let lie = answer("402 Payment Required", &[two_tokens], "");
    buyer.declines("two tokens in a line", lie, &[], Exit::Challenge, "challenge").await;
}

#[tokio::test]
async fn a3_a_preimage_that_proves_nothing_is_not_shown() {
    let buyer = Buyer::new();
    let invoice = buyer.invoice(PRICE_MSAT).await;
    let server = Server::sell(demand(&invoice, &invoice.payment_hash(), "")).await;
    buyer.wallet.node.misbehave(FakeFault::WrongHash);
    let outcome = buyer.get(&server.url("/"), &[]).await;
    assert_eq!((outcome.exit, outcome.out.as_str()), (Exit::Unknown, ""), "{}", outcome.report);
    assert_eq!((server.seen().len(), server.credentials().len()), (1, 0));
    let told = format!("{:x}", 0xba).repeat(32); // what the wallet says is the preimage
    assert!(!outcome.report.contains(&told), "{}", outcome.report);
    // What the wallet tells later is held against the hash again, and nothing is paid twice.
    buyer.wallet.node.behave();
    let later = buyer.get(&server.url("/"), &[]).await;
    assert_eq!((later.exit, later.out.as_str()), (Exit::Served, "sold"), "{}", later.report);
    assert_eq!((buyer.wallet.asked(), buyer.wallet.node.payments_sent()), (1, 1));
}

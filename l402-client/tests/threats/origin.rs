//! A6: a token goes to the origin that it was bought from, and nowhere else.

use crate::buyer::{Buyer, PRICE_MSAT};
use crate::server::{Server, demand, has_credential, moved, ok};
use l402_client::exit::Exit;

/// A server that sells everything but `/go`, which leads to where its query says.
async fn shop(buyer: &Buyer, status: &'static str) -> Server {
    let invoice = buyer.invoice(PRICE_MSAT).await;
    let demand = demand(&invoice, &invoice.payment_hash(), "");
    Server::start(move |request| {
        let target = request.split(' ').nth(1).unwrap();
        match target.strip_prefix("/go?") {
            Some(location) => moved(status, location),
            None if has_credential(request) => ok("sold"),
            None => demand.clone(),
        }
    })
    .await
}

/// Token and preimage of the only credential that a server was shown.
fn secrets(server: &Server) -> [String; 2] {
    let credentials = server.credentials();
    let (token, preimage) = credentials[0].strip_prefix("L402 ").unwrap().split_once(':').unwrap();
    [token.to_owned(), preimage.to_owned()]
}

#[track_caller]
fn assert_learnt_nothing(stranger: &Server, secrets: &[String; 2], what: &str) {
    let seen = stranger.seen().concat();
    assert!(!seen.is_empty(), "{what}: it was asked");
    for secret in secrets {
        assert!(!seen.contains(secret.as_str()), "{what}: {seen}");
    }
}

#[tokio::test]
async fn a6_a_redirect_takes_no_token_to_another_origin() {
    for status in
        ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"]
    {
        let buyer = Buyer::new();
        let (shop, stranger) = (shop(&buyer, status).await, Server::start(|_| ok("strange")).await);
        assert_eq!(buyer.get(&shop.url("/a"), &[]).await.out, "sold");
        let bought = secrets(&shop);
        let host = stranger.address;
        for location in [
            stranger.url("/a"),
            format!("//{host}/a"),
            format!("http://{}@{host}/a", shop.address),
            format!("http://127.0.0.1@{host}/a"),
            format!("HTTP://{host}/a"),
            format!("http://localhost:{}/a", host.port()),
        ] {
            let outcome = buyer.get(&shop.url(&format!("/go?{location}")), &["-L", "-H", "X-Api-Key: mine"]).await;
            if outcome.exit == Exit::Served {
                assert_eq!(outcome.out, "strange", "{location}");
            } else {
                assert!(matches!(outcome.exit, Exit::Network | Exit::Http), "{location}: {}", outcome.report);
                assert_eq!(outcome.out, "", "{location}");
            }
        }
        assert_learnt_nothing(&stranger, &bought, status);
        assert!(!stranger.seen().concat().contains("mine"), "{status}: a field of the user's went along");
        assert_eq!(buyer.wallet.asked(), 1);
    }
}

#[tokio::test]
async fn a6_another_name_or_port_is_another_origin() {
    let buyer = Buyer::new();
    let shop = shop(&buyer, "302 Found").await;
    assert_eq!(buyer.get(&shop.url("/a"), &[]).await.out, "sold");
    let stranger = Server::start(|_| ok("strange")).await;
    assert_eq!(buyer.get(&stranger.url("/a"), &[]).await.out, "strange");
    assert_learnt_nothing(&stranger, &secrets(&shop), "another port");
    let other_name = format!("http://localhost:{}/a", shop.address.port());
    buyer.get(&other_name, &[]).await;
    assert_eq!(shop.credentials().len(), 1, "the same server under another name is another origin");
    assert_eq!(buyer.get(&shop.url("/a"), &[]).await.out, "sold");
    assert_eq!(shop.credentials().len(), 2, "and it keeps its token");
}

#[tokio::test]
async fn a6_a_challenge_that_was_paid_at_one_origin_buys_nothing_for_another() {
    let buyer = Buyer::new();
    let invoice = buyer.invoice(PRICE_MSAT).await;
    let challenge = demand(&invoice, &invoice.payment_hash(), "");
    let (shop, copycat) = (Server::sell(challenge.clone()).await, Server::sell(challenge).await);
    assert_eq!(buyer.get(&shop.url("/a"), &[]).await.out, "sold");
    // The wallet would give the same preimage again, and the copycat would have the shop's token.
    for options in [&[][..], &["--no-token-cache"]] {
        let outcome = buyer.get(&copycat.url("/a"), options).await;
        assert_eq!(outcome.exit, Exit::Challenge, "{}", outcome.report);
        assert_eq!(outcome.out, "");
    }
    assert_learnt_nothing(&copycat, &secrets(&shop), "a copied challenge");
    assert_eq!(buyer.wallet.asked(), 1);
}

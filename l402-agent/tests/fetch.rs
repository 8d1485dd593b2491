//! The agent against a server that sells, with a fake node as the wallet.

#![allow(clippy::unwrap_used, reason = "a test states what must hold by failing where it does not")]

use core::time::Duration;
use http::Request;
use l402_agent::http::redirect::Redirects;
use l402_agent::resolve::Finding;
use l402_agent::store::news::News;
use l402_agent::{Agent, CredentialUsed, FetchFault, Reuse};
use l402_core::macaroon::{RootKey, base64, mint};
use l402_core::{Msat, PaymentHash};
use l402_http::pay::RequestError;
use l402_lightning::testing::{FakeFault, FakeNetwork, FakeNode};
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource, LookupError, Network, Paid, PayError, PayLimit, PaymentSource,
    PaymentStatus,
};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Sells everything for 21 sat to who presents some token of it.
async fn shop(payee: FakeNode) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/a", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(answer(stream, payee.clone()));
        }
    });
    url
}

async fn answer(mut stream: TcpStream, payee: FakeNode) {
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if stream.read_buf(&mut request).await.unwrap() == 0 {
            return;
        }
    }
    let request = String::from_utf8_lossy(&request).to_lowercase();
    let moved = request.strip_prefix("get /moved?").and_then(|rest| rest.split(' ').next());
    let response = if let (true, Some(location)) = (request.contains("authorization: l402 "), moved) {
        format!("HTTP/1.1 302 Found\r\nconnection: close\r\ncontent-length: 0\r\nlocation: {location}\r\n\r\n")
    } else if request.contains("authorization: l402 ") && request.starts_with("get /broken") {
        "HTTP/1.1 500 Internal Server Error\r\nconnection: close\r\ncontent-length: 5\r\n\r\nstorm".to_owned()
    } else if request.contains("authorization: l402 ") {
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nsunny".to_owned()
    } else {
        let asked = InvoiceRequest { amount_msat: Msat::new(21_000), description: "a", expiry: Duration::from_mins(5) };
        let invoice = payee.create_invoice(asked).await.unwrap();
        let (mut bytes, mut text) = ([0; 256], [0; 512]);
        let token = mint(&RootKey::new(b"root"), b"", b"some id", &[], &mut bytes).unwrap();
        let token = base64::encode_into(token.as_bytes(), &mut text).unwrap();
        format!(
            "HTTP/1.1 402 Payment Required\r\nconnection: close\r\ncontent-length: 0\r\n\
             www-authenticate: L402 token=\"{token}\", invoice=\"{}\"\r\n\r\n",
            invoice.bolt11()
        )
    };
    stream.write_all(response.as_bytes()).await.unwrap();
}

/// A wallet whose routes cost 700 msat, with the limits of the fees that it was given.
#[derive(Clone)]
struct Tolled {
    node: FakeNode,
    max_fees: Arc<Mutex<Vec<Msat>>>,
}

impl PaymentSource for Tolled {
    fn network(&self) -> Network {
        self.node.network()
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        self.max_fees.lock().unwrap().push(limit.max_fee_msat);
        let paid = self.node.pay(invoice, limit).await?;
        Ok(Paid { fee_msat: Msat::new(700), ..paid })
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        self.node.payment(hash).await
    }
}

struct World {
    wallet: FakeNode,
    url: String,
    data: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let network = FakeNetwork::new();
        let (wallet, url) = (network.node(), shop(network.node()).await);
        Self { wallet, url, data: tempfile::tempdir().unwrap() }
    }

    fn agent(&self, max_price_msat: u64) -> Agent<FakeNode> {
        let builder = Agent::builder(self.data.path().join("data"), self.wallet.clone(), "fake");
        builder.max_price(Msat::new(max_price_msat)).build().unwrap()
    }

    fn request(&self) -> Request<()> {
        Request::get(&self.url).body(()).unwrap()
    }
}

#[tokio::test]
async fn what_was_bought_opens_the_next_call_too() {
    let world = World::new().await;
    let price = world.agent(21_000).price(world.request()).await.unwrap();
    assert_eq!((price.invoice.unwrap().amount_msat, price.refusal), (Some(Msat::from_sat(21)), None));
    let price = world.agent(20_000).price(world.request()).await.unwrap();
    assert_eq!(price.refusal.as_deref(), Some("the price is 21 sat, the limit 20 sat"));
    assert_eq!(world.wallet.payments_sent(), 0);

    let fetched = world.agent(21_000).fetch(world.request()).await.unwrap();
    assert_eq!((fetched.credential, fetched.spent_msat()), (CredentialUsed::Bought, Msat::from_sat(21)));
    assert!(matches!(&fetched.news[..], [News::Paid(purchase)] if purchase.amount_msat == Msat::from_sat(21)));
    assert_eq!(fetched.bytes(5).await.unwrap(), "sunny");

    let again = world.agent(0).fetch(world.request()).await.unwrap();
    assert_eq!((again.credential, again.spent_msat()), (CredentialUsed::Kept, Msat::ZERO));
    assert!(again.bytes(4).await.is_err(), "it is longer");
    assert_eq!(world.wallet.payments_sent(), 1);
    assert_eq!(world.agent(0).tokens().all().unwrap().len(), 1);
}

#[tokio::test]
async fn a_price_above_the_limit_is_not_paid() {
    let world = World::new().await;
    let fault = world.agent(20_999).fetch(world.request()).await.unwrap_err();
    let FetchFault::Pay { cause, .. } = fault.fault else { panic!("{fault:?}") };
    assert!(matches!(*cause, RequestError::Declined(_)), "{cause:?}");
    assert_eq!(world.wallet.payments_sent(), 0);
}

#[tokio::test]
async fn a6_redirects_are_paid_from_one_limit_of_fees() {
    let (network, max_fees, data) = (FakeNetwork::new(), Arc::default(), tempfile::tempdir().unwrap());
    let (first, second) = (shop(network.node()).await, shop(network.node()).await);
    let wallet = Tolled { node: network.node(), max_fees: Arc::clone(&max_fees) };
    let agent = Agent::builder(data.path().join("data"), wallet, "fake").max_fee(Msat::new(1_000));
    let agent = agent.redirects(Redirects::Follow).build().unwrap();
    let url = format!("{}?{second}", first.replace("/a", "/moved"));
    let fetched = agent.fetch(Request::get(url).body(()).unwrap()).await.unwrap();
    assert_eq!(fetched.spent_msat(), Msat::new(2 * 21_700));
    assert_eq!(*max_fees.lock().unwrap(), [Msat::new(1_000), Msat::new(300)]);
}

#[tokio::test]
async fn an_error_tells_what_was_paid_before_it() {
    let (network, data) = (FakeNetwork::new(), tempfile::tempdir().unwrap());
    let (first, second) = (shop(network.node()).await, shop(network.node()).await);
    let agent = Agent::builder(data.path().join("data"), network.node(), "fake").max_price(Msat::new(21_000));
    let agent = agent.redirects(Redirects::Follow).build().unwrap();
    let url = format!("{}?{second}", first.replace("/a", "/moved"));
    let error = agent.fetch(Request::get(url).body(()).unwrap()).await.unwrap_err();
    assert!(matches!(&error.fault, FetchFault::Pay { url, .. } if *url == *second), "{error:?}");
    assert!(matches!(&error.news[..], [News::Paid(_)]));
    assert_eq!(error.spent_msat(), Msat::from_sat(21));
}

#[tokio::test]
async fn a4_a_lost_outcome_is_resolved() {
    let world = World::new().await;
    let agent = world.agent(21_000);
    world.wallet.misbehave(FakeFault::LoseOutcome);
    let fault = agent.fetch(world.request()).await.unwrap_err();
    assert!(fault.news.is_empty());
    assert!(
        matches!(fault.fault, FetchFault::Pay { cause, .. } if matches!(*cause, RequestError::PaymentUnknown { .. }))
    );
    drop(agent);

    let found = world.agent(0).resolve().await.unwrap();
    assert!(matches!(&found[..], [found] if matches!(found.finding, Finding::Paid)), "{found:?}");
    let fetched = world.agent(0).fetch(world.request()).await.unwrap();
    assert_eq!(fetched.credential, CredentialUsed::Kept);
    assert_eq!(world.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a9_an_error_is_not_what_a_token_was_bought_for() {
    let world = World::new().await;
    let agent = |max_price_msat| {
        let builder = Agent::builder(world.data.path().join("data"), world.wallet.clone(), "fake").reuse(Reuse::Never);
        builder.max_price(Msat::new(max_price_msat)).build().unwrap()
    };
    let url = world.url.replace("/a", "/broken");
    let fetched = agent(21_000).fetch(Request::get(url).body(()).unwrap()).await.unwrap();
    assert_eq!((fetched.response.status().as_u16(), fetched.credential), (500, CredentialUsed::Bought));
    assert_eq!(fetched.bytes(5).await.unwrap(), "storm");
    assert_eq!(agent(0).tokens().all().unwrap().len(), 1, "what is paid for is still to be had");

    let fetched = agent(0).fetch(world.request()).await.unwrap();
    assert_eq!(fetched.credential, CredentialUsed::Kept);
    assert_eq!(fetched.bytes(5).await.unwrap(), "sunny");
    assert_eq!(agent(0).tokens().all().unwrap().len(), 0, "and used once");
    assert_eq!(world.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a_fetch_can_be_a_task_of_its_own() {
    let world = World::new().await;
    let (agent, request) = (world.agent(21_000), world.request());
    let status = tokio::spawn(async move { agent.fetch(request).await.map(|fetched| fetched.response.status()) });
    assert_eq!(status.await.unwrap().unwrap(), 200);
}

//! A server that shows the token of one sale and the invoice of another.

use core::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::response::IntoResponse as _;
use http::header::WWW_AUTHENTICATE;
use http::{StatusCode, Uri};
use interop::{Buyer, Gateway, Http, HttpVersion, Upstream, settings};
use l402_core::{Declined, Msat};
use l402_http::pay::{MemoryStore, RequestError};
use l402_lightning::{Invoice, Network as Chain, PaymentSource as _, PaymentStatus};
use tokio::net::TcpListener;

use crate::payment::forged;
use crate::town::{AMOUNT_MSAT, in_town};

#[test]
#[ignore = "needs LND: just interop"]
fn a3_an_invoice_that_does_not_buy_the_token_is_not_paid() {
    in_town(async |town| {
        let (upstream, http) = (Upstream::start().await, Http::new(HttpVersion::One));
        let gateway = Gateway::start(&town.network, "seller", &upstream).await;
        let honest = challenge(&http, &gateway.uri("/weather")).await;
        let hash = invoice_of(&honest).payment_hash();

        // The first could be paid: the money would go to the seller, and the token stay unpaid.
        let lies = [
            town.invoice(AMOUNT_MSAT).await,
            forged(Chain::Regtest, None, hash),
            forged(Chain::Bitcoin, Some(Msat::new(AMOUNT_MSAT)), hash),
        ];
        for (name, wallet) in &town.payers {
            for (number, lie) in lies.iter().enumerate() {
                let shown = honest.replace(invoice_of(&honest).bolt11(), lie.bolt11());
                let uri = format!("http://{}/weather", liar(shown).await).parse().unwrap();
                let buyer = Buyer::new(&http, wallet.clone(), MemoryStore::new(), settings());
                let fault = buyer.get(&uri).await.unwrap_err();
                let told = match number {
                    0 => matches!(fault, RequestError::Declined(Declined::OtherPayment)),
                    1 => matches!(fault, RequestError::Declined(Declined::NoAmount)),
                    _ => {
                        matches!(fault, RequestError::WrongNetwork { expected: Chain::Regtest, found: Chain::Bitcoin })
                    }
                };
                assert!(told, "{name}, lie {number}: {fault:?}");
                let status = wallet.payment(&lie.payment_hash()).await.unwrap();
                assert!(matches!(status, PaymentStatus::NotFound), "{name}, lie {number}: {status:?}");
            }
            // The truth is bought from the same wallet.
            let buyer = Buyer::new(&http, wallet.clone(), MemoryStore::new(), settings());
            assert_eq!(buyer.get(&gateway.uri("/weather")).await.unwrap().status, StatusCode::OK);
        }
        gateway.stop().await;
    });
}

/// Starts a server that answers everything with this challenge.
async fn liar(challenge: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, challenge) = (listener.local_addr().unwrap(), Arc::<str>::from(challenge));
    let answer = move || {
        let response = (StatusCode::PAYMENT_REQUIRED, [(WWW_AUTHENTICATE, challenge.to_string())]).into_response();
        core::future::ready(response)
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    address
}

/// Returns what a gateway demands, its first line.
async fn challenge(http: &Http, uri: &Uri) -> String {
    let answer = http.get(uri).await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYMENT_REQUIRED);
    answer.headers()[WWW_AUTHENTICATE].to_str().unwrap().to_owned()
}

fn invoice_of(challenge: &str) -> Invoice {
    let (_, rest) = challenge.split_once("invoice=\"").unwrap();
    Invoice::parse(rest.split_once('"').unwrap().0).unwrap()
}

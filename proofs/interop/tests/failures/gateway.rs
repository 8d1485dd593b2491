//! A gateway whose LND comes and goes.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use http::StatusCode;
use http::header::RETRY_AFTER;
use interop::{Buyer, GOODS, Gateway, Http, HttpVersion, Upstream, Wallet, settings};
use l402_http::pay::{MemoryStore, Purchased};
use l402_regtest::{Network, NodeKind};
use tokio::time::{sleep, timeout};

use crate::town::SOON;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs LND: just interop"]
async fn l5_paid_tokens_are_served_while_the_lnd_of_a_gateway_restarts_hangs_and_locks() {
    let network = Network::direct(NodeKind::Lnd, NodeKind::Lnd).start().await.unwrap();
    let (upstream, http) = (Upstream::start().await, Http::new(HttpVersion::One));
    let (wallet, bob) = (Wallet::of(&network, "alice").await, network.lnd("bob"));
    let gateway = Gateway::start(&network, "bob", &upstream).await;
    let (paid, unpaid) = (gateway.uri("/weather"), gateway.uri("/other"));
    let buyer = Buyer::new(&http, wallet.clone(), MemoryStore::new(), settings());
    assert_eq!(buyer.get(&paid).await.unwrap().status, StatusCode::OK);

    let (served, over) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
    let load: Vec<_> = (0..8)
        .map(|_| {
            let buyer = Buyer::clone(&buyer);
            let (paid, served, over) = (paid.clone(), Arc::clone(&served), Arc::clone(&over));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let answer = buyer.get(&paid).await.unwrap();
                    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, GOODS.as_bytes()));
                    assert_eq!(answer.receipt.unwrap().purchased, Purchased::Before);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();

    for stop in [Stop::Kill, Stop::InOrder, Stop::Pause, Stop::Lock] {
        match stop {
            Stop::Kill => bob.kill(),
            Stop::InOrder => bob.stop().await.unwrap(),
            Stop::Pause => bob.pause().unwrap(),
            Stop::Lock => {
                bob.stop().await.unwrap();
                bob.start_locked().await.unwrap();
            }
        }
        let refused = timeout(SOON, answers(&http, &unpaid, StatusCode::SERVICE_UNAVAILABLE)).await.unwrap();
        assert!(refused.headers()[RETRY_AFTER].to_str().unwrap().parse::<u32>().unwrap() >= 1);
        let before = served.load(Ordering::Relaxed);
        while served.load(Ordering::Relaxed) < before + 100 {
            sleep(Duration::from_millis(10)).await;
            assert!(load.iter().all(|one| !one.is_finished()), "a paid token was not served");
        }
        assert_eq!(http.get(&unpaid).await.unwrap().status(), StatusCode::SERVICE_UNAVAILABLE);
        match stop {
            Stop::Kill | Stop::InOrder => bob.start().await.unwrap(),
            Stop::Pause => bob.resume().unwrap(),
            Stop::Lock => bob.unlock().await.unwrap(),
        }
        network.reconnect("bob").await.unwrap();
        timeout(SOON, answers(&http, &unpaid, StatusCode::PAYMENT_REQUIRED)).await.unwrap();
        let next = Buyer::new(&http, wallet.clone(), MemoryStore::new(), settings());
        assert_eq!(next.get(&unpaid).await.unwrap().status, StatusCode::OK);
    }

    over.store(true, Ordering::Relaxed);
    for one in load {
        one.await.unwrap();
    }
    println!("{} requests with a paid token, none refused", served.load(Ordering::Relaxed));
    gateway.stop().await;
    network.stop().await;
}

/// Asks until this is the status. Anything but a challenge and a 503 is a failure.
async fn answers(http: &Http, uri: &http::Uri, wanted: StatusCode) -> http::Response<hyper::body::Incoming> {
    loop {
        let answer = http.get(uri).await.unwrap();
        let status = answer.status();
        assert!([StatusCode::PAYMENT_REQUIRED, StatusCode::SERVICE_UNAVAILABLE].contains(&status), "{status}");
        if status == wanted {
            return answer;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// How an LND is gone.
#[derive(Clone, Copy)]
enum Stop {
    Kill,
    InOrder,
    Pause,
    Lock,
}

//! A9: a call that is given up once it may have paid goes on, and the same call gets its answer.

use crate::World;
use core::time::Duration;
use http::Request;
use l402_agent::{Agent, CredentialUsed, Reuse};
use std::sync::Arc;
use tokio::select;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Gives a call up after a time.
async fn give_up<W: l402_lightning::PaymentSource + 'static>(agent: &Agent<W>, url: &str, after: u64) {
    let call = agent.fetch(Request::get(url).body(()).unwrap());
    assert!(timeout(Duration::from_millis(after), call).await.is_err(), "it is given up before its answer");
}

#[tokio::test]
async fn a9_the_same_call_gets_the_answer_of_the_one_that_was_given_up() {
    let world = World::new().await;
    let (agent, url) = (world.agent(), world.shop.url("/1"));
    world.shop.takes(Duration::from_millis(500));
    give_up(&agent, &url, 200).await; // it is paid, and not answered yet
    assert_eq!(world.get(&agent, "/1").await, CredentialUsed::Answered, "it waits for the answer");
    assert_eq!((world.wallet.payments_sent(), world.shop.served()), (1, 1));

    assert_eq!(world.get(&agent, "/1").await, CredentialUsed::Bought, "it is given once");
    assert_eq!((world.wallet.payments_sent(), world.shop.served()), (2, 2));
}

/// In the middle of the payment.
#[tokio::test]
async fn a9_a_purchase_runs_on_when_its_caller_is_gone() {
    let world = World::new().await;
    let (agent, url) = (world.agent(), world.shop.url("/1"));
    give_up(&agent, &url, 30).await;
    while world.shop.served() == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(world.wallet.payments_sent(), 1);
    assert_eq!(world.get(&world.agent(), "/1").await, CredentialUsed::Answered, "by another agent on the same store");
    assert_eq!((world.wallet.payments_sent(), world.shop.served()), (1, 1));
}

#[tokio::test]
async fn a9_an_answer_is_for_the_same_request_only() {
    let world = World::new().await;
    let (agent, url) = (world.agent(), world.shop.url("/1"));
    give_up(&agent, &url, 30).await;
    while world.shop.served() == 0 {
        sleep(Duration::from_millis(10)).await;
    }
    world.make("other", l402_agent::store::budget::MAIN);
    let request = |name: &'static str| Request::get(&url).header("x-who", name).body(()).unwrap();
    assert_eq!(agent.fetch(request("me")).await.unwrap().credential, CredentialUsed::Bought, "another header");
    assert_eq!(world.get(&world.of_budget("other"), "/1").await, CredentialUsed::Bought, "another budget");
    assert_eq!(world.get(&agent, "/1").await, CredentialUsed::Answered);
}

#[tokio::test]
async fn a_call_that_has_not_paid_ends_with_its_caller() {
    let world = World::new().await;
    let agent = world.agent();
    world.get(&agent, "/unlimited").await;
    world.shop.takes(Duration::from_millis(300));
    give_up(&agent, &world.shop.url("/unlimited"), 100).await;
    assert_eq!(world.get(&agent, "/unlimited").await, CredentialUsed::Kept, "there is no answer to wait for");
}

/// Each attempt of a request that was paid for has the key of the request.
#[tokio::test]
async fn a9_every_paid_attempt_has_a_key_of_its_request() {
    let world = World::new().await;
    let agent = world.agent();
    for _ in 0..3 {
        world.get(&agent, "/1").await;
    }
    let keys = world.shop.keys();
    assert!(keys.len() == 3 && keys.iter().all(|key| key.len() == 32), "{keys:?}");
    assert!(keys[0] != keys[1] && keys[1] != keys[2], "each request has its own: {keys:?}");
}

/// What was bought from a server that may not be who it says is forgotten, also where its buyer was killed in the middle.
#[tokio::test]
async fn a6_what_an_isolated_call_has_bought_is_not_kept_by_the_next() {
    let world = World::new().await;
    let isolated = world.builder().reuse(Reuse::Isolated).build().unwrap();
    let fetched = isolated.fetch(Request::get(world.shop.url("/unlimited")).body(()).unwrap()).await.unwrap();
    assert_eq!(fetched.credential, CredentialUsed::Bought);
    assert!(isolated.tokens().all().unwrap().is_empty(), "while it runs");
    drop(fetched);

    // Killed while the wallet pays: what is left is the intent.
    world.wallet.tells_after(Duration::from_mins(10));
    let (url, killed, stop) = (world.shop.url("/unlimited"), isolated.clone(), Arc::new(Notify::new()));
    let stopped = Arc::clone(&stop);
    let killed = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let call = killed.fetch(Request::get(url).body(()).unwrap());
            select! { _ = call => panic!("it is not answered"), () = stopped.notified() => {} }
        });
        runtime.shutdown_timeout(Duration::ZERO);
    });
    while world.wallet.payments_sent() < 2 {
        sleep(Duration::from_millis(5)).await;
    }
    stop.notify_one();
    while !killed.is_finished() {
        sleep(Duration::from_millis(5)).await;
    }
    world.wallet.tells_after(Duration::ZERO);
    assert_eq!(isolated.payments().unwrap().intents().unwrap().len(), 1);
    let agent = world.agent();
    assert_eq!(world.get(&agent, "/unlimited").await, CredentialUsed::Bought, "not with the token of the other");
    agent.resolve().await.unwrap();
    assert!(agent.payments().unwrap().intents().unwrap().is_empty(), "what became of it is known");
    assert_eq!((agent.tokens().all().unwrap().len(), world.wallet.payments_sent()), (1, 3));
}

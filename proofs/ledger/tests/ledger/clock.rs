//! The clock of the store's server, moved: a gateway that disagrees with it serves nothing that is counted, and a step back revives
//! nothing.

use crate::book::{ONCE, Plan};
use crate::buyer::{Bought, buy};
use crate::stores::{Kind, Stand, open};
use crate::wire::{Answer, Asking, Got};
use crate::{DEADLINE, Scene, gateway, upstream};
use core::net::SocketAddr;
use core::time::Duration;
use l402_core::ledger::SKEW;
use l402_ledger::LedgerStore as _;
use l402_lightning::unix_now;
use std::path::Path;
use std::sync::Arc;
use tokio::process::Child;
use tokio::time::sleep;

/// Gateways before one store, each started with the clock as it is then: the last comparison holds for ten seconds.
pub(crate) async fn is_moved(kind: Kind) {
    let (folder, stand) = (tempfile::tempdir().unwrap(), Stand::start_with_a_clock(kind));
    let scene = Arc::new(Scene::new(gateway::node(folder.path())));
    let upstream = upstream::start(Arc::clone(&scene)).await;
    let step = |seconds: i64| stand.step(seconds * 1_000);
    let (_first, gateway) = start(folder.path(), upstream, &stand).await;
    let Bought::Token(token) = buy(&scene, gateway, ONCE).await else { panic!("the clocks agree") };

    for (off, status) in [(290, 200), (-290, 402), (310, 503), (-310, 503)] {
        step(off);
        let (_other, gateway) = start(folder.path(), upstream, &stand).await;
        let answer = present(&scene, token, gateway).await;
        assert_eq!(answer.status, status, "{off} s: {answer:?}");
        let Got::Answer(unpaid) = Asking::get(ONCE.path).send(gateway, || {}).await else { panic!("it answers") };
        assert_eq!(unpaid.status, if status == 503 { 503 } else { 402 }, "{off} s");
        step(-off);
    }

    let ledger = open(&stand.place(), DEADLINE).await.unwrap();
    let ends_at = ledger.uses(&scene.book.token(token).hash).await.unwrap().unwrap().ends_at;
    let over = i64::try_from(ends_at.get() - unix_now().get() + SKEW.as_secs() + 60).unwrap();
    step(over);
    assert_eq!(ledger.sweep(100).await.unwrap(), 1, "its record is deleted");
    step(-over);
    let (_last, gateway) = start(folder.path(), upstream, &stand).await;
    assert_eq!(present(&scene, token, gateway).await.status, 402, "its token is as good as ended");
    assert_eq!(ledger.uses(&scene.book.token(token).hash).await.unwrap(), None);
    let seen: u32 = scene.book.token(token).attempts.iter().map(|attempt| attempt.seen).sum();
    assert_eq!(seen, 1);
}

async fn start(folder: &Path, upstream: SocketAddr, stand: &Stand) -> (Child, SocketAddr) {
    let mut child = gateway::spawn(folder, upstream, &stand.place(), None);
    let address = gateway::ready(&mut child).await.unwrap();
    (child, address)
}

/// Presents a token until a gateway that has just started has read what is revoked; 503 where it stays at that.
async fn present(scene: &Scene, token: usize, gateway: SocketAddr) -> Answer {
    let mut answer = present_once(scene, token, gateway).await;
    for _ in 0..30 {
        if answer.status != 503 {
            break;
        }
        sleep(Duration::from_millis(100)).await;
        answer = present_once(scene, token, gateway).await;
    }
    answer
}

async fn present_once(scene: &Scene, token: usize, gateway: SocketAddr) -> Answer {
    let name = scene.book.begin(token, Plan::Serve, true, None::<Duration>);
    match scene.book.token(token).asking().field("x-attempt", &name).send(gateway, || {}).await {
        Got::Answer(answer) => answer,
        got => panic!("the gateway answers: {got:?}"),
    }
}

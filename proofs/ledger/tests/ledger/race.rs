//! A thousand requests at once for one use: over all threads of one process, and over three processes.

use crate::book::{ONCE, Plan};
use crate::buyer::{Bought, buy};
use crate::seeded::Seeded;
use crate::stores::{Kind, Stand};
use crate::wire::{Answer, Asking, Got};
use crate::{Scene, gateway, upstream};
use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;
use tokio::process::Child;
use tokio::sync::Barrier;
use tokio::time::sleep;

pub(crate) async fn for_one_use(kind: Kind, gateways: usize) {
    let (folder, stand) = (tempfile::tempdir().unwrap(), Stand::start(kind));
    let scene = Arc::new(Scene::new(gateway::node(folder.path())));
    let upstream = upstream::start(Arc::clone(&scene)).await;
    let mut running: Vec<(Child, SocketAddr)> = Vec::new();
    for _ in 0..gateways {
        // Its own process, with connections of its own; the first makes the keys.
        let mut child = gateway::spawn(folder.path(), upstream, &stand.place(), None);
        let address = gateway::ready(&mut child).await.unwrap();
        running.push((child, address));
    }
    let Bought::Token(token) = buy(&scene, running[0].1, ONCE).await else { panic!("nobody else buys") };
    let barrier = Arc::new(Barrier::new(CROWD));
    let asked = (0..CROWD).map(|number| {
        let name = scene.book.begin(token, Plan::ServeLate, true, None);
        let asking = scene.book.token(token).asking().field("x-attempt", &name);
        tokio::spawn(ask(asking, running[number % gateways].1, Arc::clone(&barrier), Seeded(number as u64)))
    });
    let (mut served, mut waits, mut spent, mut busy) = (0, 0, 0, 0);
    for asked in asked.collect::<Vec<_>>() {
        let (answer, times) = asked.await.unwrap();
        busy += times;
        match (answer.status, answer.reason().as_str()) {
            (200, _) if answer.is_served() => served += 1,
            (409, "uses-reserved") => waits += 1,
            (402, _) => spent += 1,
            _ => panic!("{answer:?}"),
        }
    }
    let seen: u32 = scene.book.token(token).attempts.iter().map(|attempt| attempt.seen).sum();
    println!(
        "{stand}, {gateways} gateways: {served} served, {waits} wait, {spent} learn that it is spent; too busy {busy} times"
    );
    assert_eq!((served, seen), (1, 1), "one has the use, and the upstream was asked once");
    for (mut child, _) in running {
        child.kill().await.unwrap();
    }
}

/// Asks with the others. A gateway that has too much to do says so with 503, and is asked again, as its clients do; counts how often.
async fn ask(asking: Asking, gateway: SocketAddr, barrier: Arc<Barrier>, mut seeded: Seeded) -> (Answer, u32) {
    barrier.wait().await;
    let mut busy = 0;
    loop {
        match asking.send(gateway, || {}).await {
            Got::Answer(answer) if !matches!(answer.status, 429 | 503) => return (answer, busy),
            Got::Answer(answer) => {
                busy += 1;
                let after = answer.field("retry-after").unwrap_or_else(|| panic!("{answer:?}"));
                sleep(Duration::from_secs(after.parse().unwrap()) + seeded.millis(1_000)).await;
            }
            Got::Refused | Got::Nothing => sleep(seeded.millis(1_000)).await, // the queue of its socket is full
        }
    }
}

const CROWD: usize = 1_000;

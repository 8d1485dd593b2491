//! Buyers of balances.

use super::book::{Purse, Request};
use super::{MOST_TOKENS, Ware};
use crate::Scene;
use crate::book::Plan;
use crate::halt::Point;
use crate::seeded::Seeded;
use crate::wire::{Asking, Got};
use core::net::SocketAddr;
use core::time::Duration;
use l402_ledger::Ledger;
use l402_lightning::Invoice;
use std::sync::Arc;
use tokio::time::sleep;

/// Buys and asks until nobody takes requests any more, or its task is ended.
pub(crate) async fn shop(scene: Arc<Scene>, gateway: SocketAddr, mut seeded: Seeded) {
    loop {
        let open = scene.purses.open();
        let purse = if !open.is_empty() && seeded.below(4) > 0 {
            seeded.of(&open)
        } else {
            match buy(&scene, gateway, seeded.of(&Ware::ALL)).await {
                Ok(Some(purse)) => purse,
                Ok(None) => {
                    sleep(Duration::from_millis(10)).await;
                    continue;
                }
                Err(Closed) => return,
            }
        };
        let ware = scene.purses.purse(purse).ware;
        let units = match ware {
            Ware::Bytes => 1 + seeded.below(MOST_BYTES),
            Ware::Tokens => 1 + seeded.below(MOST_TOKENS),
        };
        let goes = (seeded.below(10) == 0).then(|| seeded.millis(20));
        let request =
            Request::new(seeded.of(&PLANS), units, ware == Ware::Bytes && seeded.below(4) > 0, goes.is_some());
        if let Got::Refused = ask(&scene, gateway, purse, request, goes).await {
            return;
        }
    }
}

/// Nobody takes requests.
struct Closed;

async fn buy(scene: &Scene, gateway: SocketAddr, ware: Ware) -> Result<Option<usize>, Closed> {
    let answer = match Asking::get(ware.path()).send(gateway, || {}).await {
        Got::Answer(answer) if answer.status == 402 => answer,
        Got::Refused => return Err(Closed),
        _ => return Ok(None),
    };
    let terms = answer.json();
    let (Some(token), Some(invoice)) = (terms["token"].as_str(), terms["invoice"].as_str()) else {
        return Ok(None); // the end of it has not come
    };
    let preimage = scene.node.pay(&Invoice::parse(invoice).expect("an invoice"));
    Ok(Some(scene.purses.sold(Purse::new(ware, token, &preimage))))
}

async fn ask(scene: &Scene, gateway: SocketAddr, purse: usize, request: Request, goes: Option<Duration>) -> Got {
    let mut asking = scene.purses.purse(purse).asking();
    if !request.is_safe {
        asking = Asking { method: "POST", body: format!("{} units", request.units), ..asking };
    }
    asking.goes = goes;
    let name = scene.purses.begin(purse, request);
    let got = asking.field("x-attempt", &name).send(gateway, || scene.at(Point::HeadLeft)).await;
    if matches!(&got, Got::Answer(answer) if answer.status == 402) {
        scene.purses.close(purse);
    }
    scene.purses.got(&name, got.clone());
    got
}

/// Uses what is left of each balance, and returns of how many something could not be had, or more than that.
pub(crate) async fn use_up(scene: &Scene, gateway: SocketAddr, left: &[(usize, u64)]) -> usize {
    let mut wrong = 0;
    for (purse, free) in left {
        let ware = scene.purses.purse(*purse).ware;
        let (times, units) = match ware {
            Ware::Bytes => (u64::from(*free > 0), free * 512),
            Ware::Tokens => (free / ware.holds(), MOST_TOKENS),
        };
        let mut is_right = true;
        for _ in 0..times {
            is_right &= matches!(calmly(scene, gateway, *purse, units).await, Got::Answer(answer) if answer.is_served() && answer.is_whole());
        }
        let last = calmly(scene, gateway, *purse, 1).await;
        is_right &= matches!(&last, Got::Answer(answer) if (answer.status, &*answer.reason()) == (402, "balance"));
        if !is_right {
            println!("purse {purse}: {free} msat were free, and the last answer is {last:?}");
        }
        wrong += usize::from(!is_right);
    }
    wrong
}

/// Asks until it is neither too early nor too much.
async fn calmly(scene: &Scene, gateway: SocketAddr, purse: usize, units: u64) -> Got {
    loop {
        match ask(scene, gateway, purse, Request::new(Plan::Serve, units, true, false), None).await {
            Got::Answer(answer) if matches!(answer.status, 409 | 429 | 503) => sleep(Duration::from_millis(50)).await,
            got => return got,
        }
    }
}

/// What is left of each balance.
pub(crate) async fn free(ledger: &Ledger, scene: &Scene) -> Vec<(usize, u64)> {
    let mut left = Vec::new();
    for (at, purse) in scene.purses.purses().iter().enumerate() {
        left.push((at, super::audit::tally(ledger, purse).await.free()));
    }
    left
}

/// Of a balance, a quarter.
const MOST_BYTES: u64 = 5 << 19;

const PLANS: [Plan; 10] = [
    Plan::Serve,
    Plan::Serve,
    Plan::Serve,
    Plan::Serve,
    Plan::Serve,
    Plan::Serve,
    Plan::Cut,
    Plan::Status(503),
    Plan::Status(404),
    Plan::Reset,
];

//! Buyers in parallel: they buy, share tokens, ask in every way, and go away in the middle.

use crate::Scene;
use crate::book::{Plan, Token, WARES, Ware};
use crate::halt::Point;
use crate::seeded::Seeded;
use crate::town::Paid;
use crate::wire::{Asking, Got};
use core::net::SocketAddr;
use core::time::Duration;
use l402_core::PaymentHash;
use l402_lightning::Invoice;
use std::sync::Arc;
use tokio::time::sleep;

/// Buys and asks until nobody takes requests any more, or its task is ended.
pub(crate) async fn shop(scene: Arc<Scene>, gateway: SocketAddr, mut seeded: Seeded) {
    loop {
        let token = match scene.shared(&mut seeded) {
            Some(token) if seeded.below(3) > 0 => token,
            _ => match buy(&scene, gateway, seeded.of(&WARES)).await {
                Bought::Token(token) => token,
                Bought::Nothing => {
                    sleep(Duration::from_millis(10)).await;
                    continue;
                }
                Bought::Closed => return,
            },
        };
        if !ask(&scene, gateway, token, &mut seeded).await {
            return;
        }
    }
}

/// What became of a purchase.
pub(crate) enum Bought {
    Token(usize),
    /// Not now.
    Nothing,
    /// Nobody takes requests.
    Closed,
}

/// Buys a token.
pub(crate) async fn buy(scene: &Scene, gateway: SocketAddr, ware: Ware) -> Bought {
    let answer = match Asking::get(ware.path).send(gateway, || {}).await {
        Got::Answer(answer) if answer.status == 402 => answer,
        Got::Refused => return Bought::Closed,
        _ => return Bought::Nothing,
    };
    let terms = answer.json();
    let (Some(token), Some(invoice)) = (terms["token"].as_str(), terms["invoice"].as_str()) else {
        return Bought::Nothing; // the end of it has not come
    };
    let invoice = Invoice::parse(invoice).expect("an invoice");
    let preimage = match &scene.purse {
        None => scene.node.pay(&invoice),
        Some(purse) => match purse.pay(&invoice).await {
            Paid::Proof(preimage) => preimage,
            Paid::Nothing => return Bought::Nothing,
            Paid::Unclear => {
                scene.unclear.lock().unwrap().push(Unclear {
                    ware,
                    token: token.to_owned(),
                    hash: invoice.payment_hash(),
                });
                return Bought::Nothing;
            }
        },
    };
    let token = scene.book.sold(Token::new(ware, token, &preimage));
    scene.share(token);
    Bought::Token(token)
}

/// A sale whose payment has no outcome yet.
pub(crate) struct Unclear {
    ware: Ware,
    token: String,
    hash: PaymentHash,
}

/// Waits for the outcome of payments whose gateway was killed, and notes what was bought with them. Returns how many there were.
pub(crate) async fn clear(scene: &Scene) -> usize {
    let unclear = core::mem::take(&mut *scene.unclear.lock().unwrap());
    for Unclear { ware, token, hash } in &unclear {
        let purse = scene.purse.as_ref().expect("the fake node pays at once");
        if let Some(preimage) = purse.outcome(hash).await {
            scene.book.sold(Token::new(*ware, token, &preimage));
        }
    }
    unclear.len()
}

/// Asks once with a token; tells whether anybody took the request.
async fn ask(scene: &Scene, gateway: SocketAddr, token: usize, seeded: &mut Seeded) -> bool {
    let plan = seeded.of(&PLANS);
    let goes = (seeded.below(12) == 0).then(|| seeded.millis(12));
    let (is_safe, mut asking) = methods(scene.book.token(token).asking(), seeded);
    asking.goes = goes;
    let name = scene.book.begin(token, plan, is_safe, goes);
    let got = asking.field("x-attempt", &name).send(gateway, || scene.at(Point::HeadLeft)).await;
    if let Got::Answer(answer) = &got
        && matches!((answer.status, answer.reason().as_str()), (402, _) | (409, "in-doubt"))
    {
        scene.unshare(token);
    }
    let is_open = !matches!(got, Got::Refused);
    scene.book.got(&name, got);
    is_open
}

/// Safe and not, with a key and without.
fn methods(asking: Asking, seeded: &mut Seeded) -> (bool, Asking) {
    match seeded.below(4) {
        0 | 1 => (true, asking),
        2 => (false, Asking { method: "POST", body: format!("seed {}", seeded.below(3)), ..asking }),
        _ => {
            let key = format!("order {}", seeded.below(3));
            let asking = asking.field("idempotency-key", &key);
            (false, Asking { method: "POST", body: "order".to_owned(), ..asking })
        }
    }
}

const PLANS: [Plan; 14] = [
    Plan::Serve,
    Plan::Serve,
    Plan::Serve,
    Plan::Serve,
    Plan::Serve,
    Plan::ServeLate,
    Plan::ServeLate,
    Plan::Cut,
    Plan::Status(503),
    Plan::Status(500),
    Plan::Status(404),
    Plan::Status(404),
    Plan::Here,
    Plan::Reset,
];

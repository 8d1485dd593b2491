//! Two gateways with one store, each with a node of its own: what arrived at one node is used at the other gateway, and once.

use crate::book::{ONCE, Plan, Token};
use crate::stores::{Kind, Stand, open};
use crate::wire::{Answer, Asking, Got};
use crate::{DEADLINE, Scene, gateway, upstream};
use core::net::SocketAddr;
use core::time::Duration;
use l402_core::{Msat, SettlementRule};
use l402_gateway::{LedgerKeeper, Payee, Server};
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{Invoice, Network, PayLimit, PayeeNode, PaymentSource as _};
use std::path::Path;
use std::sync::Arc;
use tokio::time::sleep;

pub(crate) async fn share(kind: Kind) {
    let (folder, stand, network) = (tempfile::tempdir().unwrap(), Stand::start(kind), FakeNetwork::new());
    let scene = Arc::new(Scene::new(gateway::node(folder.path())));
    let upstream = upstream::start(Arc::clone(&scene)).await;
    let (paid, _keeper) = serve(folder.path(), "one", upstream, &stand, network.node()).await;
    let (other, _other_keeper) = serve(folder.path(), "two", upstream, &stand, FakeNetwork::new().node()).await;
    for (first, second) in [(&other, &paid), (&paid, &other)] {
        let token = buy(&scene, &network, paid.address()).await;
        let answer = present(&scene, token, first.address()).await;
        assert!(answer.is_served() && answer.field("x-l402") == Some("spent"), "{stand}: {answer:?}");
        let again = present(&scene, token, second.address()).await;
        assert_eq!((again.status, again.reason().as_str()), (402, "spent"), "{stand}");
    }
}

async fn serve(
    folder: &Path,
    name: &str,
    upstream: SocketAddr,
    stand: &Stand,
    node: FakeNode,
) -> (Server, LedgerKeeper) {
    let mut settings = gateway::settings(&folder.join(name), upstream);
    settings.key_dir = folder.join("keys");
    settings.gate.settlement = SettlementRule::Strict;
    let keeper = LedgerKeeper::start(open(&stand.place(), DEADLINE).await.unwrap());
    let bound = Server::bind(&settings).unwrap().ledger(&keeper);
    let payee = Payee::new(PayeeNode::new(node), Network::Regtest).shared(&keeper, &settings).unwrap();
    (bound.serve(&settings, &payee).unwrap(), keeper)
}

async fn buy(scene: &Scene, network: &FakeNetwork, gateway: SocketAddr) -> usize {
    let Got::Answer(unpaid) = Asking::get(ONCE.path).send(gateway, || {}).await else { panic!("it answers") };
    let terms = unpaid.json();
    let invoice = Invoice::parse(terms["invoice"].as_str().unwrap()).unwrap();
    let preimage = network.node().pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap().preimage;
    scene.book.sold(Token::new(ONCE, terms["token"].as_str().unwrap(), &preimage))
}

/// Presents a token, until a gateway that has just started has read what is revoked.
async fn present(scene: &Scene, token: usize, gateway: SocketAddr) -> Answer {
    loop {
        let name = scene.book.begin(token, Plan::Serve, true, None);
        match scene.book.token(token).asking().field("x-attempt", &name).send(gateway, || {}).await {
            Got::Answer(answer) if answer.status == 503 => sleep(Duration::from_millis(50)).await,
            Got::Answer(answer) => return answer,
            got => panic!("it answers: {got:?}"),
        }
    }
}

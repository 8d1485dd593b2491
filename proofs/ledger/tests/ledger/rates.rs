//! L1: two gateways with one Redis share the rate of a token; while Redis is away, each counts alone.

use crate::book::{Plan, Ware};
use crate::buyer::{Bought, buy};
use crate::stores::{Kind, Stand, open};
use crate::wire::{Answer, Got};
use crate::{DEADLINE, PRICE, Scene, gateway, upstream};
use core::net::SocketAddr;
use l402_gateway::settings::{Service, Settings};
use l402_gateway::{LedgerKeeper, Payee, Server};
use l402_http::proxy::UpstreamConfig;
use l402_lightning::Network;
use std::path::Path;
use std::sync::Arc;

/// For an hour, as often as the rate allows: nothing else is counted.
const TIDE: Ware = Ware::new("/tide", "tide", 0);

fn settings(folder: &Path, upstream: SocketAddr) -> Settings {
    let upstream = UpstreamConfig::new(&format!("http://{upstream}").parse().unwrap()).unwrap();
    let mut service = Service::new("shop".parse().unwrap(), upstream).sell(TIDE.path, PRICE);
    service.rate = Some("6/h".parse().unwrap());
    service.routes[0].rate = Some("1000/h".parse().unwrap());
    let mut settings = Settings::new(folder.join("data"), vec![service]).unwrap();
    settings.listen = "127.0.0.1:0".parse().unwrap();
    settings
}

pub(crate) async fn shared_through_redis() {
    let (folder, stand) = (tempfile::tempdir().unwrap(), Stand::start(Kind::Redis));
    let scene = Arc::new(Scene::new(gateway::node(folder.path())));
    let settings = settings(folder.path(), upstream::start(Arc::clone(&scene)).await);
    let mut running = Vec::new();
    for _ in 0..2 {
        let keeper = LedgerKeeper::start(open(&stand.place(), DEADLINE).await.unwrap()); // a connection of its own
        let bound = Server::bind(&settings).unwrap().ledger(&keeper);
        running.push((bound.serve(&settings, &Payee::new(scene.node.clone(), Network::Regtest)).unwrap(), keeper));
    }
    let [one, other] = [running[0].0.address(), running[1].0.address()];
    let Bought::Token(token) = buy(&scene, one, TIDE).await else { panic!("nobody else buys") };
    let ask = async |gateway| {
        let name = scene.book.begin(token, Plan::Serve, true, None);
        match scene.book.token(token).asking().field("x-attempt", &name).send(gateway, || {}).await {
            Got::Answer(answer) => answer,
            _ => panic!("the gateway answers"),
        }
    };
    for gateway in [one, other, other, one, one, other] {
        assert!(ask(gateway).await.is_served(), "six in all");
    }
    for gateway in [one, other] {
        let answer = ask(gateway).await;
        is_refused(&answer, "of three each, six had all");
        let wait: u32 = answer.field("retry-after").unwrap().parse().unwrap();
        assert!((1..=600).contains(&wait), "{wait}");
    }
    stand.pause(true);
    for gateway in [one, other] {
        for _ in 0..2 {
            assert!(ask(gateway).await.is_served(), "it has counted four by itself");
        }
        is_refused(&ask(gateway).await, "it counts alone");
    }
    stand.pause(false);
}

fn is_refused(answer: &Answer, what: &str) {
    assert_eq!((answer.status, answer.reason().as_str()), (429, "token-rate"), "{what}");
    assert_eq!(answer.field("ratelimit-policy"), Some("\"token\";q=6;w=3600"));
}

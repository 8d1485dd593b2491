//! A gateway without a node beside one that has an LND, as `docs/operate.md` shows it.

use http::StatusCode;
use interop::{GOODS, Upstream, Wallet, payee};
use l402_regtest::lnd::SELL;
use l402_regtest::{Network, NodeKind};
use std::io::Read as _;

use crate::l402_server::replaced;
use crate::replicas::{BOTH, Site, buy, get, section};

/// Everything is as it stands there, but the addresses, the network, and the folders.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs LND and Redis: just replicas"]
async fn l6_a_replica_without_a_node_sells_and_serves_what_is_paid_when_the_node_is_away() {
    let network = Network::direct(NodeKind::Lnd, NodeKind::Lnd).start().await.unwrap();
    drop(payee(&network, "bob").await); // it has seen the last block
    let (upstream, wallet) = (Upstream::start().await, Wallet::of(&network, "alice").await);
    let (site, bob) = (Site::of(&network, &upstream), network.lnd("bob"));
    let page = |language: &str, number: usize| site.moved(section("operate.md", WITHOUT, language, number));
    site.file("redis.conf", &site.moved(section("operate.md", BOTH, "conf", 0)));
    site.file("gateway.toml", &page("toml", 0));
    site.file("replica.toml", &replaced(&page("toml", 1), "\"bitcoin\"", "\"regtest\""));
    let _redis = site.redis().await;
    let [with_node, without] = site.replicas.clone();
    let place = |name: &str, base: &str| {
        let address = base.strip_prefix("http://").unwrap();
        site.moved(format!("cd /etc/l402; export L402_LISTEN={address} L402_SERVER_DATA_DIR=/var/lib/l402/{name}\n"))
    };
    let macaroon = bob.bake("sell", &SELL).await.unwrap();
    let (socket, cert, macaroon) = (bob.rpc_address(), bob.tls_cert().display().to_string(), macaroon.display());
    let lnd = format!("export LND_SOCKET={socket} LND_CERT='{cert}' LND_MACAROON='{macaroon}'\n");
    let gateway = site.started(&format!("{lnd}{}l402-server --config gateway.toml", place("one", &with_node)));

    let mut check = site.home.bash(&format!("{}{}", place("two", &without), check_command()));
    let mut said = String::new();
    check.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(check.0.wait().unwrap().success(), "{said}");
    assert!(said.contains("(regtest) of the gateway at unix:"), "{said}");
    let _replica = site.started(&format!("{}l402-server --config replica.toml", place("two", &without)));

    for (sells, first, second) in [(&without, &with_node, &without), (&with_node, &without, &with_node)] {
        let token = buy(sells, &wallet).await;
        let answer = get(first, Some(&token)).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, GOODS));
        let again = get(second, Some(&token)).await;
        assert_eq!((again.status, again.reason().as_deref()), (StatusCode::PAYMENT_REQUIRED, Some("spent")));
    }
    let kept = buy(&without, &wallet).await;
    gateway.kill();
    let answer = get(&without, Some(&kept)).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, GOODS), "what is paid is served");
    assert_eq!(get(&without, None).await.status, StatusCode::SERVICE_UNAVAILABLE, "and nothing new is sold");
    network.stop().await;
}

/// The command of step 4.
fn check_command() -> String {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operate.md")).unwrap();
    let (_, section) = page.split_once(WITHOUT).unwrap();
    let (_, step) = section.split_once("4. Run `").unwrap();
    step.split('`').next().unwrap().to_owned()
}

const WITHOUT: &str = "## Gateways without a node";

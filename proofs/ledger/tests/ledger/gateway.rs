//! A gateway of our own: in this process, or in one that is killed.

use crate::book::{WARES, Ware};
use crate::halt::{Halting, Point};
use crate::node::FakeNodeInFiles;
use crate::stores::open;
use crate::{DEADLINE, PRICE, metered, town};
use core::net::SocketAddr;
use l402_core::ledger::{DoubtRule, Idempotence, Resolution};
use l402_core::{Offer, Uses};
use l402_gateway::settings::{PricedRoute, Service, Settings};
use l402_gateway::{LedgerKeeper, Payee, Server};
use l402_http::proxy::UpstreamConfig;
use l402_ledger::Ledger;
use l402_lightning::{Network, PayeeNode};
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const FOLDER: &str = "L402_PROOF_FOLDER";
const UPSTREAM: &str = "L402_PROOF_UPSTREAM";
const STORE: &str = "L402_PROOF_STORE";
const POINT: &str = "L402_PROOF_POINT";
const TOWN: &str = "L402_PROOF_TOWN";
const AFTER: &str = "L402_PROOF_AFTER";

/// The settings of all gateways: their keys and invoices are in one folder.
pub(crate) fn settings(folder: &Path, upstream: SocketAddr) -> Settings {
    let upstream = UpstreamConfig::new(&format!("http://{upstream}").parse().expect("a URI")).expect("an upstream");
    let mut service = Service::new("shop".parse().expect("a name"), upstream);
    service.routes.extend(WARES.iter().map(route));
    service.routes.extend(metered::Ware::ALL.map(metered::Ware::route));
    let mut settings = Settings::new(folder.join("data"), vec![service]).expect("their routes");
    settings.listen = "127.0.0.1:0".parse().expect("an address");
    settings.limits.connections_per_client = Some(8_192);
    settings.limits.requests_per_client = Some(8_192);
    (settings.limits.challenges, settings.limits.challenges_per_client) = (None, None);
    settings
}

fn route(ware: &Ware) -> PricedRoute {
    let offer = Offer::new("shop".parse().expect("a name"), PRICE).uses(Uses::times(ware.uses).expect("not 0"));
    let capability = ware.capability.parse().expect("a name");
    let mut route = PricedRoute::new(ware.path, offer.capability(Some(capability)));
    if ware.is_idempotent {
        route.idempotence = Idempotence::Repeatable;
    }
    if let Some(after) = ware.refunds_after {
        route.doubt = DoubtRule::After(after, Resolution::Unused);
    }
    route
}

/// The fake node of all gateways of a folder.
pub(crate) fn node(folder: &Path) -> FakeNodeInFiles {
    let folder = folder.join("fake-node");
    fs::create_dir_all(&folder).expect("a folder");
    FakeNodeInFiles { folder }
}

/// Serves in this process.
fn serve(folder: &Path, upstream: SocketAddr, ledger: Ledger, payee: &Payee<PayeeNode>) -> (Server, LedgerKeeper) {
    let (settings, keeper) = (settings(folder, upstream), LedgerKeeper::start(ledger));
    let server = Server::bind(&settings).expect("keys and a port").ledger(&keeper);
    (server.serve(&settings, payee).expect("a gateway"), keeper)
}

/// The process that is killed: it says where it serves, and ends with the one that has started it.
pub(crate) async fn run() {
    let variable = |name| std::env::var(name).expect("the other test sets it");
    let folder = PathBuf::from(variable(FOLDER));
    let upstream = variable(UPSTREAM).parse().expect("an address");
    let mut ledger = open(&variable(STORE), DEADLINE).await.expect("a store");
    if let Some(point) = Point::parse(&variable(POINT)) {
        ledger = Ledger::new(Halting::new(ledger, point, variable(AFTER).parse().expect("a number")));
    }
    let payee = match std::env::var(TOWN) {
        Ok(town) => town::payee(&town).await,
        Err(_) => Payee::new(PayeeNode::new(node(&folder)), Network::Regtest),
    };
    let (server, _keeper) = serve(&folder, upstream, ledger, &payee);
    std::io::stdout().write_all(format!("\n{READY}{}\n", server.address()).as_bytes()).expect("somebody reads");
    tokio::task::spawn_blocking(|| std::io::stdin().read(&mut [0])).await.expect("a thread").expect("a pipe");
}

/// Starts such a process. A point inside it is passed on.
pub(crate) fn spawn(folder: &Path, upstream: SocketAddr, store: &str, at: Option<(Point, u32)>) -> Child {
    spawn_paid_by(None, folder, upstream, store, at)
}

/// The same with the node of a [`Town`](town::Town).
pub(crate) fn spawn_paid_by(
    town: Option<&str>,
    folder: &Path,
    upstream: SocketAddr,
    store: &str,
    at: Option<(Point, u32)>,
) -> Child {
    let (point, after) = at.filter(|(point, _)| point.is_inside()).unzip();
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "the_gateway_that_is_killed", "--ignored", "--nocapture"]);
    command.env(FOLDER, folder).env(UPSTREAM, upstream.to_string()).env(STORE, store);
    command.envs(town.map(|town| (TOWN, town)));
    command.env(POINT, point.map_or(String::new(), |point| format!("{point:?}")));
    command.env(AFTER, after.unwrap_or_default().to_string());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
    command.spawn().expect("a process")
}

/// Waits until it serves; [`None`] where it has ended before.
pub(crate) async fn ready(child: &mut Child) -> Option<SocketAddr> {
    let mut lines = BufReader::new(child.stdout.as_mut().expect("its output")).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(address) = line.strip_prefix(READY) {
            return address.parse().ok();
        }
    }
    None
}

const READY: &str = "ready at ";

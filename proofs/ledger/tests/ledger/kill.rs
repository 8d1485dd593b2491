//! A gateway that is killed again and again, or whose store is, while buyers use what they have bought; and the audit of it.

use crate::audit::{audit, tally};
use crate::book::{Plan, Token};
use crate::buyer::{clear, shop};
use crate::halt::{Point, Trigger};
use crate::seeded::Seeded;
use crate::stores::{Kind, Stand, open};
use crate::town::Town;
use crate::wire::{Answer, Got};
use crate::{DEADLINE, Scene, gateway, metered, upstream};
use core::net::SocketAddr;
use core::time::Duration;
use l402_core::ledger::{Event, LEASE, Resolution};
use l402_ledger::{Ledger, LedgerStore as _};
use rustix::process::Pid;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;
use tempfile::TempDir;
use tokio::process::Child;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// What stays while gateways come and go.
struct Run {
    scene: Arc<Scene>,
    upstream: SocketAddr,
    stand: Stand,
    folder: TempDir,
    seeded: Seeded,
    /// Where gateways are paid, if not by the fake node.
    town: Option<Town>,
}

impl Run {
    async fn begin(kind: Kind, town: Option<Town>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let seed = std::env::var("L402_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
        let purse = town.as_ref().map(Town::purse);
        let scene = Arc::new(Scene { purse, ..Scene::new(gateway::node(folder.path())) });
        let upstream = upstream::start(Arc::clone(&scene)).await;
        Self { scene, upstream, stand: Stand::start(kind), folder, seeded: Seeded(seed), town }
    }

    fn spawn(&self, at: Option<(Point, u32)>) -> Child {
        let town = self.town.as_ref().map(|town| &*town.place);
        gateway::spawn_paid_by(town, self.folder.path(), self.upstream, &self.stand.place(), at)
    }

    fn buyers(&mut self, gateway: SocketAddr) -> JoinSet<()> {
        let mut buyers = JoinSet::new();
        let metered = if self.town.is_some() { 0 } else { METERED_BUYERS }; // they pay with the fake node
        for buyer in 0..BUYERS + metered {
            let (scene, seeded) = (Arc::clone(&self.scene), Seeded(self.seeded.below(u64::MAX)));
            if buyer < BUYERS {
                buyers.spawn(shop(scene, gateway, seeded));
            } else {
                buyers.spawn(metered::shop(scene, gateway, seeded));
            }
        }
        buyers
    }

    async fn ready(&self, child: &mut Child) -> Option<SocketAddr> {
        let address = gateway::ready(child).await?;
        if let Stand::Embedded(_) = self.stand {
            self.scene.book.reopens(); // it has the file alone
        }
        Some(address)
    }

    /// Runs one gateway until it is killed, and returns where that was; [`None`] where it had not come there in time.
    async fn round(&mut self, point: Point) -> Option<Point> {
        let after = 1 + u32::try_from(self.seeded.below(12)).expect("a small number");
        let mut child = self.spawn(Some((point, after)));
        let trigger = Arc::new(Trigger::new(point, after, process(&child)));
        self.scene.watch(Some(Arc::clone(&trigger)));
        if point == Point::Random {
            let (moment, trigger) = (self.seeded.millis(400), Arc::clone(&trigger));
            tokio::spawn(async move {
                sleep(moment).await;
                trigger.kill();
            });
        }
        let mut buyers = JoinSet::new();
        if let Some(gateway) = self.ready(&mut child).await {
            buyers = self.buyers(gateway);
        }
        let _open = child.stdin.take(); // without it the gateway would end
        let patience = if self.town.is_some() { PATIENCE_WITH_A_NODE } else { PATIENCE };
        let ended = timeout(patience, child.wait()).await;
        if ended.is_err() {
            trigger.kill();
        }
        let status = child.wait().await.expect("it has ended");
        assert_eq!(
            std::os::unix::process::ExitStatusExt::signal(&status),
            Some(9),
            "it is killed, and ends in no other way"
        );
        while buyers.join_next().await.is_some() {}
        self.scene.watch(None);
        ended.ok().map(|_| point)
    }

    /// Lets a node receive what was on its way to it when it was killed.
    async fn clear(&mut self) {
        if self.town.is_some() {
            let mut child = self.spawn(None);
            self.ready(&mut child).await.expect("it serves");
            println!("  payments under way at a kill: {}", clear(&self.scene).await);
            child.kill().await.expect("it runs");
        }
    }

    /// Audits, decides each doubt, and uses up what is left.
    async fn close(&mut self, what: &str) {
        if !matches!(self.stand, Stand::Embedded(_)) {
            sleep(LEASE + Duration::from_secs(1)).await; // killed gateways renew nothing
        }
        let tokens = self.scene.book.tokens();
        let ledger = open(&self.stand.place(), DEADLINE).await.expect("a store");
        let figures = audit(&ledger, &tokens).await;
        let balances = metered::audit(&ledger, &self.scene.purses.purses()).await;
        println!("{}, {what}:\n{figures}\n{balances}", self.stand);
        resolve(&ledger).await;
        let (left, of_balances) = (free(&ledger, &tokens).await, metered::free(&ledger, &self.scene).await);
        drop(ledger);
        let unused = self.use_up(left, &of_balances).await;
        println!("  what was left could be used, but for {unused}");
        assert!(figures.is_clean() && balances.is_clean() && unused == 0, "the promises were not kept");
    }

    /// Uses what is left of each token, and returns how many uses could not be had.
    async fn use_up(&mut self, left: Vec<(Token, u64)>, balances: &[(usize, u64)]) -> u64 {
        let mut child = self.spawn(None);
        let gateway = gateway::ready(&mut child).await.expect("it serves");
        let (mut tasks, mut unused) = (JoinSet::new(), 0);
        for (index, (token, free)) in left.into_iter().enumerate() {
            let scene = Arc::clone(&self.scene);
            tasks.spawn(async move {
                let mut missing = 0;
                for _ in 0..free {
                    let answer = present(&scene, index, &token, gateway).await;
                    missing += u64::from(!answer.is_served());
                }
                let last = present(&scene, index, &token, gateway).await;
                missing + u64::from(last.status != 402 && !is_unsold(&last))
            });
            while tasks.len() >= BUYERS {
                unused += tasks.join_next().await.expect("a task").expect("no panic");
            }
        }
        unused += tasks.join_all().await.into_iter().sum::<u64>();
        unused += metered::use_up(&self.scene, gateway, balances).await as u64;
        child.kill().await.expect("it runs");
        unused
    }
}

/// It is spent, and there is no node that another could be bought from: a kill has closed its channels.
fn is_unsold(answer: &Answer) -> bool {
    answer.reason() == "no-invoice"
}

/// Presents a token until it is neither too early nor too much.
async fn present(scene: &Scene, index: usize, token: &Token, gateway: SocketAddr) -> Answer {
    loop {
        let name = scene.book.begin(index, Plan::Serve, true, None);
        match token.asking().field("x-attempt", &name).send(gateway, || {}).await {
            Got::Answer(answer) if !matches!(answer.status, 429 | 503) || is_unsold(&answer) => return answer,
            Got::Answer(_) => sleep(Duration::from_millis(50)).await,
            got => panic!("nobody kills this gateway: {got:?}"),
        }
    }
}

/// A person decides about each doubt.
async fn resolve(ledger: &Ledger) {
    for doubt in ledger.doubtful(usize::MAX).await.expect("the ledger answers") {
        let unused = Event::Resolve(Resolution::Unused);
        ledger.apply(&doubt.payment, doubt.attempt, unused).await.expect("the ledger answers");
    }
}

/// What is left of each token; of very many, of some.
async fn free(ledger: &Ledger, tokens: &[Token]) -> Vec<(Token, u64)> {
    let mut left = Vec::new();
    for token in tokens {
        left.push((token.clone(), tally(ledger, token).await.free()));
    }
    left
}

fn process(child: &Child) -> Pid {
    let id = i32::try_from(child.id().expect("it runs")).expect("an id");
    Pid::from_raw(id).expect("not 0")
}

/// Kills gateways, at each point in turn.
pub(crate) async fn gateways(kind: Kind, kills: usize) {
    kill_gateways(Run::begin(kind, None).await, kills).await;
}

/// The same, each with a node that is killed with it.
pub(crate) async fn gateways_with_a_node(kind: Kind, kills: usize) {
    let run = Run::begin(kind, Some(Town::start().await)).await;
    let town = kill_gateways(run, kills).await;
    town.expect("it has one").stop().await;
}

async fn kill_gateways(mut run: Run, kills: usize) -> Option<Town> {
    let begun = Instant::now();
    let mut points: BTreeMap<Option<Point>, usize> = BTreeMap::new();
    for kill in 0..kills {
        let point = run.round(Point::ALL[kill % Point::ALL.len()]).await;
        *points.entry(point).or_default() += 1;
    }
    let seconds = begun.elapsed().as_secs();
    for (point, count) in &points {
        println!("  {}: {count}", point.map_or("by the clock".to_owned(), |point| format!("{point:?}")));
    }
    run.clear().await;
    run.close(&format!("{kills} kills of the gateway in {seconds} s")).await;
    let reached: usize = points.iter().filter(|(point, _)| point.is_some()).map(|(_, count)| count).sum();
    let (of, least) = if run.town.is_some() { (2, 1) } else { (10, 9) }; // payments take their time
    assert!(reached * of >= kills * least, "most gateways come to their point");
    run.town
}

/// Kills the server of a store, while one gateway goes on.
pub(crate) async fn servers(kind: Kind, kills: usize) {
    let mut run = Run::begin(kind, None).await;
    let mut child = run.spawn(None);
    let gateway = gateway::ready(&mut child).await.expect("it serves");
    let buyers = run.buyers(gateway);
    for _ in 0..kills {
        let (before, away) = (run.seeded.millis(600), run.seeded.millis(300));
        sleep(Duration::from_millis(100) + before).await;
        run.stand.kill();
        sleep(away).await;
        run.stand.restart();
    }
    sleep(Duration::from_secs(2)).await;
    drop(buyers);
    child.kill().await.expect("nothing ends the gateway but this");
    run.close(&format!("{kills} kills of the server")).await;
}

const BUYERS: usize = 8;
const METERED_BUYERS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(4);
const PATIENCE_WITH_A_NODE: Duration = Duration::from_secs(20);

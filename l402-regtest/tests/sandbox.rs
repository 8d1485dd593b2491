//! The network as a whole: it pays, keeps its promises, stops, and goes on where it stopped.
//!
//! A sandbox takes seconds to start, so that each test asks many things of one.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, too")]

use bitcoin::hashes::{Hash as _, sha256};
use core::time::Duration;
use l402_core::Msat;
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use l402_ldk::LdkNode;
use l402_lightning::testing::conformance;
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource as _, NodeId, PayLimit, PaymentSource as _, PaymentStatus,
    SettlementSource as _,
};
use l402_regtest::{Sandbox, SandboxStartError, wallet};
use l402_sandbox::SandboxWallet;

#[tokio::test]
async fn a_sandbox_pays_stops_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = start(dir.path()).await;
    timed("first payment", pays(&sandbox, sandbox.payer())).await;
    timed("20 payments one after another", pays_in_sequence(&sandbox)).await;
    timed("conformance suite", conformance::all(&Pair(&sandbox))).await;
    timed("20 payments at once", pays_many_at_once(&sandbox)).await;
    timed("payment through the wallet", pays_through_the_wallet(&sandbox)).await;
    is_locked(dir.path()).await;

    let before = (identities(&sandbox), sandbox.chain().tip());
    timed("stop", sandbox.stop()).await.unwrap();
    let sandbox = start(dir.path()).await;
    assert_eq!(identities(&sandbox), before.0);
    let kept = (0..sandbox.chain().height())
        .any(|height| sandbox.chain().block(height).is_some_and(|block| block.block_hash() == before.1));
    assert!(kept);
    timed("first payment after the restart", pays(&sandbox, sandbox.payer())).await;
    timed("drop", async { drop(sandbox) }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_temporary_sandbox_leaves_nothing_behind() {
    let sandbox = Sandbox::builder().channels(1).start().await.unwrap();
    let dir = sandbox.dir().to_owned();
    pays(&sandbox, sandbox.payer()).await;
    confirms_what_is_broadcast(&sandbox).await;
    let payer = sandbox.payer().clone();
    drop(sandbox);
    // A clone that outlives the sandbox is a stopped node, not a running one.
    assert!(!payer.is_running());
    assert!(!dir.exists());
}

#[tokio::test]
async fn a4_a_sandbox_that_was_killed_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    time_to_pay(dir.path());
    let sandbox = start(dir.path()).await;
    assert_eq!(sandbox.payer().channels().len(), 4);
    pays_in_sequence(&sandbox).await;
    sandbox.stop().await.unwrap();
}

/// The process ended after the payment was recorded, and before the node knew of it.
#[tokio::test]
async fn a4_a_payment_that_was_begun_is_pending_after_a_crash_and_can_be_paid_again() {
    let dir = tempfile::tempdir().unwrap();
    let sandbox = start(dir.path()).await;
    let invoice = invoice(&sandbox, 21_000).await;
    let hash = invoice.payment_hash();
    assert!(matches!(sandbox.payer().payment(&hash).await.unwrap(), PaymentStatus::NotFound));
    sandbox.stop().await.unwrap();
    record_as_begun(&dir.path().join("payer/sent"), hash.as_bytes());

    let sandbox = start(dir.path()).await;
    assert!(matches!(sandbox.payer().payment(&hash).await.unwrap(), PaymentStatus::Pending));
    let refused =
        sandbox.payer().pay(&invoice, PayLimit { timeout: Duration::ZERO, ..PayLimit::fee(Msat::ZERO) }).await;
    assert!(refused.unwrap_err().is_unknown());
    let paid = sandbox.payer().pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap();
    assert!(paid.preimage.matches(&hash));
    assert!(matches!(sandbox.payer().payment(&hash).await.unwrap(), PaymentStatus::Succeeded(_)));
    sandbox.stop().await.unwrap();
}

fn record_as_begun(path: &Path, hash: &[u8; 32]) {
    let body = [&[1], hash.as_slice(), &21_000_u64.to_be_bytes(), &[0; 32], &1_u64.to_be_bytes()].concat();
    let check = sha256::Hash::hash(&body).to_byte_array();
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(&[&body, &check[..8]].concat()).unwrap();
}

/// Kills sandboxes at any moment, most of them during their first start, and starts each again. `L402_KILLS` says how many.
#[tokio::test]
async fn a_sandbox_that_was_killed_at_any_moment_starts_again() {
    let kills = std::env::var("L402_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(3);
    let dir = tempfile::tempdir().unwrap();
    let whole = time_to_pay(dir.path()); // how long a first start takes here
    for round in 0..kills {
        let home = tempfile::tempdir().unwrap();
        // Every third goes on where the one before it was killed.
        let dir = if round % 3 == 2 { dir.path() } else { home.path() };
        let moment = whole.mul_f64(random() * 1.2);
        println!("kill {round} after {} ms", moment.as_millis());
        let mut child = pay_elsewhere(dir);
        tokio::time::sleep(moment).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let sandbox = start(dir).await;
        assert_eq!(sandbox.payer().channels().len(), 4);
        pays(&sandbox, sandbox.payer()).await;
        sandbox.stop().await.unwrap();
    }
}

/// Starts a sandbox in another process, kills it once it pays, and returns how long that took.
fn time_to_pay(dir: &Path) -> Duration {
    let begun = Instant::now();
    let mut child = pay_elsewhere(dir);
    let output = BufReader::new(child.stdout.take().unwrap());
    assert!(output.lines().any(|line| line.unwrap().contains(PAYING)));
    child.kill().unwrap();
    child.wait().unwrap();
    begun.elapsed()
}

fn pay_elsewhere(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "pays_until_it_is_killed", "--ignored", "--nocapture"])
        .env(KILLED_DIR, dir)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Between 0 and 1.
fn random() -> f64 {
    f64::from(getrandom::u32().unwrap()) / f64::from(u32::MAX)
}

#[tokio::test]
async fn a_sandbox_whose_clock_was_ahead_says_how_to_begin_anew() {
    let dir = tempfile::tempdir().unwrap();
    let blocks = dir.path().join("chain/blocks.dat");
    let chain = l402_regtest::chain::Chain::open(&dir.path().join("chain")).unwrap();
    chain.mine(1).unwrap();
    drop(chain);
    let mut bytes = std::fs::read(&blocks).unwrap();
    // The time stands 68 bytes into the header, behind magic and length. Another nonce brings back the proof of work.
    let later = u32::from_le_bytes(bytes[76..80].try_into().unwrap()) + 86_400;
    bytes[76..80].copy_from_slice(&later.to_le_bytes());
    let header = |bytes: &[u8]| bitcoin::consensus::deserialize::<bitcoin::block::Header>(&bytes[8..88]).unwrap();
    for nonce in 0_u32.. {
        bytes[84..88].copy_from_slice(&nonce.to_le_bytes());
        let found = header(&bytes);
        if found.validate_pow(found.target()).is_ok() {
            break;
        }
    }
    std::fs::write(&blocks, bytes).unwrap();
    let Err(fault) = Sandbox::builder().dir(dir.path()).start().await else { panic!("it started") };
    assert!(matches!(fault, SandboxStartError::ClockWasAhead { ahead_s: 86_000..=86_400 }));
    assert!(fault.to_string().contains("`l402-server reset-sandbox`"), "{fault}");

    let foreign = tempfile::tempdir().unwrap();
    assert!(Sandbox::reset(foreign.path()).is_err(), "there is none");
    Sandbox::reset(dir.path()).unwrap();
    assert!(!blocks.exists());
    let sandbox = start(dir.path()).await;
    assert!(Sandbox::reset(dir.path()).is_err(), "it runs");
    sandbox.stop().await.unwrap();
}

#[tokio::test]
#[ignore = "is started, and killed, by another test"]
async fn pays_until_it_is_killed() {
    let sandbox = start(Path::new(&std::env::var_os(KILLED_DIR).unwrap())).await;
    println!("{PAYING}");
    loop {
        pays(&sandbox, sandbox.payer()).await;
    }
}

/// Where the process that is killed has its sandbox.
const KILLED_DIR: &str = "L402_KILLED_DIR";

/// What it says when it has begun.
const PAYING: &str = "now it pays";

async fn start(dir: &Path) -> Sandbox {
    timed("start", Sandbox::builder().dir(dir).start()).await.unwrap()
}

async fn timed<T>(what: &str, work: impl Future<Output = T>) -> T {
    let begun = Instant::now();
    let result = work.await;
    println!("{:7.0} ms  {what}", begun.elapsed().as_secs_f64() * 1e3);
    result
}

async fn invoice(sandbox: &Sandbox, amount_msat: u64) -> Invoice {
    let request =
        InvoiceRequest { amount_msat: Msat::new(amount_msat), description: "l402", expiry: Duration::from_mins(5) };
    sandbox.payee().create_invoice(request).await.unwrap()
}

/// Pays an invoice of the payee from `payer`, and sees it settled.
async fn pays(sandbox: &Sandbox, payer: &impl l402_lightning::PaymentSource) {
    let invoice = invoice(sandbox, 21_000).await;
    let hash = invoice.payment_hash();
    let paid = payer.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap();
    assert!(paid.preimage.matches(&hash));
    assert_eq!(sandbox.payee().settled_msat(&hash).await.unwrap(), Some(Msat::new(21_000)));
}

async fn pays_in_sequence(sandbox: &Sandbox) {
    for _ in 0..20 {
        pays(sandbox, sandbox.payer()).await;
    }
}

async fn pays_many_at_once(sandbox: &Sandbox) {
    let mut payments = tokio::task::JoinSet::new();
    for amount in 1..=20 {
        let (invoice, payer) = (invoice(sandbox, amount * 1_000).await, sandbox.payer().clone());
        payments.spawn(async move {
            let paid = payer.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap();
            paid.preimage.matches(&invoice.payment_hash())
        });
    }
    assert_eq!(payments.join_all().await, [true; 20]);
}

async fn pays_through_the_wallet(sandbox: &Sandbox) {
    let server = wallet::serve(sandbox.payer().clone(), sandbox.dir().join("wallet.json")).unwrap();
    let wallet = SandboxWallet::discover(Some(server.path())).await.unwrap();
    assert_eq!(wallet.node_id(), sandbox.payer().node_id());
    pays(sandbox, &wallet).await;
}

async fn is_locked(dir: &Path) {
    let second = Sandbox::builder().dir(dir).start().await;
    assert!(matches!(second, Err(SandboxStartError::Chain(_))));
}

/// A transaction of a node is mined without anybody asking for it.
async fn confirms_what_is_broadcast(sandbox: &Sandbox) {
    let height = sandbox.chain().height();
    let channel = sandbox.payer().channels().remove(0);
    sandbox.payer().close_channel(channel.name.parse().unwrap()).await.unwrap();
    let closed = async {
        while sandbox.chain().height() == height {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), closed).await.unwrap();
    let block = sandbox.chain().block(height + 1).unwrap();
    let funding = channel.funding_txid.unwrap();
    let spends = |tx: &bitcoin::Transaction| tx.input[0].previous_output.txid.to_string() == funding;
    assert!(block.txdata.iter().skip(1).any(spends));
}

/// What must survive a restart: the nodes' keys, and which transactions fund their channels.
fn identities(sandbox: &Sandbox) -> Vec<(NodeId, Vec<Option<String>>)> {
    let channels = |node: &LdkNode| {
        let mut channels: Vec<_> = node.channels().into_iter().map(|channel| channel.funding_txid).collect();
        channels.sort();
        channels
    };
    [sandbox.payee(), sandbox.payer()].map(|node| (node.node_id(), channels(node))).to_vec()
}

/// The two nodes of a sandbox, for the suite that every backend passes.
struct Pair<'a>(&'a Sandbox);

impl conformance::Harness for Pair<'_> {
    type Payee = LdkNode;
    type Payer = LdkNode;

    fn payee(&self) -> &LdkNode {
        self.0.payee()
    }

    fn payee_id(&self) -> Option<NodeId> {
        Some(self.0.payee().node_id())
    }

    fn payer(&self) -> &LdkNode {
        self.0.payer()
    }

    fn too_much_msat(&self) -> Option<Msat> {
        let channels = self.0.payer().channels();
        Some(Msat::new(2_000 * channels.iter().map(|channel| channel.capacity_sat).sum::<u64>()))
    }
}

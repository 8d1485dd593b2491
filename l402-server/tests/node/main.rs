//! The gateway with an embedded node, as a process: full disks, lost files, a chain source that does not answer, money taken out,
//! uses that are counted over a kill.

mod esplora;
mod money;
mod stand;
mod uses;

use core::time::Duration;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use stand::{Stand, files, until};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command};
use tokio::time::sleep;

/// A file may not grow beyond this.
fn limit_files(child: &Child, bytes: u64) {
    let limit = Rlimit { current: Some(bytes), maximum: None };
    prlimit(Some(Pid::from_child(child)), Resource::Fsize, limit).expect("limited");
}

#[tokio::test(flavor = "multi_thread")]
async fn l6_a_node_whose_disk_is_full_sells_nothing_and_the_gateway_ends() {
    let stand = Stand::start().await;
    let mut gateway = stand.gateway().serving().await;
    stand.open_channel(&gateway).await;
    let credential = stand.buy(&gateway).await.expect("bought");
    assert_eq!(gateway.ask("/", Some(&credential)).expect("an answer").status, 200);
    assert_eq!(gateway.ask("/health", None).expect("an answer").status, 200);

    limit_files(&gateway.child, 64 * 1024);
    // Whatever is sold from now on either settles, or is the last.
    let mut broken = false;
    for _ in 0..200 {
        match stand.buy(&gateway).await {
            Ok(_) => assert!(!broken, "an invoice was sold after one that could not be settled"),
            Err(0) => {
                assert!(!broken, "a second invoice was sold that cannot be settled");
                broken = true;
            }
            Err(1) => break, // it accepts nothing more
            Err(status) => assert_eq!(status, 503),
        }
    }
    assert_eq!(gateway.ended().await, 5);
    let log = gateway.log();
    assert!(log.lines().any(|line| line.contains("\"ERROR\"") && line.contains("Lightning node has failed")), "{log}");

    // With room again, all is there: what was sold before is served.
    let again = stand.gateway().serving().await;
    assert_eq!(again.ask("/", Some(&credential)).expect("an answer").status, 200);
}

/// Mounts a small disk, where the test may.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn mount(folder: &'a Path, mib: u32) -> Option<Self> {
        fs::create_dir(folder).expect("a folder");
        let size = format!("size={mib}m,mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "l402-test"]).arg(folder).output();
        mounted.is_ok_and(|output| output.status.success()).then_some(Self(folder))
    }

    /// Leaves so much.
    fn fill(&self, mib_left: u64) {
        let free = rustix::fs::statvfs(self.0).map(|about| about.f_bavail * about.f_frsize).expect("a disk");
        let mut file = File::create(self.0.join("ballast")).expect("a file");
        let mut wanted = free.saturating_sub(mib_left << 20);
        let block = vec![1; 1 << 16];
        while wanted > 0 {
            let Ok(written) = file.write(&block[..block.len().min(usize::try_from(wanted).expect("small"))]) else {
                return;
            };
            wanted -= written as u64;
        }
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn l6_a_disk_that_is_nearly_full_is_not_ready_and_a_full_one_is_the_end() {
    let stand = Stand::start().await;
    let data = stand.data();
    let Some(disk) = Disk::mount(&data, 64) else {
        eprintln!("skipped: this test may not mount a disk; the one with a limit on files shows the same");
        return;
    };
    let mut gateway = stand.gateway().serving().await;
    stand.open_channel(&gateway).await;
    let credential = stand.buy(&gateway).await.expect("bought");

    disk.fill(8);
    until("the gateway to notice", async || gateway.ask("/ready", None).is_ok_and(|answer| answer.status == 503)).await;
    let said = gateway.ask("/ready", None).expect("an answer").text;
    assert!(said.contains("\"disk\":\"is nearly full\"") && said.contains("\"node\":\"ok\""), "{said}");
    assert_eq!(gateway.ask("/health", None).expect("an answer").status, 200);
    assert_eq!(stand.buy(&gateway).await, Err(503));
    assert_eq!(gateway.ask("/", Some(&credential)).expect("an answer").status, 200, "what was sold is served");

    fs::remove_file(data.join("ballast")).expect("removed");
    until("the gateway to sell again", async || gateway.ask("/ready", None).is_ok_and(|answer| answer.status == 200))
        .await;
    stand.buy(&gateway).await.expect("bought");

    disk.fill(0);
    assert_eq!(gateway.ended().await, 5);
    fs::remove_file(data.join("ballast")).expect("removed");
    let mut again = stand.gateway().serving().await;
    assert_eq!(again.ask("/", Some(&credential)).expect("an answer").status, 200);
    again.kill();
}

/// What must not be lost; the rest is made anew, and nothing is lost with it.
const STATE: [&str; 7] = [
    "control/operations",
    "keys/root.keys",
    "ledger",
    "node/ldk_node_data.sqlite",
    "node/seed",
    "node/sent",
    "node/settled",
];
const REST: [&str; 12] = [
    "control/audit.log",
    "control/manifest",
    "keys/manifest",
    "keys/root.keys.lock",
    "keys/sold.until",
    "manifest",
    "node/disk-check",
    "node/ldk.log",
    "node/ldk_node_data.sqlite-shm",
    "node/ldk_node_data.sqlite-wal",
    "node/lock",
    "node/manifest",
];

#[tokio::test(flavor = "multi_thread")]
async fn s6_state_that_was_there_and_is_missing_stops_the_start() {
    let stand = Stand::start().await;
    let mut gateway = stand.gateway().serving().await;
    stand.open_channel(&gateway).await;
    assert_eq!(gateway.stop().await, 0);
    let data = stand.data();
    let security = include_str!("../../../SECURITY.md");
    for file in files(&data) {
        let name = file.to_str().expect("text");
        let known = STATE.contains(&name) || REST.contains(&name);
        assert!(known, "{name}: say whether it may be lost");
        let listed = if name.ends_with("manifest") { "`manifest`".to_owned() } else { format!("`{name}`") };
        assert!(security.contains(&listed), "SECURITY.md does not name {name}");
    }
    let lost = data.with_file_name("lost");
    for name in STATE {
        let path = data.join(name);
        fs::rename(&path, &lost).unwrap_or_else(|_| panic!("{name} is not there"));
        stops(&stand, &path).await;
        fs::rename(&lost, &path).expect("put back");
    }
    for folder in ["control", "keys", "node"] {
        fs::rename(data.join(folder), &lost).expect("moved");
        stops(&stand, &data.join(folder)).await;
        let _ = fs::remove_dir_all(data.join(folder));
        fs::rename(&lost, data.join(folder)).expect("put back");
    }

    // After a kill the newest states of the channels may be in the log of the database alone.
    let mut gateway = stand.gateway().serving().await;
    gateway.kill();
    let log = data.join("node/ldk_node_data.sqlite-wal");
    fs::rename(&log, &lost).expect("it is there");
    stops(&stand, &log).await;
    fs::rename(&lost, &log).expect("put back");
    let mut gateway = stand.gateway().serving().await;
    assert_eq!(gateway.stop().await, 0);
}

async fn stops(stand: &Stand, path: &Path) {
    let mut gateway = stand.gateway();
    let code = gateway.ended().await;
    let log = gateway.log();
    assert!([1, 3].contains(&code), "{}: {code}: {log}", path.display());
    let name = path.display().to_string();
    let way_out = ["Restore it", "put the seed back"].iter().any(|way| log.contains(way));
    assert!(log.contains("is missing") && log.contains(&name) && way_out, "{name}: {log}");
    assert!(!path.is_file(), "{name} was replaced");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_esplora_server_that_answers_429_is_tried_again_while_paid_tokens_are_served() {
    let stand = Stand::start().await;
    let mut gateway = stand.gateway().serving().await;
    stand.open_channel(&gateway).await;
    let credential = stand.buy(&gateway).await.expect("bought");
    assert_eq!(gateway.stop().await, 0);

    let mut gateway = stand.gateway_on_esplora().serving().await;
    assert_eq!(gateway.ask("/", Some(&credential)).expect("an answer").status, 200, "it was paid");
    assert_eq!(gateway.ask("/", None).expect("an answer").status, 503, "nothing is sold");
    let ready = gateway.ask("/ready", None).expect("an answer");
    assert_eq!(ready.status, 503);
    assert!(ready.text.contains("\"node\":\"has not started yet\""), "{}", ready.text);
    assert_eq!(gateway.ask("/health", None).expect("an answer").status, 200);
    sleep(Duration::from_secs(3)).await;
    assert!(gateway.log().contains("retrying"), "{}", gateway.log());

    stand.open_esplora();
    until("the node to start", async || {
        gateway.ask("/ready", None).is_ok_and(|answer| !answer.text.contains("has not started yet"))
    })
    .await;
    assert_eq!(gateway.facts("info")["health"], "good");
    assert_eq!(gateway.stop().await, 0);
}

//! A process that is killed: what it was told is there.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]
#![cfg(all(feature = "embedded", feature = "testing", unix))]

use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, Reserve, Safety};
use l402_ledger::LedgerStore;
use l402_ledger::embedded::{Durability, Embedded};
use l402_ledger::testing::reserve;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

const PATH: &str = "L402_LEDGER_TO_KILL";
const BEGIN: &str = "L402_LEDGER_BEGIN";
const CALLERS: u64 = 8;
const KILLS: u64 = 20;

/// Token after token, every second one with a request that may have an effect. Each line says what is durable by then.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "the other test starts it, and kills it"]
async fn child() {
    let path = std::env::var(PATH).unwrap();
    let begin: u64 = std::env::var(BEGIN).unwrap().parse().unwrap();
    let store = Embedded::open(Path::new(&path), durability(begin)).unwrap();
    let callers = (0..CALLERS).map(|caller| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in (begin + caller..).step_by(usize::try_from(CALLERS).unwrap()) {
                let (payment, attempt) = token(number);
                store.apply(&payment, attempt, Event::Reserve(asked(number))).await.unwrap();
                if asked(number).safety == Safety::Unsafe {
                    say("reserved", number);
                }
                store.apply(&payment, attempt, Event::Commit { amount: 1 }).await.unwrap();
                say("committed", number);
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
}

#[tokio::test]
async fn s1_what_was_told_is_there_after_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ledger");
    drop(Embedded::open_or_create(&path, Durability::Power).unwrap());
    let (mut told, mut seen) = (Vec::new(), 0);
    for kill in 0..KILLS {
        told.extend(until_killed(&path, kill * 1_000_000, 5 + 17 * usize::try_from(kill).unwrap()));
        let store = Embedded::open(&path, Durability::Power).unwrap();
        let doubtful = store.doubtful(usize::MAX).await.unwrap();
        for (what, number) in &told {
            let (payment, attempt) = token(*number);
            let uses = store.uses(&payment).await.unwrap();
            let uses = uses.unwrap_or_else(|| panic!("{number} was {what}, and nothing is known of it"));
            let tally = uses.tallies[0].1;
            assert_eq!(tally.committed + tally.doubtful, 1, "{number} was {what}: {tally:?}");
            if what == "committed" {
                assert_eq!(tally.committed, 1, "{number}");
            } else if tally.committed == 0 {
                let is_listed = doubtful.iter().any(|listed| listed.payment == payment && listed.attempt == attempt);
                assert!(is_listed, "{number} was reserved for a request that may have had an effect");
            }
            seen += 1;
        }
    }
    assert!(seen > 1_000, "{seen}");
}

/// Runs the other test until it has said so many lines, kills it, and returns all that it said.
fn until_killed(path: &Path, begin: u64, lines: usize) -> Vec<(String, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(PATH, path)
        .env(BEGIN, begin.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut told = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some((what, number)) = line.split_once(' ') else { continue };
        // The last line may be cut.
        let Some(number) = number.strip_suffix('.').and_then(|number| number.parse().ok()) else { continue };
        told.push((what.to_owned(), number));
        if told.len() == lines {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(told.len() >= lines, "it was to be killed after {lines} lines, and ended after {}", told.len());
    told
}

fn say(what: &str, number: u64) {
    let line = format!("{what} {number}.\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap_or_default(); // nobody listens once it is killed
}

/// Both kinds survive a kill.
fn durability(begin: u64) -> Durability {
    if (begin / 1_000_000).is_multiple_of(2) { Durability::Power } else { Durability::Process }
}

fn asked(number: u64) -> Reserve {
    let safety = if number.is_multiple_of(2) { Safety::Safe } else { Safety::Unsafe };
    Reserve { safety, ..reserve(1) }
}

fn token(number: u64) -> (PaymentHash, AttemptId) {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    bytes[8..16].copy_from_slice(&number.to_be_bytes());
    (PaymentHash::from_bytes(bytes), AttemptId::from_bytes(*bytes.first_chunk().unwrap()))
}

//! The largest inputs are read on a small stack, and larger ones are refused there.
#![cfg(not(miri))] // whose frames are not the machine's
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

mod maximal;

use l402_core::macaroon::MAX_LEN;
use maximal::{challenges, credentials, gate, offer, reads, verdict};
use std::thread;

/// What a parser and the gate may use, buffers included, in code that is not optimised.
const STACK: usize = 64 << 10;

#[test]
fn t4_the_largest_credentials_are_decided_on_a_small_stack() {
    on_a_small_stack(|| {
        let (gate, offer) = (gate(), offer());
        for credential in credentials() {
            let decision = credential.decide(&gate, &offer);
            assert_eq!(verdict(&decision), credential.verdict, "{}", credential.name);
        }
    });
}

#[test]
fn t4_the_longest_challenges_are_read_on_a_small_stack() {
    on_a_small_stack(|| {
        for (line, found) in challenges() {
            let (mut text, mut bytes) = (vec![0; 2 * MAX_LEN], vec![0; MAX_LEN]);
            assert_eq!(reads(&line, &mut text, &mut bytes), found, "{}", line.len());
        }
    });
}

/// The control: a stack that is used up ends the process, so that the tests above could fail.
#[test]
fn the_small_stack_can_be_used_up() {
    let itself = std::env::current_exe().unwrap();
    let child =
        std::process::Command::new(itself).args(["--ignored", "--exact", "uses_the_stack_up"]).output().unwrap();
    assert_eq!(child.status.code(), None, "ended by a signal");
    assert!(String::from_utf8_lossy(&child.stderr).contains("stack overflow"));
}

#[test]
#[ignore = "ends the process: `the_small_stack_can_be_used_up` runs it in one of its own"]
fn uses_the_stack_up() {
    fn nested(depth: usize) -> usize {
        let frame = core::hint::black_box([depth; 64]);
        if depth == 0 { 0 } else { nested(depth - 1) + frame[0] }
    }
    on_a_small_stack(|| assert!(nested(4 * STACK / size_of::<[usize; 64]>()) > 0));
}

fn on_a_small_stack(work: fn()) {
    thread::Builder::new().stack_size(STACK).spawn(work).unwrap().join().unwrap();
}

//! Answers that were paid for and lost: the gateway is asked for them before anything is bought.

use crate::gateway::Gateway;
use crate::process::{Machine, text};
use core::time::Duration;
use std::process::Output;
use tokio::io::AsyncReadExt;

/// Runs the command and kills it once the first half of the answer has come.
async fn killed(machine: &Machine, args: &[&str]) {
    let mut child = machine.start(args);
    let (mut out, mut read) = (child.stdout.take().unwrap(), Vec::new());
    while !read.starts_with(b"first ") {
        read.push(out.read_u8().await.unwrap());
    }
    child.kill().await.unwrap(); // SIGKILL
}

fn is(output: &Output, exit: i32, out: &str, told: &str) {
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!((output.status.code(), stdout), (Some(exit), out), "{stderr}");
    assert!(stderr.contains(told), "{stderr}");
}

const AGAIN: &str = "paid nothing: the server gave the answer of an earlier call again";
const NOT_KEPT: &str =
    "an earlier call of this request paid, and its answer was lost: the server does not give it again\npaid 21 sat";

#[tokio::test]
async fn s4_a_body_that_breaks_off_is_asked_for_once_more_and_paid_once() {
    for args in [&["get"][..], &["get", "-d", "seed"]] {
        let machine = Machine::new().await;
        let gateway = Gateway::open(&machine.payee, 1, true).await;
        gateway.may_end(2);
        let url = gateway.through_a_bad_line(1).await;
        is(&machine.run(&[args, &[&url]].concat()).await, 0, "first 1 last", "paid 21 sat");
        assert_eq!((gateway.calls(), machine.wallet.payments_sent()), (1, 1), "{args:?}");
        is(&machine.run(&[args, &[&url]].concat()).await, 0, "first 2 last", "paid 21 sat");
    }
}

#[tokio::test]
async fn s4_killed_in_the_middle_it_gets_the_whole_next_time_and_pays_once() {
    for args in [&["get"][..], &["get", "-d", "seed"], &["get", "-d", "seed", "-H", "Idempotency-Key: mine"]] {
        let machine = Machine::new().await;
        let gateway = Gateway::open(&machine.payee, 1, true).await;
        let url = gateway.url();
        let args = [args, &[&url]].concat();
        killed(&machine, &args).await;
        gateway.may_end(1);
        is(&machine.run(&args).await, 0, "first 1 last", AGAIN);
        assert_eq!((gateway.calls(), machine.wallet.payments_sent()), (1, 1), "{args:?}");
    }
}

#[tokio::test]
async fn s4_what_was_lost_takes_no_other_use_of_a_bundle() {
    let machine = Machine::new().await;
    let gateway = Gateway::open(&machine.payee, 2, true).await;
    let url = gateway.url();
    killed(&machine, &["get", &url]).await;
    gateway.may_end(2);
    is(&machine.run(&["get", &url]).await, 0, "first 1 last", AGAIN);
    is(&machine.run(&["get", &url]).await, 0, "first 2 last", "0 uses of the token left");
    assert_eq!((gateway.calls(), machine.wallet.payments_sent()), (2, 1));
}

#[tokio::test]
async fn s4_another_request_does_not_take_what_a_lost_one_is_asked_for_with() {
    let machine = Machine::new().await;
    let gateway = Gateway::open(&machine.payee, 1, true).await;
    let (url, other) = (gateway.url() + "?a", gateway.url() + "?b");
    killed(&machine, &["get", &url]).await;
    gateway.may_end(2);
    is(&machine.run(&["get", &other]).await, 0, "first 2 last", "paid 21 sat");
    is(&machine.run(&["get", &url]).await, 0, "first 1 last", AGAIN);
    assert_eq!((gateway.calls(), machine.wallet.payments_sent()), (2, 2));
}

#[tokio::test]
async fn s4_what_is_only_under_way_is_not_taken_for_lost() {
    let machine = Machine::new().await;
    let gateway = Gateway::open(&machine.payee, 2, true).await;
    let url = gateway.url();
    let args = ["get", "-d", "seed", &url];
    let first = machine.start(&args);
    while gateway.calls() < 1 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let second = machine.start(&args);
    while gateway.calls() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    gateway.may_end(2);
    for child in [first, second] {
        assert_eq!(child.wait_with_output().await.unwrap().status.code(), Some(0));
    }
    assert_eq!((gateway.calls(), machine.wallet.payments_sent()), (2, 1));
}

#[tokio::test]
async fn a9_where_nothing_is_kept_another_is_bought_by_the_next_call_which_says_so() {
    for args in [&["get"][..], &["get", "-d", "seed"]] {
        let machine = Machine::new().await;
        let gateway = Gateway::open(&machine.payee, 1, false).await;
        gateway.may_end(2);
        let url = gateway.through_a_bad_line(1).await;
        let args = [args, &[&url]].concat();
        let lost = machine.run(&args).await;
        assert_eq!((lost.status.code(), machine.wallet.payments_sent()), (Some(3), 1), "{}", text(&lost.stderr));
        let dear = machine.run(&[&args[..], &["--max-price", "1 sat"]].concat()).await;
        assert_eq!((dear.status.code(), machine.wallet.payments_sent()), (Some(6), 1), "{}", text(&dear.stderr));
        let bought = machine.run(&args).await;
        assert_eq!((bought.status.code(), machine.wallet.payments_sent()), (Some(0), 2), "{}", text(&bought.stderr));
    }
    let machine = Machine::new().await;
    let gateway = Gateway::open(&machine.payee, 1, false).await;
    killed(&machine, &["get", &gateway.url()]).await;
    gateway.may_end(2);
    is(&machine.run(&["get", &gateway.url()]).await, 0, "first 2 last", NOT_KEPT);
    assert_eq!(machine.wallet.payments_sent(), 2);
}

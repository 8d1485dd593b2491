//! A5: budgets hold over processes, and say what is left.

use crate::process::{Machine, text};
use l402_lightning::testing::FakeFault;
use std::process::Output;
use tokio::process::Child;

async fn done(machine: &Machine, args: &[&str]) -> String {
    let output = machine.run(args).await;
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

async fn get(machine: &Machine, path: &str, budget: &str) -> Output {
    machine.run(&["get", &machine.shop.url(path), "--budget", budget, "--max-fee", "4 sat"]).await
}

#[tokio::test]
async fn a5_twenty_processes_spend_no_more_than_their_budget() {
    let machine = Machine::new().await;
    done(&machine, &["budget", "new", "top", "--total", "110 sat"]).await;
    done(&machine, &["budget", "new", "below", "--of", "top", "--total", "1000 sat", "--expires", "7d"]).await;
    let urls: Vec<String> = (0..20).map(|number| machine.shop.url(&format!("/n{number}"))).collect();
    let begin = |url: &String| machine.start(&["get", url, "--budget", "below", "--max-fee", "4 sat"]);
    let running: Vec<Child> = urls.iter().map(begin).collect();
    let mut paid = 0;
    for process in running {
        let output = process.wait_with_output().await.unwrap();
        let told = text(&output.stderr);
        match output.status.code() {
            Some(0) => paid += 1,
            Some(9) => assert!(told.contains("not paid: top: ") && told.contains("of 110 sat in total"), "{told}"),
            other => panic!("{other:?}: {told}"),
        }
    }
    assert!((1..=5).contains(&paid), "{paid}");
    for url in &urls {
        let output = machine.run(&["get", url, "--budget", "below", "--max-fee", "4 sat"]).await;
        assert!(matches!(output.status.code(), Some(0 | 9)), "{}", text(&output.stderr));
    }
    assert_eq!(machine.wallet.payments_sent(), 5, "105 sat and the most that a sixth costs are more than 110 sat");
    assert!(
        done(&machine, &["budget", "list"]).await.contains("top\tbelow main\t105 sat of 110 sat spent\t0 sat reserved")
    );
}

#[tokio::test]
async fn a5_a_payment_without_an_outcome_stays_reserved() {
    let machine = Machine::new().await;
    done(&machine, &["budget", "new", "research", "--per-hour", "40 sat"]).await;
    machine.wallet.misbehave(FakeFault::LoseOutcome);
    assert_eq!(get(&machine, "/weather", "research").await.status.code(), Some(8));
    machine.wallet.behave();
    let refused = get(&machine, "/elsewhere", "research").await;
    assert_eq!(refused.status.code(), Some(9));
    let told = text(&refused.stderr);
    assert!(
        told.contains("research: 25 of 40 sat this hour; this call costs 21 sat, and up to 4 sat of fees"),
        "{told}"
    );
    assert_eq!(get(&machine, "/weather", "research").await.status.code(), Some(0), "it was paid");
    let told = done(&machine, &["budget", "show", "research"]).await;
    assert!(told.contains("\nhour\t21 sat of 40 sat\n"), "{told}");
    let refused = get(&machine, "/elsewhere", "research").await;
    assert!(text(&refused.stderr).contains("; free again in 60 min") || text(&refused.stderr).contains("in 1 h"));
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a5_a_frozen_budget_stops_payments_and_no_kept_token() {
    let machine = Machine::new().await;
    assert_eq!(get(&machine, "/weather", "main").await.status.code(), Some(0));
    done(&machine, &["budget", "freeze", "main"]).await;
    assert_eq!(get(&machine, "/weather", "main").await.status.code(), Some(0), "it is paid for");
    let refused = machine.run(&["get", &machine.shop.url("/elsewhere")]).await;
    assert_eq!(refused.status.code(), Some(9), "without a name it is the first budget that pays");
    assert!(text(&refused.stderr).contains("main: this budget is frozen"), "{}", text(&refused.stderr));
    done(&machine, &["budget", "thaw", "main"]).await;
    assert_eq!(get(&machine, "/elsewhere", "main").await.status.code(), Some(0));
}

#[tokio::test]
async fn wrong_names_are_wrong_usage() {
    let machine = Machine::new().await;
    for args in [
        &["budget", "show", "nobody"][..],
        &["budget", "new", "a", "--of", "nobody"],
        &["budget", "new", "main"],
        &["budget", "new", "a b"],
        &["budget", "new", "a", "--total", "5"],
        &["budget", "remove", "main"],
        &["get", "http://127.0.0.1:1/", "--budget", "nobody"],
    ] {
        let output = machine.run(args).await;
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", text(&output.stderr));
    }
    assert_eq!(done(&machine, &["policy", "clock", "accept"]).await, "the system clock agrees with the record\n");
}

//! Breakers and confirmations over processes: what one stops is stopped in all, and what waits is paid once it is confirmed.

use crate::process::{Machine, text};
use core::time::Duration;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use tokio::process::Child;

async fn done(machine: &Machine, args: &[&str]) -> String {
    let output = machine.run(args).await;
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

async fn require_confirmation(machine: &Machine) {
    done(machine, &["policy", "breaker", "set", "require-confirmation", "--all"]).await;
}

/// Waits until a payment waits for a confirmation, and returns its id.
async fn pending(machine: &Machine) -> String {
    loop {
        let told = done(machine, &["policy", "pending"]).await;
        if let Some((id, rest)) = told.split_once('\t') {
            assert!(rest.starts_with("21 sat\tmain\tGET http://127.0.0.1:"), "{told}");
            return id.to_owned();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn ended(process: Child) -> Output {
    process.wait_with_output().await.unwrap()
}

#[tokio::test]
async fn a5_a_payment_waits_for_its_owner_in_another_process() {
    let machine = Machine::new().await;
    require_confirmation(&machine).await;
    let waiting = machine.start(&["get", &machine.shop.url("/weather")]);
    let id = pending(&machine).await;
    assert_eq!(machine.wallet.payments_sent(), 0);
    let reserved = done(&machine, &["budget", "show", "main"]).await;
    assert!(reserved.contains("\t0 sat reserved"), "nothing is held meanwhile: {reserved}");
    done(&machine, &["policy", "approve", &id]).await;
    let paid = ended(waiting).await;
    assert_eq!((paid.status.code(), text(&paid.stdout)), (Some(0), "GET weather "), "{}", text(&paid.stderr));
    assert!(text(&paid.stderr).contains(&format!("`l402 policy approve {id}` gives it")), "{}", text(&paid.stderr));
    assert_eq!(machine.wallet.payments_sent(), 1);
    assert_eq!(machine.run(&["policy", "approve", &id]).await.status.code(), Some(2), "it was answered");
    assert_eq!(machine.run(&["get", &machine.shop.url("/weather")]).await.status.code(), Some(0), "it is kept");
}

#[tokio::test]
async fn a5_a_payment_that_is_denied_is_not_made_and_neither_is_a_killed_one() {
    let machine = Machine::new().await;
    require_confirmation(&machine).await;
    let url = machine.shop.url("/weather");
    let mut waiting = machine.start(&["get", &url]);
    let id = pending(&machine).await;
    waiting.kill().await.unwrap(); // SIGKILL
    done(&machine, &["policy", "approve", &id]).await; // nobody is left to use it
    let again = machine.start(&["get", &url]);
    let id = pending(&machine).await;
    done(&machine, &["policy", "deny", &id]).await;
    let denied = ended(again).await;
    assert_eq!(denied.status.code(), Some(9), "{}", text(&denied.stderr));
    let told = text(&denied.stderr);
    assert!(told.contains("needs its owner's confirmation, as its owner has set it; the answer was no"), "{told}");
    assert_eq!(machine.wallet.payments_sent(), 0);
}

#[tokio::test]
async fn a5_limits_hold_after_a_confirmation() {
    let machine = Machine::new().await;
    require_confirmation(&machine).await;
    let waiting = machine.start(&["get", &machine.shop.url("/weather")]);
    let id = pending(&machine).await;
    done(&machine, &["budget", "freeze", "main"]).await;
    done(&machine, &["policy", "approve", &id]).await;
    let refused = ended(waiting).await;
    assert_eq!(refused.status.code(), Some(9));
    assert!(text(&refused.stderr).contains("main: this budget is frozen"), "{}", text(&refused.stderr));
    assert_eq!(machine.wallet.payments_sent(), 0);
}

#[tokio::test]
async fn a5_a_frozen_breaker_stops_requests_in_every_process_until_its_owner_resets_it() {
    let machine = Machine::new().await;
    let (url, origin) = (machine.shop.url("/weather"), machine.shop.url(""));
    assert_eq!(machine.run(&["get", &url]).await.status.code(), Some(0));
    done(&machine, &["policy", "breaker", "set", "read-only", &origin]).await;
    assert_eq!(machine.run(&["get", &url]).await.status.code(), Some(0), "a kept token");
    assert_eq!(machine.run(&["get", &machine.shop.url("/free")]).await.status.code(), Some(0));
    assert_eq!(machine.run(&["get", &machine.shop.url("/elsewhere")]).await.status.code(), Some(9));
    done(&machine, &["policy", "breaker", "freeze", &origin]).await;
    for path in ["/weather", "/free", "/elsewhere"] {
        let refused = machine.run(&["get", &machine.shop.url(path)]).await;
        assert_eq!(refused.status.code(), Some(9), "{path}");
        let told = text(&refused.stderr);
        assert!(told.contains(&format!("{origin}: frozen, as its owner has set it")), "{told}");
        assert!(told.contains(&format!("`l402 policy breaker reset {origin}`")), "{told}");
    }
    let shown = done(&machine, &["policy", "breaker", "show", "--json"]).await;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&shown[0]["mode"], &shown[0]["origin"]), (&"frozen".into(), &origin.as_str().into()));
    done(&machine, &["policy", "breaker", "reset", &origin]).await;
    assert_eq!(machine.run(&["get", &machine.shop.url("/elsewhere")]).await.status.code(), Some(0));
    assert_eq!(done(&machine, &["policy", "breaker", "show"]).await, "");
}

#[tokio::test]
async fn a9_a_server_that_refuses_what_it_sold_trips_its_breaker() {
    let machine = Machine::new().await;
    let origin = machine.shop.url("");
    assert_eq!(machine.run(&["get", &machine.shop.url("/never")]).await.status.code(), Some(4));
    let shown = done(&machine, &["policy", "breaker", "show"]).await;
    let expected = format!("{origin}\tread-only\tsince it did not accept what was bought for 21 sat\tends in 10m\n");
    assert_eq!(shown, expected);
    assert_eq!(machine.wallet.payments_sent(), 1);
}

/// Writes a policy with a hook that ends so, and a command that hears of everything.
async fn write_policy(machine: &Machine, hook_ends: u8) {
    done(machine, &["budget", "list"]).await; // makes the directory
    let path = |name: &str| machine.folder.path().join(name).display().to_string();
    let (question, alerts) = (path("question"), path("alerts"));
    let text = format!(
        "unlisted = 'allow'\n[confirm]\nabove = '10 sat'\nhook = ['/bin/sh', '-c', 'cat > {question}; exit {hook_ends}']\n\
         [alerts]\ncommand = ['/bin/sh', '-c', 'cat >> {alerts}']\n"
    );
    let policy = machine.data().join("policy.toml");
    std::fs::write(&policy, text).unwrap();
    std::fs::set_permissions(policy, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn a5_the_owners_hook_confirms_and_hears_what_happens() {
    let machine = Machine::new().await;
    write_policy(&machine, 0).await;
    let paid = machine.run(&["get", &machine.shop.url("/weather")]).await;
    assert_eq!(paid.status.code(), Some(0), "{}", text(&paid.stderr));
    let read = |name: &str| std::fs::read_to_string(machine.folder.path().join(name)).unwrap();
    let question: serde_json::Value = serde_json::from_str(&read("question")).unwrap();
    assert_eq!((&question["amount_msat"], &question["path"]), (&21_000.into(), &"/weather".into()));
    assert!(read("alerts").contains("\"event\":\"confirmation_needed\""), "{}", read("alerts"));
    write_policy(&machine, 1).await; // it is read again
    let denied = machine.run(&["get", &machine.shop.url("/elsewhere")]).await;
    assert_eq!(denied.status.code(), Some(9));
    assert!(text(&denied.stderr).contains("as every payment of more than 10 sat does; the answer was no"));
    assert_eq!(machine.wallet.payments_sent(), 1);
    let refused = machine.run(&["get", &machine.shop.url("/never"), "--buy-again"]).await;
    assert_eq!(refused.status.code(), Some(9), "no flag confirms");
}

//! A5: the owner's policy over processes: what it does not allow is not requested, and one that cannot be used stops everything.

use crate::process::{Machine, text};
use std::fs;
use std::os::unix::fs::PermissionsExt;

impl Machine {
    fn policy(&self, contents: &str) {
        let path = self.data().join("policy.toml");
        fs::create_dir_all(self.data()).unwrap();
        fs::set_permissions(self.data(), fs::Permissions::from_mode(0o700)).unwrap();
        fs::write(&path, contents).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn origin(&self) -> String {
        self.shop.url("")
    }
}

/// Runs a command, and returns its exit code, what it printed and what it said.
async fn run(machine: &Machine, args: &[&str]) -> (i32, String, String) {
    let output = machine.run(args).await;
    (output.status.code().unwrap(), text(&output.stdout).to_owned(), text(&output.stderr).to_owned())
}

#[tokio::test]
async fn a5_what_the_policy_does_not_allow_is_not_requested_and_not_paid() {
    let machine = Machine::new().await;
    let (url, free) = (machine.shop.url("/weather"), machine.shop.url("/free"));
    for policy in ["unlisted = 'deny'", "", &format!("deny = ['{}']", machine.origin())] {
        machine.policy(policy);
        for args in [["get", &url], ["get", &free], ["get", "--dry-run"]] {
            let args = if args[1] == "--dry-run" { vec!["get", "--dry-run", &url] } else { args.to_vec() };
            let (code, _, told) = run(&machine, &args).await;
            assert_eq!(code, 9, "{policy} {args:?}: {told}");
        }
    }
    assert_eq!(machine.shop.requests(), 0, "free requests, too");
    machine.policy(&format!("[[allow]]\norigins = ['{}']\nmax_per_call = '20 sat'", machine.origin()));
    let (code, _, told) = run(&machine, &["get", &url]).await;
    assert_eq!(code, 9, "{told}");
    assert!(told.contains("the call costs 21 sat, and the policy allows 20 sat at this origin"), "{told}");
    let (code, shown, told) = run(&machine, &["get", "--dry-run", &url]).await;
    assert_eq!(code, 0, "{told}");
    assert!(shown.contains("the policy allows 20 sat at this origin"), "{shown}");
    assert_eq!(machine.wallet.payments_sent(), 0);
    machine.policy(&format!("[[allow]]\norigins = ['{}']\nmax_per_call = '21 sat'", machine.origin()));
    let (code, body, told) = run(&machine, &["get", &url]).await;
    assert_eq!((code, body.as_str()), (0, "GET weather "), "{told}");
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a5_a_policy_that_cannot_be_used_stops_everything() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/weather");
    let path = machine.data().join("policy.toml");
    for (policy, mode, part) in [
        ("unlistd = 'allow'", 0o600, "did you mean `unlisted`?"),
        ("unlisted = 'allow'", 0o644, "run `chmod 600` on it"),
        ("[[allow]]\norigins = ['https://a', '*://a:*']", 0o600, "an origin may match one entry only"),
        ("[[allow]]\norigins = ['https://a']\nmax_per_call = '-1 sat'", 0o600, "policy.toml:3: allow.max_per_call"),
    ] {
        machine.policy(policy);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        for args in [&["get", &url][..], &["policy", "check"], &["policy", "show"]] {
            let (code, _, told) = run(&machine, args).await;
            assert_eq!(code, 9, "{args:?}: {told}");
            assert!(told.contains(part), "{told}");
        }
    }
    let (code, _, told) = run(&machine, &["get", &url, "--policy", "missing.toml"]).await;
    assert_eq!(code, 9, "{told}");
    assert_eq!((machine.shop.requests(), machine.wallet.payments_sent()), (0, 0));
}

#[tokio::test]
async fn a_policy_is_shown_and_checked() {
    let machine = Machine::new().await;
    let (_, shown, _) = run(&machine, &["policy", "show"]).await;
    assert!(shown.contains("every origin is allowed"), "{shown}");
    machine.policy("deny = ['*://*.bad:*']\n[[allow]]\norigins = ['https://a.example']\nbudgets = ['research']");
    let (_, path, _) = run(&machine, &["policy", "path"]).await;
    assert_eq!(path.trim_end(), machine.data().join("policy.toml").display().to_string());
    let (_, shown, _) = run(&machine, &["policy", "show"]).await;
    assert_eq!(shown, "deny\t*://*.bad:*\nallow\thttps://a.example\tbudgets research\nother origins\task\n");
    let (_, json, _) = run(&machine, &["policy", "show", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["unlisted"], &json["allow"][0]["budgets"][0]), (&"ask".into(), &"research".into()), "{json}");
    let (code, told, _) = run(&machine, &["policy", "check"]).await;
    assert_eq!(code, 0, "{told}");
    assert!(told.contains("can be used: 1 entries that allow, 1 patterns that deny, other origins: ask"), "{told}");
}

#[tokio::test]
async fn a5_limits_are_changed_and_a_budget_smaller_than_one_fee_pays_nothing() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/weather");
    run(&machine, &["budget", "new", "small", "--total", "5 sat"]).await;
    let get = ["get", &url, "--budget", "small"];
    let (code, _, told) = run(&machine, &get).await;
    assert_eq!(code, 9, "{told}");
    assert!(told.contains("small: 0 of 5 sat in total; this call costs 21 sat, and up to 10 sat of fees"), "{told}");
    let (code, _, told) = run(&machine, &["budget", "set", "small", "--total", "21 sat", "--max-fee", "0 sat"]).await;
    assert_eq!(code, 0, "{told}");
    let (code, _, told) = run(&machine, &get).await;
    assert_eq!(code, 0, "the command asks for no more than the budget lets routing cost: {told}");
    let (_, json, _) = run(&machine, &["budget", "show", "small", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["spent_msat"], &json["limits"]["fee_msat"]), (&21_000.into(), &0.into()), "{json}");
    run(&machine, &["budget", "set", "small", "--total", "none", "--unlisted", "0 sat"]).await;
    let (code, _, told) = run(&machine, &["get", &machine.shop.url("/elsewhere"), "--budget", "small"]).await;
    assert_eq!(code, 9, "{told}");
    assert!(told.contains("at all origins that are not listed"), "{told}");
}

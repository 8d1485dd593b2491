//! What is shown, explained and taken out of the kept tokens, and what `--json` prints.

use crate::process::{Machine, text};
use std::process::Output;
use tokio::io::AsyncWriteExt;

async fn fed(machine: &Machine, args: &[&str], input: &[u8]) -> Output {
    let mut child = machine.command(args).stdin(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).await.unwrap();
    child.wait_with_output().await.unwrap()
}

fn object(output: &Output) -> serde_json::Value {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A machine that has bought a bundle, and its URL.
async fn bought() -> (Machine, String) {
    let machine = Machine::new().await;
    let url = machine.shop.url("/bundle");
    assert_eq!(machine.run(&["get", &url]).await.status.code(), Some(0));
    (machine, url)
}

#[tokio::test]
async fn a_kept_token_is_shown_without_its_secrets() {
    let (machine, url) = bought().await;
    let line = text(&machine.run(&["tokens", "export"]).await.stdout).to_owned();
    let (token, preimage) = line.trim().strip_prefix("L402 ").unwrap().rsplit_once(':').unwrap();
    for args in [
        &["tokens", "show"][..],
        &["tokens", "show", &url],
        &["tokens", "show", "--json"],
        &["tokens", "list", "--json"],
    ] {
        let shown = machine.run(args).await;
        let all = text(&shown.stdout);
        assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
        assert!(!all.contains(token) && !all.contains(preimage), "{args:?}: {all}");
    }
    let shown = object(&machine.run(&["tokens", "show", "--json"]).await);
    let listed = object(&machine.run(&["tokens", "list", "--json"]).await);
    assert_eq!(shown["token"], listed["tokens"][0]);
    assert_eq!((&shown["token"]["amount_msat"], &shown["token"]["method"]), (&21_000.into(), &"GET".into()));
    assert_eq!(shown["inspected"]["preimage_matches"], true);
    assert!(shown["token"]["uses_left"].is_u64() && shown["token"]["expires_at"].is_u64(), "{shown}");
    let people = text(&machine.run(&["tokens", "show"]).await.stdout).to_owned();
    assert!(
        people.contains("caveat    services=") && people.contains("unknown   whether the server made it"),
        "{people}"
    );
    let nothing = machine.run(&["tokens", "show", "http://elsewhere.example"]).await;
    assert_eq!(nothing.status.code(), Some(2));
}

#[tokio::test]
async fn any_token_is_explained_and_none_is_repeated() {
    let (machine, _) = bought().await;
    let line = machine.run(&["tokens", "export"]).await.stdout;
    let whole = fed(&machine, &["tokens", "inspect"], &line).await;
    assert!(text(&whole.stdout).contains("proof     the preimage matches the payment"), "{}", text(&whole.stdout));
    let token = text(&line).trim().strip_prefix("L402 ").unwrap().rsplit_once(':').unwrap().0;
    let bare = object(&machine.run(&["tokens", "inspect", token, "--json"]).await);
    assert_eq!((&bare["is_macaroon"], &bare["preimage_matches"]), (&true.into(), &serde_json::Value::Null));
    let wrong = format!("L402 {token}:{}", "07".repeat(32));
    let wrong = object(&fed(&machine, &["tokens", "inspect", "-", "--json"], wrong.as_bytes()).await);
    assert_eq!(wrong["preimage_matches"], false);
    let opaque = object(&fed(&machine, &["tokens", "inspect", "--json"], b"any-other.text\n").await);
    assert_eq!((&opaque["is_macaroon"], &opaque["caveats"]), (&false.into(), &serde_json::json!([])));
    for (args, input) in
        [(&["tokens", "inspect"][..], &b"two words"[..]), (&["tokens", "inspect", text(&line).trim()], b"")]
    {
        let refused = fed(&machine, args, input).await;
        assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(2), ""));
        assert!(!text(&refused.stderr).contains(token), "{}", text(&refused.stderr));
    }
}

#[tokio::test]
async fn what_is_exported_is_imported_and_serves() {
    let (machine, url) = bought().await;
    let origin = machine.shop.url("");
    let line = machine.run(&["tokens", "export", &url]).await;
    let folder = machine.folder.path().join("lnget");
    let folder = folder.to_str().unwrap();
    let written = machine.run(&["tokens", "export", "--lnget", folder]).await;
    assert_eq!(written.status.code(), Some(0), "{}", text(&written.stderr));
    let again = machine.run(&["tokens", "export", "--lnget", folder]).await;
    assert_eq!(again.status.code(), Some(2), "lnget's file stays: {}", text(&again.stderr));
    for from_lnget in [false, true] {
        machine.run(&["tokens", "forget", &origin]).await;
        let imported = if from_lnget {
            machine.run(&["tokens", "import", folder, "--http"]).await
        } else {
            fed(&machine, &["tokens", "import", "-", "--origin", &origin], &line.stdout).await
        };
        assert_eq!(text(&imported.stdout), "imported 1; 0 already known\n", "{}", text(&imported.stderr));
        assert_eq!(machine.run(&["tokens", "export"]).await.stdout, line.stdout, "{from_lnget}");
        assert_eq!(machine.run(&["get", &url]).await.status.code(), Some(0));
    }
    assert_eq!(machine.wallet.payments_sent(), 1);
    let unnamed = fed(&machine, &["tokens", "import", "-"], &line.stdout).await;
    assert_eq!(unnamed.status.code(), Some(2));
    let mixed = [&line.stdout[..line.stdout.len() - 65], "07".repeat(32).as_bytes()].concat();
    let mixed = fed(&machine, &["tokens", "import", "-", "--origin", &origin], &mixed).await;
    assert_eq!(mixed.status.code(), Some(2), "the preimage of another payment: {}", text(&mixed.stderr));
}

#[tokio::test]
async fn payments_are_printed_for_programs() {
    let (machine, _) = bought().await;
    let all = object(&machine.run(&["payments", "list", "--all", "--json"]).await);
    let payment = &all["payments"][0];
    assert_eq!(
        (&payment["outcome"], &payment["amount_msat"], &payment["fee_msat"]),
        (&"paid".into(), &21_000.into(), &0.into())
    );
    let open = object(&machine.run(&["payments", "list", "--json"]).await);
    assert_eq!(open, serde_json::json!({ "payments": [] }));
    let other = machine.shop.url("/weather");
    machine.wallet.misbehave(l402_lightning::testing::FakeFault::LoseOutcome);
    assert_eq!(machine.run(&["get", &other]).await.status.code(), Some(8));
    let open = object(&machine.run(&["payments", "list", "--json"]).await);
    assert_eq!(
        (&open["payments"][0]["outcome"], &open["payments"][0]["path"]),
        (&"unknown".into(), &"/weather".into())
    );
    machine.wallet.behave();
    let resolved = object(&machine.run(&["payments", "resolve", "--json"]).await);
    assert_eq!(
        (&resolved["payments"][0]["finding"], &resolved["payments"][0]["why"]),
        (&"paid".into(), &serde_json::Value::Null)
    );
}

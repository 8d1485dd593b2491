//! What the command says of itself: why it pays (`--explain`), what is wrong (`doctor`), which wallet it chose (`--wallet auto`), and how
//! it goes on with a file (`-C -`).

use crate::process::{Machine, text};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn steps(stderr: &str) -> Vec<Value> {
    let events = stderr.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|event| event["event"] == "explain").collect()
}

#[tokio::test]
async fn a_payment_is_explained_step_by_step() {
    let machine = Machine::new().await;
    let url = machine.shop.url("/bundle");
    let got = machine.run(&["get", "--explain", "--json", &url]).await;
    assert_eq!(got.status.code(), Some(0), "{}", text(&got.stderr));
    let told = steps(text(&got.stderr));
    let names: Vec<_> = told.iter().map(|step| step["step"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["limits", "policy", "budget", "kept", "sent", "answered", "asked", "sent", "answered", "opened"],
        "{}",
        text(&got.stderr)
    );
    assert_eq!(
        (&told[0]["max_price_msat"], &told[1]["verdict"], &told[2]["name"]),
        (&100_000.into(), &"absent".into(), &"main".into())
    );
    assert_eq!((&told[6]["amount_msat"], &told[7]["payment_hash"]), (&21_000.into(), &told[6]["payment_hash"]));
    assert_eq!((&told[4]["with_token"], &told[9]["credential"]), (&false.into(), &"bought".into()));

    let again = machine.run(&["get", "--explain", &url]).await;
    let again = text(&again.stderr);
    assert!(again.contains("explain: kept: 1 tokens of ") && again.contains("1 of them usable"), "{again}");
    assert!(again.contains("explain: opened: by a kept token, so nothing was paid"), "{again}");
    let secret = machine.run(&["tokens", "export"]).await;
    let secret = text(&secret.stdout).trim().rsplit_once(':').unwrap();
    let all = [text(&got.stderr), again].concat();
    assert!(!all.contains(secret.1) && !all.contains(secret.0.trim_start_matches("L402 ")), "{all}");
}

#[tokio::test]
async fn what_is_not_paid_is_explained_too() {
    let machine = Machine::new().await;
    machine.run(&["budget", "new", "tiny", "--total", "5 sat"]).await;
    let got = machine.run(&["get", "--explain", "--json", "--budget", "tiny", &machine.shop.url("/weather")]).await;
    assert_eq!(got.status.code(), Some(9), "{}", text(&got.stderr));
    let told = steps(text(&got.stderr));
    let tiny = told.iter().find(|step| step["name"] == "tiny").unwrap();
    assert_eq!((&tiny["left_msat"], &tiny["standing"]), (&5_000.into(), &"active".into()));
    assert!(told.iter().any(|step| step["step"] == "asked") && text(&got.stderr).contains("\"event\":\"error\""));
    assert!(told.iter().all(|step| step["step"] != "opened"));
}

async fn findings(machine: &Machine, expected: i32) -> Vec<(String, String)> {
    let output = machine.run(&["doctor", "--json"]).await;
    assert_eq!(output.status.code(), Some(expected), "{}{}", text(&output.stdout), text(&output.stderr));
    let diagnosis: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(diagnosis["ok"], expected == 0);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let found = diagnosis["findings"].as_array().unwrap().iter();
    found.map(|found| (text(&found["check"]), text(&found["level"]))).collect()
}

fn has(findings: &[(String, String)], check: &str, level: &str) -> bool {
    findings.iter().any(|(one, other)| (one.as_str(), other.as_str()) == (check, level))
}

#[tokio::test]
async fn the_doctor_finds_what_was_broken() {
    let machine = Machine::new().await;
    let well = findings(&machine, 0).await;
    assert!(well.iter().all(|(_, level)| level == "ok"), "{well:?}");

    machine.run(&["budget", "new", "idle", "--total", "5 sat"]).await;
    machine.run(&["budget", "freeze", "idle"]).await;
    assert!(has(&findings(&machine, 0).await, "budgets", "warn"));

    let mode = |name: &str, mode: u32| {
        std::fs::set_permissions(machine.data().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    std::fs::write(machine.data().join("policy.toml"), "unknown = 1").unwrap();
    mode("policy.toml", 0o600);
    assert!(has(&findings(&machine, 1).await, "policy", "fail"));
    std::fs::remove_file(machine.data().join("policy.toml")).unwrap();

    mode("", 0o755);
    assert!(has(&findings(&machine, 0).await, "data", "warn"));
    mode("", 0o700);
    mode("store.sqlite", 0o644);
    let exposed = findings(&machine, 1).await;
    assert!(has(&exposed, "data", "fail") && has(&exposed, "store", "fail"), "{exposed:?}");
    mode("store.sqlite", 0o600);

    let elsewhere = machine.command(&["doctor"]).env("L402_AGENT", "unix:/does/not/exist").output().await.unwrap();
    assert_eq!(elsewhere.status.code(), Some(1));
    assert!(text(&elsewhere.stdout).contains("fail\tbroker\t"), "{}", text(&elsewhere.stdout));
    std::fs::remove_file(machine.folder.path().join("sandbox.json")).unwrap();
    assert!(has(&findings(&machine, 1).await, "wallet", "fail"));
    assert_eq!(machine.wallet.payments_sent(), 0);
}

#[cfg(feature = "nwc")]
#[tokio::test]
async fn a5_no_variable_makes_auto_choose_real_money() {
    let machine = Machine::new().await;
    let mut command = machine.command(&["get", "--wallet", "auto", &machine.shop.url("/weather")]);
    let got =
        command.env("NWC_URI", "nostr+walletconnect://x").env("LND_SOCKET", "127.0.0.1:1").output().await.unwrap();
    assert_eq!(got.status.code(), Some(0), "{}", text(&got.stderr));
    assert!(text(&got.stderr).starts_with("wallet: sandbox: "), "{}", text(&got.stderr));
    assert_eq!(machine.wallet.payments_sent(), 1);
}

/// Serves one file in two pieces, and notes what it is asked.
async fn broken(version: &'static str) -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/file", listener.local_addr().unwrap());
    let asked = std::sync::Arc::<std::sync::Mutex<Vec<String>>>::default();
    let seen = std::sync::Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                head.push(byte);
            }
            let head = String::from_utf8(head).unwrap().to_ascii_lowercase();
            let field =
                |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("none").trim().to_owned();
            let (range, if_range) = (field("range:"), field("if-range:"));
            seen.lock().unwrap().push(format!("{range} {if_range}"));
            let answer = match (range.as_str(), if_range == version) {
                ("none", _) => "HTTP/1.1 200 OK\r\nETag: \"one\"\r\nContent-Length: 10\r\n\r\n01234".to_owned(),
                (_, true) => "HTTP/1.1 206 Partial\r\nETag: \"one\"\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\n56789".to_owned(),
                (_, false) => "HTTP/1.1 200 OK\r\nETag: \"two\"\r\nContent-Length: 10\r\n\r\nabcdefghij".to_owned(),
            };
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, asked)
}

#[tokio::test]
async fn what_broke_off_goes_on_only_with_the_same_version() {
    for (version, whole) in [("\"one\"", "0123456789"), ("\"two\"", "abcdefghij")] {
        let machine = Machine::new().await;
        let (url, asked) = broken(version).await;
        let file = machine.folder.path().join("file");
        let path = file.to_str().unwrap();
        let first = machine.run(&["-C", "-", "-o", path, &url]).await;
        assert_eq!(first.status.code(), Some(3), "{}", text(&first.stderr));
        assert_eq!(std::fs::read(&file).unwrap(), b"01234");
        let next = machine.run(&["-C", "-", "-o", path, &url]).await;
        assert_eq!(next.status.code(), Some(0), "{}", text(&next.stderr));
        assert_eq!(text(&std::fs::read(&file).unwrap()), whole);
        assert!(
            text(&next.stderr).contains("continuing at byte 5; this can take a use of the token"),
            "{}",
            text(&next.stderr)
        );
        assert_eq!(asked.lock().unwrap().as_slice(), ["none none", "bytes=5- \"one\""]);
        assert!(!machine.folder.path().join("file.l402-part").exists());
        let whole = machine.run(&["-C", "-", "-o", path, &url]).await;
        assert_eq!(whole.status.code(), Some(2), "{}", text(&whole.stderr));
        assert_eq!(asked.lock().unwrap().len(), 2, "nothing is asked, so nothing is used");
    }
}

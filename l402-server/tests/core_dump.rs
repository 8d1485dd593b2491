//! What is in the gateway's memory must not land in a file.
#![cfg(target_os = "linux")]

use core::time::Duration;
use std::fs;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The system's words for the limits of a process.
fn core_limits(id: u32) -> Option<[String; 2]> {
    let limits = fs::read_to_string(format!("/proc/{id}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size"))?.to_owned();
    let mut words = line.split_whitespace().map(str::to_owned);
    Some([words.next()?, words.next()?])
}

#[tokio::test]
async fn o2_the_gateway_leaves_no_core_dump() {
    let folder = tempfile::tempdir().unwrap();
    let mut gateway = Command::new(env!("CARGO_BIN_EXE_l402-server"))
        .env_clear()
        .env("UPSTREAM_URL", "http://127.0.0.1:1")
        .env("L402_LISTEN", "127.0.0.1:0")
        .env("L402_SERVER_DATA_DIR", folder.path().join("data"))
        .env("L402_SANDBOX", folder.path().join("sandbox.json"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    let is_off = loop {
        let limits = core_limits(gateway.id());
        if limits.as_ref().is_some_and(|[soft, hard]| soft == "0" && hard == "0") {
            break true;
        }
        if Instant::now() > deadline || gateway.try_wait().unwrap().is_some() {
            break false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    gateway.kill().unwrap();
    gateway.wait().unwrap();
    assert!(is_off, "a core dump could be written");
}

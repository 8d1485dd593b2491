//! The MCP server under clients of somebody else's making: the official ones in Python and TypeScript, and the inspector.
//!
//! `just mcp` installs them, and says where they are.

use crate::mcp::funded;
use crate::process::{Machine, text};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Output;
use tokio::process::Command;

/// The command of the server, which may reach the shop.
fn server(shop: &str) -> [&str; 6] {
    [env!("CARGO_BIN_EXE_l402"), "mcp", "--budget", "research", "--allow-address", shop.trim_start_matches("http://")]
}

/// A program of the given environment variable's folder.
fn program(variable: &str, name: &str) -> PathBuf {
    PathBuf::from(std::env::var_os(variable).unwrap_or_else(|| panic!("`just mcp` sets {variable}"))).join(name)
}

async fn run(machine: &Machine, program: PathBuf, args: &[&str]) -> Output {
    let mut command = machine.command(&[]);
    let environment: Vec<_> =
        command.as_std().get_envs().map(|(name, value)| (name.to_owned(), value.map(ToOwned::to_owned))).collect();
    command = Command::new(program);
    for (name, value) in environment {
        command.env(name, value.unwrap_or_default());
    }
    command.args(args).output().await.unwrap()
}

fn shown(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}{}", text(&output.stdout), text(&output.stderr)))
}

fn script(name: &str) -> String {
    format!("{}/tests/mcp/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// What each client must have seen.
fn is_as_it_should_be(seen: &Value, paid_msat: u64) {
    assert_eq!(seen["tools"], json!(["fetch", "preview", "budget", "purchases"]), "{seen}");
    assert_eq!(seen["preview"]["structured"]["price_msat"], 21_000, "{seen}");
    let fetched = &seen["fetch"];
    assert_eq!((&fetched["error"], &fetched["structured"]["paid_msat"]), (&json!(false), &json!(paid_msat)), "{seen}");
    assert_eq!(fetched["structured"]["untrusted_from_server"]["body"], "GET weather ", "{seen}");
    assert_eq!(seen["budget"]["structured"]["spent_msat"], 21_000, "{seen}");
    assert_eq!(seen["purchases"]["structured"]["purchases"].as_array().map(Vec::len), Some(1), "{seen}");
    assert_eq!(seen["refused"]["error"], true, "{seen}");
    assert!(seen["refused"]["text"].as_str().unwrap().contains("invalid_url"), "{seen}");
    assert!(!seen["progress"].as_array().unwrap().is_empty(), "{seen}");
}

#[tokio::test]
#[ignore = "needs the official clients: just mcp"]
async fn the_python_client_buys_with_and_without_a_handshake() {
    let machine = funded().await;
    let shop = machine.shop.url("");
    let (url, script) = (machine.shop.url("/weather"), script("client.py"));
    for (mode, paid_msat) in [("auto", 21_000), ("legacy", 0)] {
        let args = [&[script.as_str(), mode, &url], &server(&shop)[..]].concat();
        let seen = shown(&run(&machine, program("L402_MCP_PYTHON", "bin/python"), &args).await);
        println!("{mode}: {}", seen["version"]);
        is_as_it_should_be(&seen, paid_msat);
    }
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
#[ignore = "needs the official clients: just mcp"]
async fn the_typescript_client_buys_and_finds_the_schemas_kept() {
    let machine = funded().await;
    let shop = machine.shop.url("");
    let folder = program("L402_MCP_NODE", "");
    let copy = folder.join("client.mjs"); // beside its packages
    std::fs::copy(script("client.mjs"), &copy).unwrap();
    let url = machine.shop.url("/weather");
    let args = [&[copy.to_str().unwrap(), &url], &server(&shop)[..]].concat();
    is_as_it_should_be(&shown(&run(&machine, folder.join("node_modules/.bin/node"), &args).await), 21_000);
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
#[ignore = "needs the official clients: just mcp"]
async fn the_inspector_lists_and_calls() {
    let machine = funded().await;
    let shop = machine.shop.url("");
    let folder = program("L402_MCP_NODE", "node_modules/.bin");
    let inspector = folder.join("mcp-inspector");
    let url = format!("url={}", machine.shop.url("/weather"));
    // It gives the server an environment of its own.
    let (data, sandbox) = (machine.data(), machine.folder.path().join("sandbox.json"));
    let home = ["--data-dir", data.to_str().unwrap(), "--sandbox", sandbox.to_str().unwrap()];
    let common = [&[inspector.to_str().unwrap(), "--cli"], &server(&shop)[..], &home].concat();
    let listed = [&common[..], &["--method", "tools/list"]].concat();
    let listed = shown(&run(&machine, folder.join("node"), &listed).await);
    assert_eq!(listed["tools"].as_array().map(Vec::len), Some(4), "{listed}");
    let called = [&common[..], &["--method", "tools/call", "--tool-name", "fetch", "--tool-arg", &url]].concat();
    let called = shown(&run(&machine, folder.join("node"), &called).await);
    assert_eq!(called["structuredContent"]["paid_msat"], 21_000, "{called}");
}

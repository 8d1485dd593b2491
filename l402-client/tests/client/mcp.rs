//! The MCP server as a process, spoken to in plain JSON-RPC: what a client of each version sees, and what a model cannot do.

use crate::process::Machine;
use l402_lightning::testing::FakeFault;
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

struct Mcp {
    child: Child,
    to: Option<ChildStdin>,
    from: Lines<BufReader<ChildStdout>>,
    next: u64,
    /// What every request says of its client, in the versions without a handshake.
    meta: Value,
    notes: Vec<Value>,
}

impl Mcp {
    fn start(machine: &Machine, args: &[&str]) -> Self {
        let shop = machine.shop.url("");
        let shop = ["--allow-address", shop.trim_start_matches("http://")];
        let mut child = machine.command(&[&["mcp"], args, &shop].concat()).stdin(Stdio::piped()).spawn().unwrap();
        let to = child.stdin.take();
        let from = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, to, from, next: 0, meta: json!({}), notes: Vec::new() }
    }

    async fn greeted(machine: &Machine, args: &[&str], version: &str) -> Self {
        let mut mcp = Self::start(machine, args);
        let greeting =
            json!({ "protocolVersion": version, "capabilities": {}, "clientInfo": { "name": "test", "version": "1" } });
        let answer = mcp.ask("initialize", greeting).await;
        assert_eq!(answer["result"]["protocolVersion"], version);
        mcp.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await;
        mcp
    }

    async fn send(&mut self, message: &Value) {
        self.to.as_mut().unwrap().write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    async fn begin(&mut self, method: &str, mut params: Value) -> u64 {
        self.next += 1;
        if let Some(meta) = self.meta.as_object().filter(|meta| !meta.is_empty()) {
            params["_meta"] = Value::Object(meta.clone());
        }
        let id = self.next;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await;
        id
    }

    async fn answer(&mut self, id: u64) -> Value {
        loop {
            let line = self.from.next_line().await.unwrap().expect("an answer");
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == id {
                return message;
            }
            self.notes.push(message);
        }
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.begin(method, params).await;
        self.answer(id).await
    }

    async fn call(&mut self, tool: &str, arguments: Value) -> Value {
        self.ask("tools/call", json!({ "name": tool, "arguments": arguments })).await["result"].clone()
    }

    /// Calls a tool that refuses, and returns why.
    async fn refused(&mut self, tool: &str, arguments: Value) -> Value {
        let result = self.call(tool, arguments).await;
        assert_eq!(result["isError"], true, "{result}");
        serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap()
    }

    async fn end(mut self) -> Option<i32> {
        drop(self.to.take());
        self.child.wait().await.unwrap().code()
    }
}

pub(crate) async fn funded() -> Machine {
    let machine = Machine::new().await;
    let made = machine.run(&["budget", "new", "research", "--total", "50 sat"]).await;
    assert_eq!(made.status.code(), Some(0), "{}", String::from_utf8_lossy(&made.stderr));
    machine
}

#[tokio::test]
async fn each_version_buys_and_sees_the_same() {
    let machine = funded().await;
    for version in ["2025-06-18", "2025-11-25"] {
        let mut mcp = Mcp::greeted(&machine, &["--budget", "research"], version).await;
        let tools = mcp.ask("tools/list", json!({})).await;
        let names: Vec<_> = tools["result"]["tools"].as_array().unwrap().iter().map(|tool| &tool["name"]).collect();
        assert_eq!(names, ["fetch", "preview", "budget", "purchases"]);
        let fetched = mcp.call("fetch", json!({ "url": machine.shop.url("/weather") })).await;
        assert_eq!(fetched["structuredContent"]["untrusted_from_server"]["body"], "GET weather ", "{fetched}");
        assert_eq!(mcp.end().await, Some(0));
    }
    // Without a handshake, each request says who asks.
    let mut mcp = Mcp::start(&machine, &["--budget", "research"]);
    mcp.meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let fetched = mcp.call("fetch", json!({ "url": machine.shop.url("/weather") })).await;
    assert_eq!(fetched["structuredContent"]["untrusted_from_server"]["body"], "GET weather ", "{fetched}");
    assert_eq!(fetched["structuredContent"]["paid_msat"], 0, "the first has bought it");
    assert_eq!(mcp.end().await, Some(0));
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn what_was_paid_and_is_left_is_said_and_what_a_server_writes_stands_apart() {
    let machine = funded().await;
    let mut mcp = Mcp::greeted(&machine, &["--budget", "research"], "2025-11-25").await;
    let url = machine.shop.url("/weather");
    let preview = mcp.call("preview", json!({ "url": url })).await["structuredContent"].clone();
    assert_eq!((&preview["price_msat"], &preview["would_pay"]), (&json!(21_000), &json!(true)), "{preview}");
    assert_eq!(machine.wallet.payments_sent(), 0);

    let fetched = mcp.call("fetch", json!({ "url": url })).await["structuredContent"].clone();
    assert_eq!(fetched["verdict"], "HTTP 200; paid 21 sat; the budget has 29 sat left");
    assert_eq!((&fetched["paid_msat"], &fetched["left_msat"]), (&json!(21_000), &json!(29_000)));
    let kept = mcp.call("fetch", json!({ "url": url })).await["structuredContent"].clone();
    assert!(kept["verdict"].as_str().unwrap().starts_with("HTTP 200; served by what an earlier call bought"), "{kept}");

    let budget = mcp.call("budget", json!({})).await["structuredContent"].clone();
    assert_eq!((&budget["name"], &budget["spent_msat"]), (&json!("research"), &json!(21_000)), "{budget}");
    let bought = mcp.call("purchases", json!({ "most": 5 })).await["structuredContent"]["purchases"].clone();
    assert_eq!((&bought[0]["outcome"], &bought[0]["amount_msat"]), (&json!("paid"), &json!(21_000)), "{bought}");
    assert_eq!(bought[0]["untrusted_from_server"]["path"], "/weather");

    let poems = machine.shop.url("/poems");
    let dear = mcp.refused("fetch", json!({ "url": poems, "max_price": "1 sat" })).await;
    assert_eq!((&dear["reason"], &dear["paid_msat"]), (&json!("over_limit"), &json!(0)), "{dear}");
    assert_eq!(machine.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn without_a_budget_it_lists_and_pays_nothing() {
    let machine = Machine::new().await;
    let mut mcp = Mcp::greeted(&machine, &[], "2025-11-25").await;
    let url = machine.shop.url("/weather");
    let refused = mcp.refused("fetch", json!({ "url": url })).await;
    assert_eq!(refused["reason"], "policy", "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("--budget"), "{refused}");
    let preview = mcp.call("preview", json!({ "url": url })).await["structuredContent"].clone();
    assert_eq!((&preview["would_pay"], &preview["price_msat"]), (&json!(false), &json!(21_000)));
    assert_eq!(mcp.call("budget", json!({})).await["structuredContent"]["left_msat"], 0);
    assert_eq!(machine.wallet.payments_sent(), 0);
}

#[tokio::test]
async fn a7_a_model_cannot_set_what_speaks_for_its_owner() {
    let machine = funded().await;
    let mut mcp = Mcp::greeted(&machine, &["--budget", "research"], "2025-11-25").await;
    let url = machine.shop.url("/weather");
    for name in
        ["Host", "authorization", "COOKIE", "Proxy-Authorization", "Macaroon", "Connection", "Transfer-Encoding"]
    {
        let refused = mcp.refused("fetch", json!({ "url": url, "headers": { name: "x" } })).await;
        assert_eq!(refused["reason"], "header_refused", "{name}: {refused}");
    }
    for url in ["file:///etc/passwd", "data:,x", "http://me:secret@127.0.0.1/", "gopher://a/"] {
        assert_eq!(mcp.refused("fetch", json!({ "url": url })).await["reason"], "invalid_url", "{url}");
    }
    for url in [
        "http://127.0.0.1:1/",
        "http://localhost/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://0x7f.1/",
    ] {
        let refused = mcp.refused("fetch", json!({ "url": url })).await;
        let reason = if url.contains("0x") { "invalid_url" } else { "address_refused" };
        assert_eq!(refused["reason"], reason, "{url}: {refused}");
        assert_eq!(mcp.refused("preview", json!({ "url": url })).await["reason"], refused["reason"], "{url}");
    }
    let unsafe_preview = mcp.refused("preview", json!({ "url": url, "method": "POST" })).await;
    assert_eq!(unsafe_preview["reason"], "method_refused");
    for arguments in [json!({}), json!({ "url": 1 }), json!({ "url": url, "insecure": true })] {
        assert_eq!(mcp.refused("fetch", arguments).await["reason"], "invalid_request");
    }
    let unknown = mcp.ask("tools/call", json!({ "name": "pay", "arguments": {} })).await;
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    assert!(machine.shop.seen().is_empty());
}

#[tokio::test]
async fn long_bodies_are_files_within_a_quota() {
    let machine = funded().await;
    let folder = machine.folder.path().join("bodies");
    let args = ["--budget", "research", "--files", folder.to_str().unwrap(), "--quota", "150000"];
    let mut mcp = Mcp::greeted(&machine, &args, "2025-11-25").await;
    let arguments = json!({ "url": machine.shop.url("/weather"), "method": "POST", "body": "x".repeat(100_000) });
    let fetched = mcp.call("fetch", arguments.clone()).await["structuredContent"].clone();
    let from_server = &fetched["untrusted_from_server"];
    assert_eq!(from_server["body"], Value::Null);
    let body = std::fs::read_to_string(from_server["body_file"].as_str().unwrap()).unwrap();
    assert!(body.starts_with("POST weather xxx") && from_server["body_bytes"] == body.len(), "{fetched}");
    let full = mcp.refused("fetch", arguments).await;
    assert!(full["message"].as_str().unwrap().contains("--quota"), "{full}");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "what was begun is removed");
}

#[tokio::test]
async fn progress_is_told_to_who_asks_for_it() {
    let machine = funded().await;
    let mut mcp = Mcp::greeted(&machine, &["--budget", "research"], "2025-11-25").await;
    mcp.call("fetch", json!({ "url": machine.shop.url("/weather") })).await;
    assert!(mcp.notes.is_empty(), "{:?}", mcp.notes);
    mcp.meta = json!({ "progressToken": "mine" });
    mcp.call("fetch", json!({ "url": machine.shop.url("/weather") })).await;
    assert!(mcp.notes.iter().any(|note| note["params"]["progressToken"] == "mine"), "{:?}", mcp.notes);
}

#[tokio::test]
async fn a4_a_client_that_cancels_or_goes_away_loses_no_payment() {
    for goes_away in [false, true] {
        let machine = funded().await;
        let url = machine.shop.url("/weather");
        let mut mcp = Mcp::greeted(&machine, &["--budget", "research"], "2025-11-25").await;
        let till = machine.sandbox.hold().await;
        let id = mcp.begin("tools/call", json!({ "name": "fetch", "arguments": { "url": url } })).await;
        machine.sandbox.is_asked_to_pay().await;
        if goes_away {
            drop(mcp.to.take());
        } else {
            let params = json!({ "requestId": id, "reason": "no longer wanted" });
            mcp.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params })).await;
        }
        drop(till);
        assert_eq!(mcp.end().await, Some(0), "it waits for the payment");
        assert_eq!(machine.wallet.payments_sent(), 1);

        let mut again = Mcp::greeted(&machine, &["--budget", "research"], "2025-11-25").await;
        let fetched = again.call("fetch", json!({ "url": url })).await["structuredContent"].clone();
        assert_eq!((&fetched["status"], &fetched["paid_msat"]), (&json!(200), &json!(0)), "{fetched}");
        assert_eq!(machine.wallet.payments_sent(), 1, "it is not paid for twice");
        assert_eq!(again.end().await, Some(0));
    }
}

#[tokio::test]
async fn a4_an_unknown_payment_is_said_and_not_made_again() {
    let machine = funded().await;
    let mut mcp = Mcp::greeted(&machine, &["--budget", "research"], "2025-11-25").await;
    machine.wallet.misbehave(FakeFault::LoseOutcome);
    let unknown = mcp.refused("fetch", json!({ "url": machine.shop.url("/weather") })).await;
    assert_eq!(unknown["reason"], "payment_unknown", "{unknown}");
    assert_eq!(mcp.call("budget", json!({})).await["structuredContent"]["spent_msat"], 0);
    machine.wallet.behave();
    let found = mcp.call("fetch", json!({ "url": machine.shop.url("/weather") })).await;
    assert_eq!(found["structuredContent"]["status"], 200, "{found}");
    assert_eq!(machine.wallet.payments_sent(), 1);
}

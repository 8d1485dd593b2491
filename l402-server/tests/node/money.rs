//! Money taken out of the gateway's node.

use crate::stand::{Gateway, Stand, json, until};
use core::time::Duration;
use l402_core::Msat;
use l402_lightning::{InvoiceRequest, InvoiceSource as _, SettlementSource as _};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

/// Runs what moves money, and returns what became of it.
fn operation(gateway: &Gateway, words: &[&str]) -> Value {
    let output = gateway.node(words);
    assert!(output.status.success(), "{words:?}: {output:?}");
    json(&output)["operation"].clone()
}

fn done(operation: &Value) -> (bool, String) {
    assert_eq!(operation["outcome"]["state"], "done", "{operation}");
    let reference = operation["outcome"]["reference"].as_str().expect("a reference").to_owned();
    (operation["repeated"].as_bool().expect("a flag"), reference)
}

#[tokio::test(flavor = "multi_thread")]
async fn a4_money_is_taken_out_once_however_often_it_is_asked_for() {
    let stand = Stand::start().await;
    let mut gateway = stand.gateway().serving().await;
    stand.open_channel(&gateway).await;
    let socket = stand.data().join("control/node.sock");
    assert_eq!(fs::metadata(&socket).expect("a socket").permissions().mode() & 0o777, 0o600);

    // On-chain: a plan, a refusal, one payment.
    let address = stand.payer.new_address().await.expect("an address").to_string();
    let plan = json(&gateway.node(&["send", &address, "50000", "--fee-rate", "3", "--dry-run"]))["plan"].to_string();
    assert!(plan.contains("send 50000 sat") && plan.contains("3 sat/vB") && plan.contains("25000 sat"), "{plan}");
    assert_eq!(gateway.node(&["send", &address, "50000"]).status.code(), Some(1), "nobody has confirmed");
    assert_eq!(gateway.node(&["send", &address, "2000000", "--yes"]).status.code(), Some(1), "the reserve is kept");
    let send = ["send", &address, "50000", "--fee-rate", "3", "--yes", "--id", "rent"];
    let (repeated, txid) = done(&operation(&gateway, &send));
    assert!(!repeated);
    assert_eq!(done(&operation(&gateway, &send)), (true, txid.clone()));
    let other = gateway.node(&["send", &address, "50001", "--yes", "--id", "rent"]);
    assert_eq!(other.status.code(), Some(1), "the id belongs to another operation");
    until("the payment", async || paid_on_chain(&stand, &address) == [50_000]).await;

    // Over Lightning.
    let request =
        InvoiceRequest { amount_msat: Msat::new(21_000_000), description: "out", expiry: Duration::from_mins(30) };
    let invoice = stand.payer.create_invoice(request).await.expect("an invoice");
    let pay = ["pay", invoice.bolt11(), "--yes", "--id", "out"];
    let (_, hash) = done(&operation(&gateway, &pay));
    assert_eq!(hash, invoice.payment_hash().to_string());
    assert_eq!(stand.payer.settled_msat(&invoice.payment_hash()).await.expect("known"), Some(Msat::new(21_000_000)));
    assert!(done(&operation(&gateway, &pay)).0);

    // The process ended before the outcomes were recorded: the node is asked.
    until("the wallet to see the payment", async || {
        gateway.facts("balance")["onchain_sat"].as_u64().is_some_and(|left| left < 1_950_000)
    })
    .await;
    gateway.kill();
    let operations = stand.data().join("control/operations");
    let text = fs::read_to_string(&operations).expect("the operations");
    let begun: String = text.lines().filter(|line| line.contains("begun")).flat_map(|line| [line, "\n"]).collect();
    fs::write(&operations, begun).expect("written");
    let mut gateway = stand.gateway().serving().await;
    until("the node to run", async || gateway.facts("info")["health"] == "good").await;
    assert_eq!(done(&operation(&gateway, &send)), (true, txid));
    assert_eq!(done(&operation(&gateway, &pay)), (true, hash));
    assert_eq!(paid_on_chain(&stand, &address), [50_000], "nothing was sent again");

    channels(&stand, &gateway).await;
    let audit = fs::read_to_string(stand.data().join("control/audit.log")).expect("the audit log");
    let lines: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    for call in ["send", "pay", "open", "close", "force-close"] {
        let named = |line: &&Value| line["request"]["call"].get(call).is_some() && line["request"]["dry_run"] == false;
        let before = |line: &&Value| named(line) && line["result"] == "asked for";
        let (all, before) = (lines.iter().filter(named).count(), lines.iter().filter(before).count());
        assert!(before > 0 && all == 2 * before, "{call} has a line before and one after: {before} of {all}");
    }
    assert!(lines.iter().any(|line| line["request"]["call"] == "balance"));
    assert_eq!(gateway.stop().await, 0);
}

/// Opens a channel, closes it, and closes the first one without the peer.
async fn channels(stand: &Stand, gateway: &Gateway) {
    let peer = format!("{}@{}", stand.payer.node_id(), stand.payer_address);
    let open = ["open", &peer, "300000", "--push", "1000", "--yes", "--id", "more"];
    let (_, channel) = done(&operation(gateway, &open));
    assert_eq!(done(&operation(gateway, &open)), (true, channel.clone()));
    let listed = |name: &str| {
        let channels = gateway.facts("channels");
        channels.as_array().expect("a list").iter().find(|entry| entry["channel"] == name).cloned()
    };
    until("the channel", async || listed(&channel).is_some_and(|entry| entry["usable"] == true)).await;
    let close = ["close", &channel, "--yes", "--id", "enough"];
    done(&operation(gateway, &close));
    assert!(done(&operation(gateway, &close)).0);
    until("the close", async || listed(&channel).is_none()).await;

    let first = gateway.facts("channels")[0]["channel"].as_str().expect("a channel").to_owned();
    done(&operation(gateway, &["force-close", &first, "--yes", "--id", "away"]));
    until("the forced close", async || listed(&first).is_none()).await;
    assert!(done(&operation(gateway, &["force-close", &first, "--yes", "--id", "away"])).0);
}

/// What the chain has paid to an address, in satoshis.
fn paid_on_chain(stand: &Stand, address: &str) -> Vec<u64> {
    let blocks = (0..=stand.chain.height()).filter_map(|height| stand.chain.block(height));
    let outputs = blocks.flat_map(|block| block.txdata).flat_map(|tx| tx.output);
    let of = |script: &bitcoin::Script| {
        bitcoin::Address::from_script(script, bitcoin::Network::Regtest).is_ok_and(|found| found.to_string() == address)
    };
    outputs.filter(|output| of(&output.script_pubkey)).map(|output| output.value.to_sat()).collect()
}

//! Uses that are counted, over a kill of the gateway's process.

use crate::stand::{Gateway, Stand, json};
use core::sync::atomic::Ordering;
use l402_core::Preimage;
use serde_json::{Value, json};
use std::thread;

/// What a command about uses tells.
fn uses(gateway: &Gateway, words: &[&str]) -> Value {
    let output = gateway.command("uses", words);
    assert!(output.status.success(), "{output:?}");
    json(&output)
}

/// The one counter of a payment: used, reserved, in doubt, available.
fn tally(gateway: &Gateway, payment: &str) -> [u64; 4] {
    let shown = uses(gateway, &["show", payment]);
    let [counter] = shown["counters"].as_array().expect("counters").as_slice() else { panic!("{shown}") };
    ["used", "reserved", "in_doubt", "available"].map(|key| counter[key].as_u64().expect("a number"))
}

/// The payment hash of a credential.
fn payment(credential: &str) -> String {
    let (_, preimage) = credential.rsplit_once(':').expect("a preimage");
    Preimage::from_hex(preimage.as_bytes()).expect("a preimage").hash().to_string()
}

/// Of a bundle of four, one use is committed, one held by a GET and one by a POST when the process is killed: the first stays used,
/// the second is available, and about the third a person decides.
#[tokio::test(flavor = "multi_thread")]
async fn s1_s2_uses_are_counted_over_a_kill() {
    let stand = Stand::start().await;
    let mut gateway = stand.gateway_selling("uses = 4\nledger = { durability = \"process\" }").serving().await;
    stand.open_channel(&gateway).await;
    let credential = stand.buy(&gateway).await.expect("bought");
    let payment = payment(&credential);
    let served = gateway.ask("/", Some(&credential)).expect("an answer");
    assert_eq!((served.status, served.fields("x-l402-remaining")), (200, vec!["3"]), "{}", served.text);

    thread::scope(|scope| {
        let (gateway, credential) = (&gateway, credential.as_str());
        let hang = ["GET", "POST"].map(|method| scope.spawn(move || gateway.send(method, "/hang", Some(credential))));
        while stand.hanging.load(Ordering::SeqCst) < 2 {
            thread::park_timeout(core::time::Duration::from_millis(20));
        }
        assert_eq!(tally(gateway, &payment), [1, 2, 0, 1]);
        rustix::process::kill_process(rustix::process::Pid::from_child(&gateway.child), rustix::process::Signal::KILL)
            .expect("killed");
        for request in hang {
            assert!(request.join().expect("joined").is_err(), "nobody answered");
        }
    });
    gateway.kill();

    // Where no gateway runs, the command opens the ledger.
    let doubts = uses(&gateway, &["list"]);
    assert_eq!((&doubts[0]["payment"], doubts.as_array().map(Vec::len)), (&json!(payment), Some(1)), "{doubts}");
    assert_eq!(tally(&gateway, &payment), [1, 0, 1, 2]);

    let mut gateway = stand.gateway_selling("uses = 4").serving().await;
    assert_eq!(uses(&gateway, &["list"]), doubts, "the running gateway says the same");

    let resolved = uses(&gateway, &["resolve", &payment, "--as", "unused"]);
    assert_eq!(resolved["as"], "unused");
    assert_eq!(tally(&gateway, &payment), [1, 0, 0, 3]);
    let left: Vec<_> = (0..4).map(|_| gateway.ask("/", Some(&credential)).expect("an answer")).collect();
    // A used token is charged anew, or gets 503 until the node can be paid again.
    assert_eq!(left.iter().map(|answer| answer.status == 200).collect::<Vec<_>>(), [true, true, true, false]);
    assert_eq!(tally(&gateway, &payment), [4, 0, 0, 0]);
    assert_eq!(left[2].fields("x-l402"), ["spent"]);

    let mut second = stand.gateway_selling("uses = 4");
    assert_eq!(second.ended().await, 7, "{}", second.log());
    assert!(second.log().contains("another process has the ledger open"), "{}", second.log());
    assert_eq!(gateway.stop().await, 0);
}

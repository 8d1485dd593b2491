//! An LND that is none, as a program of its own: `just flood` sets a gateway before it.
//!
//! It prints how to reach it, as one line of JSON, and then answers lines: `pay INVOICE` with the preimage, `rows` with the number of
//! invoices that it stores. It ends with its input.
#![expect(clippy::unwrap_used, reason = "a step that fails, ends the program")]

#[path = "../tests/lnd/fake/mod.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod fake;

use fake::{FakeLnd, World};
use std::io::{BufRead as _, Write as _};

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let world = World::new();
    let payer = world.new_node();
    let lnd = runtime.block_on(FakeLnd::start(&world));
    let macaroon = fake::macaroon(&[("info", &["read"]), ("invoices", &["read", "write"])]);
    say(&format!(
        "{{\"socket\": \"{}\", \"cert\": {:?}, \"macaroon\": \"{macaroon}\"}}",
        lnd.address(),
        lnd.certificate().pem()
    ));
    for line in std::io::stdin().lock().lines() {
        match line.unwrap().split_once(' ') {
            Some(("pay", invoice)) => {
                let hash = world.begin(payer, invoice).unwrap();
                world.settle(payer, &hash);
                say(&world.payment(payer, &hash).unwrap().preimage);
            }
            _ => say(&world.rows(lnd.id()).to_string()),
        }
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).unwrap();
}

//! The invoices of `spec-vectors/bolt11`: what each case says of its invoice is what a real decoder reads.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use l402_lightning::{Invoice, InvoiceError};
use serde_json::{Value, json};

#[test]
fn a1_the_facts_of_every_case_are_those_of_its_invoice() {
    let file: Value = serde_json::from_str(include_str!("../../spec-vectors/bolt11/binding.json")).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() >= 20);
    for case in cases {
        let invoice = Invoice::parse(case["invoice"].as_str().unwrap());
        if ["zero-amount", "above-all-money"].map(Value::from).contains(&case["error"]) {
            assert!(matches!(invoice, Err(InvoiceError::Amount(_))), "{}", case["id"]);
            continue;
        }
        let invoice = invoice.unwrap();
        let facts = invoice.facts();
        let read = json!({
            "network": invoice.network().to_string(),
            "payment_hash": facts.payment_hash.to_string(),
            "amount_msat": facts.amount_msat.map(|amount| amount.get().to_string()),
            "expires_at": facts.expires_at.get().to_string(),
        });
        assert_eq!(read, case["facts"], "{}", case["id"]);
    }
}

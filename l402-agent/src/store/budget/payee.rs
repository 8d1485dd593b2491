//! The nodes that were paid for each origin.

use super::clock::{column, note, pass};
use crate::policy::{InForce, Payee, PayeeChange, PayeeVerdict};
use crate::store::clocks::Clocks;
use crate::store::record::Intent;
use l402_lightning::{Invoice, NodeId};
use rusqlite::{OptionalExtension, Transaction, params};

/// The node of an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Node {
    /// Nothing is to be paid, or it cannot be read.
    Unread,
    /// The invoice hides it.
    Hidden,
    /// It signed the invoice.
    Known(NodeId),
}

impl Node {
    /// Reads the invoice of an intent. That takes a while: no lock is to be held.
    pub(in crate::store) fn of(intent: &Intent) -> Self {
        match intent.order.as_ref().map(|order| Invoice::parse(&order.invoice)) {
            None | Some(Err(_)) => Self::Unread,
            Some(Ok(invoice)) if has_blinded_path(invoice.bolt11()) => Self::Hidden,
            Some(Ok(invoice)) => Self::Known(invoice.payee()),
        }
    }
}

/// Says what is to happen with a payment to a node. Nothing is written.
pub(super) fn look(
    tx: &Transaction<'_>,
    policy: &InForce,
    intent: &Intent,
    node: Node,
) -> rusqlite::Result<PayeeVerdict> {
    let node = match node {
        Node::Unread => return Ok(PayeeVerdict::Expected),
        Node::Hidden => None,
        Node::Known(node) => Some(node),
    };
    let (origin, id) = (intent.origin.to_string(), node.map(|node| node.to_string()).unwrap_or_default());
    let is_there = |sql: &str, row: &[&str]| {
        let mut found = tx.prepare_cached(sql)?;
        found.query_row(rusqlite::params_from_iter(row), |_| Ok(())).optional().map(|found| found.is_some())
    };
    let payee = Payee {
        node,
        amount_msat: intent.amount_msat,
        is_known: is_there("SELECT 1 FROM payees WHERE origin = ?1 AND payee = ?2", &[&origin, &id])?,
        has_others: is_there("SELECT 1 FROM payees WHERE origin = ?1 AND payee <> ?2 LIMIT 1", &[&origin, &id])?,
        is_elsewhere: is_there("SELECT 1 FROM payees WHERE payee = ?2 AND origin <> ?1 LIMIT 1", &[&origin, &id])?,
    };
    let policy = policy.policy();
    Ok(policy.payees().judge(policy.entry(&intent.origin), &payee))
}

/// Returns why a payment to a node needs a confirmation.
pub(in crate::store) fn change(
    tx: &Transaction<'_>,
    policy: &InForce,
    intent: &Intent,
    node: Node,
) -> rusqlite::Result<Option<PayeeChange>> {
    Ok(match look(tx, policy, intent, node)? {
        PayeeVerdict::Confirm(change) => Some(change),
        _ => None,
    })
}

/// Takes note of the node of a payment that begins.
pub(in crate::store) fn begin(
    tx: &Transaction<'_>,
    clocks: &dyn Clocks,
    intent: &Intent,
    (node, verdict): (Node, PayeeVerdict),
) -> rusqlite::Result<()> {
    let (origin, now) = (intent.origin.to_string(), pass(tx, clocks)?.time);
    if let Node::Known(node) = node {
        let insert = "INSERT OR IGNORE INTO payees (origin, payee, first_at) VALUES (?1, ?2, ?3)";
        tx.prepare_cached(insert)?.execute(params![origin, node.to_string(), column(now.millis())])?;
    }
    if verdict == PayeeVerdict::Expected {
        return Ok(());
    }
    let what = match node {
        Node::Known(node) => format!("{origin} has another node paid: {node}"),
        _ => format!("{origin} has a node paid that its invoice hides"),
    };
    note(tx, now, &clocks.read(), &what)
}

/// Tells whether an invoice has a field of blinded paths: then the key that signed it is that of no node (BOLT 11 §Tagged Fields).
fn has_blinded_path(invoice: &str) -> bool {
    let digit = |byte: &u8| DIGITS.iter().position(|digit| *digit == byte.to_ascii_lowercase());
    let data = invoice.rsplit_once('1').map_or("", |(_, data)| data).as_bytes();
    let end = data.len().saturating_sub(SIGNATURE + CHECKSUM);
    let mut fields = data.get(TIMESTAMP..end).unwrap_or_default();
    while let [tag, high, low, rest @ ..] = fields {
        if digit(tag) == Some(BLINDED_PATHS) {
            return true;
        }
        let length = digit(high).zip(digit(low)).map_or(usize::MAX, |(high, low)| high * 32 + low);
        fields = rest.get(length..).unwrap_or_default();
    }
    false
}

/// The digits of bech32, by their value.
const DIGITS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const TIMESTAMP: usize = 7;
const SIGNATURE: usize = 104;
const CHECKSUM: usize = 6;
/// The tag of the field, as LND writes it.
const BLINDED_PATHS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a10_an_invoice_with_a_blinded_path_names_no_node() {
        let tail = "q".repeat(SIGNATURE + CHECKSUM);
        for (fields, is_hidden) in [
            ("", false),
            ("dqq", false),
            ("5qpq", true),
            ("dqq5qpq", true),
            ("dqz55", false), // what a description holds is no field
            ("dqz555qpq", true),
            ("d5", false),
            ("d7l5qpq", false), // it is longer than all there is
        ] {
            assert_eq!(has_blinded_path(&format!("lnbcrt1pvjluez{fields}{tail}")), is_hidden, "{fields}");
        }
        assert!(!has_blinded_path("") && !has_blinded_path("lnbc1"));
    }
}

//! What became of an operation whose outcome was not recorded, because the gateway ended in the middle: the node is asked.

use l402_lightning::operate::Operator;
use l402_lightning::{Invoice, PaymentSource as _, PaymentStatus};
use l402_program::Causes;

use super::journal::{Entry, Journal};
use super::money::{paid_outcome, sent};
use crate::control::wire::{Money, Outcome};

/// Asks the node. Nothing is sent.
pub(super) async fn outcome(node: &dyn Operator, journal: &Journal, id: &str, entry: &Entry) -> Outcome {
    match &entry.money {
        Money::Send { address, amount_sat, .. } => send(node, journal, id, entry, address, *amount_sat).await,
        Money::Pay { invoice, .. } => pay(node, invoice).await,
        Money::Open { peer, capacity_sat, .. } => open(node, entry, peer, *capacity_sat),
        Money::Close { channel } | Money::ForceClose { channel } => close(node, channel),
    }
}

/// The wallet shows amounts and transactions, not whom they paid: a transaction that only this operation can have made is its own.
async fn send(
    node: &dyn Operator,
    journal: &Journal,
    id: &str,
    entry: &Entry,
    address: &str,
    amount_sat: Option<u64>,
) -> Outcome {
    let payments = match node.onchain_sent().await {
        Ok(payments) => payments,
        Err(fault) => return Outcome::Unknown { why: Causes(&fault).to_string() },
    };
    let funding: Vec<_> = node.channels().into_iter().filter_map(|channel| channel.funding_txid).collect();
    let payments = payments.into_iter().filter(|payment| {
        payment.updated_at.get() >= entry.begun && amount_sat.is_none_or(|amount| payment.amount_sat == amount)
    });
    let own = own(journal, id, payments.map(|payment| payment.txid).filter(|txid| !funding.contains(txid)));
    match own {
        Some(txid) => sent(address, amount_sat, txid),
        None => Outcome::Unknown {
            why: format!(
                "the node's wallet does not show whether it was sent; before you send it again with another id, look for a \
                 payment to {address}"
            ),
        },
    }
}

/// The one transaction that no other operation has made, and none can have made whose outcome is not known either.
fn own(journal: &Journal, id: &str, txids: impl Iterator<Item = String>) -> Option<String> {
    let rival = journal.entries().any(|(other, entry)| {
        other != id && entry.outcome.is_none() && matches!(entry.money, Money::Send { .. } | Money::Open { .. })
    });
    let by_operation = |entry: &Entry, txid: &str| matches!(&entry.outcome, Some(Outcome::Done { reference, .. }) if reference == txid);
    let mut free = txids.filter(|txid| !journal.entries().any(|(_, entry)| by_operation(entry, txid)));
    free.next().filter(|_| !rival && free.next().is_none())
}

async fn pay(node: &dyn Operator, invoice: &str) -> Outcome {
    let hash = match Invoice::parse(invoice) {
        Ok(invoice) => invoice.payment_hash(),
        Err(fault) => return Outcome::NotDone { why: Causes(&fault).to_string() },
    };
    match node.wallet().payment(&hash).await {
        Ok(PaymentStatus::Succeeded(paid)) => paid_outcome(&hash.to_string(), paid.amount_msat, paid.fee_msat),
        Ok(PaymentStatus::Failed) => Outcome::NotDone { why: "the payment failed".to_owned() },
        Ok(PaymentStatus::NotFound) => Outcome::NotDone { why: "the payment was never sent".to_owned() },
        Ok(PaymentStatus::Pending) => Outcome::Unknown { why: "the payment is under way".to_owned() },
        Err(fault) => Outcome::Unknown { why: Causes(&fault).to_string() },
    }
}

fn open(node: &dyn Operator, entry: &Entry, peer: &str, capacity_sat: u64) -> Outcome {
    if !node.is_running() {
        return Outcome::Unknown { why: "the node is not running".to_owned() };
    }
    let new = node.channels().into_iter().find(|channel| {
        channel.peer.to_string().eq_ignore_ascii_case(peer)
            && channel.capacity_sat == capacity_sat
            && !entry.channels.contains(&channel.name)
    });
    match new {
        Some(channel) => {
            Outcome::Done { what: format!("the channel {} was opened", channel.name), reference: channel.name }
        }
        None => Outcome::NotDone { why: "no such channel is open: it was never opened, or is closed again".to_owned() },
    }
}

fn close(node: &dyn Operator, channel: &str) -> Outcome {
    if !node.is_running() {
        return Outcome::Unknown { why: "the node is not running".to_owned() };
    }
    if node.channels().iter().any(|open| open.name == channel) {
        return Outcome::NotDone { why: "the channel is still open".to_owned() };
    }
    Outcome::Done { what: format!("the channel {channel} is closed, or being closed"), reference: channel.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a4_a_transaction_is_an_operations_own_only_if_no_other_can_have_made_it() {
        let home = tempfile::tempdir().expect("a folder");
        let mut journal = Journal::open(&home.path().join("operations")).expect("made");
        let send = Money::Send { address: "a".to_owned(), amount_sat: Some(1), fee_rate: None };
        journal.begin("one", &send, Vec::new()).expect("written");
        let own = |journal: &Journal, txids: &[&str]| own(journal, "one", txids.iter().map(|&txid| txid.to_owned()));
        assert_eq!(own(&journal, &["x"]).as_deref(), Some("x"));
        assert_eq!(own(&journal, &[]), None);
        assert_eq!(own(&journal, &["x", "y"]), None, "either may be another program's");
        journal.begin("two", &send, Vec::new()).expect("written");
        assert_eq!(own(&journal, &["x"]), None, "it may be the other's");
        let done = Outcome::Done { what: String::new(), reference: "y".to_owned() };
        journal.end("two", &done).expect("written");
        assert_eq!(own(&journal, &["x", "y"]).as_deref(), Some("x"));
        assert_eq!(own(&journal, &["y"]), None);
        journal.begin("three", &Money::Close { channel: "c".to_owned() }, Vec::new()).expect("written");
        assert_eq!(own(&journal, &["x"]).as_deref(), Some("x"), "closing a channel sends nothing to anybody");
    }
}

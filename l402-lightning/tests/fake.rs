//! The fake node keeps the promises of the traits, and breaks exactly those that it is told to break.
#![cfg(feature = "testing")]

use core::time::Duration;
use l402_core::{Msat, UnixSeconds};
use l402_lightning::testing::conformance::{self, Harness};
use l402_lightning::testing::{FakeFault, FakeNetwork, FakeNode};
use l402_lightning::{
    Invoice, InvoiceRequest, InvoiceSource, Mismatch, Network, NodeId, PayError, PayLimit, PayeeNode, PayerWallet,
    PaymentSource, PaymentStatus, SettlementSource,
};

struct Pair {
    payee: FakeNode,
    payer: FakeNode,
}

impl Pair {
    fn new() -> Self {
        let network = FakeNetwork::new();
        Self { payee: network.node(), payer: network.node() }
    }
}

impl Harness for Pair {
    type Payee = FakeNode;
    type Payer = FakeNode;

    fn payee(&self) -> &FakeNode {
        &self.payee
    }

    fn payee_id(&self) -> Option<NodeId> {
        Some(self.payee.node_id())
    }

    fn payer(&self) -> &FakeNode {
        &self.payer
    }

    fn too_much_msat(&self) -> Option<Msat> {
        None
    }
}

#[tokio::test]
async fn the_fake_node_conforms() {
    let nodes = Pair::new();
    conformance::all(&nodes).await;
    assert_eq!(nodes.payer.payments_sent(), 4, "one for each invoice that was paid");
    nodes.payee.store_invoices(true);
    conformance::all(&nodes).await;
}

/// The same pair, whose types are not known any more.
struct Erased {
    pair: Pair,
    payee: PayeeNode,
    payer: PayerWallet,
}

impl Harness for Erased {
    type Payee = PayeeNode;
    type Payer = PayerWallet;

    fn payee(&self) -> &PayeeNode {
        &self.payee
    }

    fn payee_id(&self) -> Option<NodeId> {
        self.pair.payee_id()
    }

    fn payer(&self) -> &PayerWallet {
        &self.payer
    }

    fn too_much_msat(&self) -> Option<Msat> {
        self.pair.too_much_msat()
    }
}

#[tokio::test]
async fn nodes_whose_type_was_erased_conform() {
    let pair = Pair::new();
    let nodes = Erased { payee: PayeeNode::new(pair.payee.clone()), payer: PayerWallet::new(pair.payer.clone()), pair };
    conformance::all(&nodes).await;
}

#[tokio::test]
async fn l3_a_lying_payee_is_found_out() {
    let nodes = Pair::new();
    let answers = |invoice: Invoice| {
        let now = UnixSeconds::new(invoice.expires_at().get().max(1_700_000_000) - 1); // today, whatever the invoice says
        invoice.answers(&REQUEST, Network::Regtest, Some(&nodes.payee.node_id()), now)
    };
    for (fault, expected) in [
        (
            FakeFault::WrongAmount,
            Mismatch::Amount { expected_msat: Msat::new(21_000), found_msat: Some(Msat::new(21_001)) },
        ),
        (FakeFault::NoAmount, Mismatch::Amount { expected_msat: Msat::new(21_000), found_msat: None }),
        (FakeFault::WrongNetwork, Mismatch::Network { expected: Network::Regtest, found: Network::Bitcoin }),
        (FakeFault::WrongPayee, Mismatch::Payee),
        (FakeFault::WrongExpiry, Mismatch::Expiry),
    ] {
        nodes.payee.misbehave(fault);
        assert_eq!(answers(nodes.payee.create_invoice(REQUEST).await.unwrap()), Err(expected));
    }
    nodes.payee.behave();
    assert_eq!(answers(nodes.payee.create_invoice(REQUEST).await.unwrap()), Ok(()));
}

#[tokio::test]
async fn a4_a_lost_outcome_is_resolved_without_paying_again() {
    let nodes = Pair::new();
    let invoice = nodes.payee.create_invoice(REQUEST).await.unwrap();
    nodes.payer.misbehave(FakeFault::LoseOutcome);
    assert!(nodes.payer.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap_err().is_unknown());

    nodes.payer.behave();
    let status = nodes.payer.payment(&invoice.payment_hash()).await.unwrap();
    assert!(matches!(status, PaymentStatus::Succeeded(_)), "{status:?}");
    assert!(nodes.payer.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.is_ok());
    assert_eq!(nodes.payer.payments_sent(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_wallet_is_unknown_when_the_time_is_over() {
    let nodes = Pair::new();
    let invoice = nodes.payee.create_invoice(REQUEST).await.unwrap();
    nodes.payer.misbehave(FakeFault::Hang);
    assert!(nodes.payer.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap_err().is_unknown());
    assert!(matches!(nodes.payer.payment(&invoice.payment_hash()).await.unwrap(), PaymentStatus::Pending));
}

#[tokio::test]
async fn a3_a_hash_without_a_known_preimage_is_not_paid() {
    let nodes = Pair::new();
    nodes.payee.misbehave(FakeFault::WrongHash);
    let invoice = nodes.payee.create_invoice(REQUEST).await.unwrap();
    assert!(matches!(nodes.payer.pay(&invoice, PayLimit::fee(Msat::ZERO)).await, Err(PayError::NoRoute)));

    nodes.payee.behave();
    let invoice = nodes.payee.create_invoice(REQUEST).await.unwrap();
    nodes.payer.misbehave(FakeFault::WrongHash);
    let paid = nodes.payer.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap();
    assert!(!paid.preimage.matches(&invoice.payment_hash()), "a lying wallet's preimage proves nothing");
}

#[tokio::test]
async fn l5_a_late_settlement_counts_once_it_is_there() {
    let nodes = Pair::new();
    nodes.payee.misbehave(FakeFault::SettlesLate(Duration::from_millis(50)));
    let invoice = nodes.payee.create_invoice(REQUEST).await.unwrap();
    nodes.payer.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap();
    assert_eq!(nodes.payee.settled_msat(&invoice.payment_hash()).await.unwrap(), None);

    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(nodes.payee.settled_msat(&invoice.payment_hash()).await.unwrap(), Some(Msat::new(21_000)));
    nodes.payee.misbehave(FakeFault::Unreachable);
    assert!(nodes.payee.settled_msat(&invoice.payment_hash()).await.is_err());
}

const REQUEST: InvoiceRequest<'static> =
    InvoiceRequest { amount_msat: Msat::new(21_000), description: "weather", expiry: Duration::from_mins(5) };

//! The suite that every backend passes.

use crate::stand::{REQUEST, limit, wallet};
use l402_core::Msat;
use l402_lightning::testing::conformance::{self, Harness};
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{EnforcedLimits, InvoiceSource, NodeId, PaymentSource};
use l402_nwc::testing::{FakeRelay, Mood};
use l402_nwc::{Encryption, NwcPayer};

struct Pair {
    payee: FakeNode,
    payer: NwcPayer,
}

impl Harness for Pair {
    type Payee = FakeNode;
    type Payer = NwcPayer;

    fn payee(&self) -> &FakeNode {
        &self.payee
    }

    fn payee_id(&self) -> Option<NodeId> {
        Some(self.payee.node_id())
    }

    fn payer(&self) -> &NwcPayer {
        &self.payer
    }

    fn too_much_msat(&self) -> Option<Msat> {
        None
    }
}

/// Returns what encryption was chosen.
async fn conforms(named: Option<&'static str>, relays: &[String]) -> Encryption {
    let network = FakeNetwork::new();
    let (seller, node, folder) = (network.node(), network.node(), tempfile::tempdir().unwrap());
    let wallet = wallet(&node).encryption(named).start(relays).await;
    let payer = NwcPayer::connect(&wallet.config(), folder.path()).await.unwrap();
    let encryption = payer.identity().encryption;
    conformance::all(&Pair { payee: seller, payer }).await;
    // One for each invoice that was paid; an unknown payee got none.
    assert_eq!((node.payments_sent(), wallet.asked("pay_invoice")), (4, 5));
    encryption
}

#[tokio::test]
async fn the_payer_conforms() {
    let relay = FakeRelay::start().await;
    assert_eq!(conforms(Some("nip44_v2 nip04"), &[relay.url()]).await, Encryption::Nip44);
}

#[tokio::test]
async fn the_payer_conforms_with_nip04_alone() {
    let relay = FakeRelay::start().await;
    assert_eq!(conforms(None, &[relay.url()]).await, Encryption::Nip04);
    assert_eq!(conforms(Some("nip04"), &[relay.url()]).await, Encryption::Nip04);
}

#[tokio::test]
async fn the_payer_conforms_over_two_relays_that_tell_all_twice() {
    let relays = [FakeRelay::start().await, FakeRelay::start().await];
    for relay in &relays {
        relay.repeat(2);
    }
    let urls: Vec<String> = relays.iter().map(FakeRelay::url).collect();
    conforms(Some("nip44_v2"), &urls).await;
}

#[tokio::test]
async fn a8_limits_are_not_the_wallets_to_keep_and_it_says_so() {
    let relay = FakeRelay::start().await;
    let network = FakeNetwork::new();
    let (seller, node, folder) = (network.node(), network.node(), tempfile::tempdir().unwrap());
    let wallet = wallet(&node).start(&[relay.url()]).await;
    let payer = NwcPayer::connect(&wallet.config(), folder.path()).await.unwrap();
    assert_eq!(payer.enforces(), EnforcedLimits::NONE);

    // What the fee was is booked; a fee that is not reported is the whole limit.
    let paid = payer.pay(&seller.create_invoice(REQUEST).await.unwrap(), limit(20_000)).await.unwrap();
    assert_eq!(paid.fee_msat, Msat::ZERO);
    wallet.be(Mood::ReportsNoFee);
    let paid = payer.pay(&seller.create_invoice(REQUEST).await.unwrap(), limit(20_000)).await.unwrap();
    assert_eq!(paid.fee_msat, Msat::new(7_000));
}

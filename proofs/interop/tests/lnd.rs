//! The backend for LND on real LND processes: the suite that every backend passes, and what keeps us from LND.

#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use core::time::Duration;
use l402_core::Msat;
use std::path::Path;
use std::time::Instant;

use l402_ldk::LdkNode;
use l402_lightning::testing::conformance::{self, Harness};
use l402_lightning::{
    InvoiceRequest, InvoiceSource, NodeId, PayError, PayLimit, PaymentSource, PaymentStatus, SettlementSource,
};
use l402_lnd::{Certificate, LndConfig, LndError, LndMacaroon, LndPayee, LndPayer, Readiness, Role, inspect};
use l402_regtest::lnd::{LndNode, Macaroon, PAY, SELL};
use l402_regtest::{Network, NodeKind};
use tokio::time::timeout;

struct Pair<E, R> {
    payee: E,
    payee_id: NodeId,
    payer: R,
    too_much_msat: Option<Msat>,
}

impl<E: InvoiceSource + SettlementSource, R: PaymentSource> Harness for Pair<E, R> {
    type Payee = E;
    type Payer = R;

    fn payee(&self) -> &E {
        &self.payee
    }

    fn payee_id(&self) -> Option<NodeId> {
        Some(self.payee_id)
    }

    fn payer(&self) -> &R {
        &self.payer
    }

    fn too_much_msat(&self) -> Option<Msat> {
        self.too_much_msat
    }
}

#[tokio::test]
#[ignore = "needs LND: just interop"]
async fn the_suite_passes_in_every_direction() {
    let network = Network::builder()
        .lnd("alice")
        .lnd("bob")
        .ldk("carol")
        .channel("alice", "bob", 10_000_000)
        .channel("bob", "carol", 10_000_000)
        .start()
        .await
        .unwrap();
    let (alice, bob, carol) = (network.lnd("alice"), network.lnd("bob"), network.ldk("carol"));
    let bob_id = bob.node_id().unwrap();

    // An LND cannot tell what is too much to receive.
    conformance::all(&Pair {
        payee: payee(bob).await,
        payee_id: bob_id,
        payer: payer(alice).await,
        too_much_msat: None,
    })
    .await;
    conformance::all(&Pair { payee: payee(bob).await, payee_id: bob_id, payer: carol.clone(), too_much_msat: None })
        .await;
    // Over a hop.
    conformance::all(&Pair::<LdkNode, LndPayer> {
        payee: carol.clone(),
        payee_id: carol.node_id(),
        payer: payer(alice).await,
        too_much_msat: Some(Msat::new(20_000_000_000)),
    })
    .await;
    network.stop().await;
}

#[tokio::test]
#[ignore = "needs LND: just interop"]
async fn each_fault_is_told_apart() {
    let network = Network::builder().lnd("alice").lnd("bob").start().await.unwrap();
    let (alice, bob) = (network.lnd("alice"), network.lnd("bob"));
    let with = |macaroon: &Path| config(alice, macaroon);
    let fault = async |config: &LndConfig, role| inspect(config, role).await.unwrap_err().to_string();

    let sell = with(&alice.bake("sell", &SELL).await.unwrap());
    let identity = loop {
        match inspect(&sell, Role::Payee).await {
            Err(LndError::NotSynced) => tokio::time::sleep(Duration::from_millis(20)).await,
            found => break found.unwrap(),
        }
    };
    assert_eq!((identity.node_id, &*identity.alias), (alice.node_id().unwrap(), "alice"));
    assert!(sell.macaroon.permissions().unwrap().excess(Role::Payee).is_empty());
    assert_eq!(fault(&sell, Role::Payer).await, "the macaroon lacks the permission offchain:read");
    let read_only = with(&alice.macaroon(Macaroon::ReadOnly));
    assert_eq!(fault(&read_only, Role::Payee).await, "the macaroon lacks the permission invoices:write");
    let invoice = with(&alice.macaroon(Macaroon::Invoice));
    assert_eq!(fault(&invoice, Role::Payee).await, "the macaroon lacks the permission info:read");
    let admin = with(&alice.macaroon(Macaroon::Admin));
    inspect(&admin, Role::Payee).await.unwrap();
    let excess = admin.macaroon.permissions().unwrap().excess(Role::Payee);
    assert!(excess.iter().any(|permission| permission.to_string() == "offchain:write"), "{excess:?}");

    // What LND itself says of a macaroon that is not its own.
    let foreign = with(&bob.bake("sell", &SELL).await.unwrap());
    assert!(fault(&foreign, Role::Payee).await.starts_with("LND does not accept the macaroon: "));
    let mut wrong = sell.clone();
    wrong.certificate = Certificate::find("tls.cert", bob.dir()).unwrap();
    assert!(matches!(inspect(&wrong, Role::Payee).await.unwrap_err(), LndError::WrongCertificate { .. }));
    let mut wrong = sell.clone();
    wrong.network = Some(l402_lightning::Network::Bitcoin);
    assert_eq!(fault(&wrong, Role::Payee).await, "LND is on regtest, not on bitcoin");

    alice.stop().await.unwrap();
    assert!(matches!(inspect(&sell, Role::Payee).await.unwrap_err(), LndError::Unreachable { .. }));
    alice.start_locked().await.unwrap();
    assert!(matches!(inspect(&sell, Role::Payee).await.unwrap_err(), LndError::Locked));
    alice.unlock().await.unwrap();
    network.stop().await;
}

#[tokio::test]
#[ignore = "needs LND: just interop"]
async fn l5_a_payee_that_hangs_restarts_and_locks_is_found_again() {
    let network = Network::direct(NodeKind::Lnd, NodeKind::Lnd).start().await.unwrap();
    let names: Vec<String> = network.nodes().map(|(name, _)| name.to_owned()).collect();
    let [buyer, seller] = &*names else { panic!("{names:?}") };
    let lnd = network.lnd(seller);
    let (payee, wallet) = (payee(lnd).await, payer(network.lnd(buyer)).await);
    let paid = payee.create_invoice(REQUEST).await.unwrap();
    wallet.pay(&paid, PayLimit::fee(Msat::ZERO)).await.unwrap();
    assert_eq!(payee.settled_msat(&paid.payment_hash()).await.unwrap(), Some(Msat::new(21_000)));

    lnd.pause().unwrap();
    assert!(payee.create_invoice(REQUEST).await.is_err());
    becomes(&payee, false).await;
    let begun = Instant::now();
    assert!(payee.create_invoice(REQUEST).await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(1), "it waited for LND: {:?}", begun.elapsed());
    assert_eq!(
        payee.settled_msat(&paid.payment_hash()).await.unwrap(),
        Some(Msat::new(21_000)),
        "paid tokens are served"
    );
    lnd.resume().unwrap();
    becomes(&payee, true).await;
    payee.create_invoice(REQUEST).await.unwrap();

    lnd.kill();
    becomes(&payee, false).await;
    network.restart(seller).await.unwrap();
    becomes(&payee, true).await;
    let next = payee.create_invoice(REQUEST).await.unwrap();
    wallet.pay(&next, PayLimit::fee(Msat::ZERO)).await.unwrap();
    assert_eq!(payee.settled_msat(&next.payment_hash()).await.unwrap(), Some(Msat::new(21_000)));

    lnd.stop().await.unwrap();
    lnd.start_locked().await.unwrap();
    let mut readiness = payee.readiness();
    let locked = |state: &Readiness| matches!(state, Readiness::Away(fault) if matches!(**fault, LndError::Locked));
    timeout(SOON, readiness.wait_for(locked)).await.unwrap().unwrap();
    lnd.unlock().await.unwrap();
    becomes(&payee, true).await;
    payee.create_invoice(REQUEST).await.unwrap();
    network.stop().await;
}

#[tokio::test]
#[ignore = "needs LND: just interop"]
async fn a4_a_payer_that_hangs_pays_once() {
    let network = Network::direct(NodeKind::Lnd, NodeKind::Lnd).start().await.unwrap();
    let names: Vec<String> = network.nodes().map(|(name, _)| name.to_owned()).collect();
    let [buyer, seller] = &*names else { panic!("{names:?}") };
    let lnd = network.lnd(buyer);
    let (payee, wallet) = (payee(network.lnd(seller)).await, payer(lnd).await);
    let invoice = payee.create_invoice(REQUEST).await.unwrap();

    lnd.pause().unwrap();
    let fault = wallet
        .pay(&invoice, PayLimit { timeout: Duration::from_secs(1), ..PayLimit::fee(Msat::ZERO) })
        .await
        .unwrap_err();
    assert!(fault.is_unknown(), "{fault:?}");
    lnd.resume().unwrap();
    let paid = wallet.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.unwrap();
    assert!(paid.preimage.matches(&invoice.payment_hash()));
    assert!(matches!(wallet.payment(&invoice.payment_hash()).await.unwrap(), PaymentStatus::Succeeded(_)));

    // The payee is away while the payment is on its way.
    let held = payee.create_invoice(REQUEST).await.unwrap();
    network.lnd(seller).pause().unwrap();
    let fault =
        wallet.pay(&held, PayLimit { timeout: Duration::from_secs(2), ..PayLimit::fee(Msat::ZERO) }).await.unwrap_err();
    assert!(fault.is_unknown(), "{fault:?}");
    assert!(matches!(wallet.payment(&held.payment_hash()).await.unwrap(), PaymentStatus::Pending));
    network.lnd(seller).resume().unwrap();
    let paid = wallet.pay(&held, PayLimit::fee(Msat::ZERO)).await.unwrap();
    assert!(paid.preimage.matches(&held.payment_hash()));
    assert_eq!(payee.settled_msat(&held.payment_hash()).await.unwrap(), Some(Msat::new(21_000)));

    // Nothing is sent by an LND that is not there, and the connection comes back by itself.
    let last = payee.create_invoice(REQUEST).await.unwrap();
    lnd.kill();
    let fault = wallet.pay(&last, PayLimit::fee(Msat::ZERO)).await.unwrap_err();
    assert!(matches!(fault, PayError::Unavailable(_)), "{fault:?}");
    network.restart(buyer).await.unwrap();
    assert!(matches!(wallet.payment(&last.payment_hash()).await.unwrap(), PaymentStatus::NotFound));
    wallet.pay(&last, PayLimit::fee(Msat::ZERO)).await.unwrap();
    network.stop().await;
}

async fn payee(lnd: &LndNode) -> LndPayee {
    LndPayee::start(&config(lnd, &lnd.bake("sell", &SELL).await.unwrap())).await.unwrap()
}

async fn payer(lnd: &LndNode) -> LndPayer {
    LndPayer::connect(&config(lnd, &lnd.bake("pay", &PAY).await.unwrap())).await.unwrap()
}

fn config(lnd: &LndNode, macaroon: &Path) -> LndConfig {
    let certificate = Certificate::find(lnd.tls_cert().to_str().unwrap(), Path::new("")).unwrap();
    let macaroon = LndMacaroon::find(macaroon.to_str().unwrap(), Path::new("")).unwrap();
    LndConfig::new(lnd.rpc_address().to_string().parse().unwrap(), certificate, macaroon)
}

async fn becomes(payee: &LndPayee, ready: bool) {
    let mut readiness = payee.readiness();
    timeout(SOON, readiness.wait_for(|state| state.is_ready() == ready)).await.unwrap().unwrap();
}

const REQUEST: InvoiceRequest<'static> =
    InvoiceRequest { amount_msat: Msat::new(21_000), description: "weather", expiry: Duration::from_mins(5) };
const SOON: Duration = Duration::from_mins(1);

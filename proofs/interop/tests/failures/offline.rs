//! Nodes that leave while a payment is on its way.

use core::time::Duration;
use l402_core::Msat;

use interop::Wallet;
use l402_lightning::{Invoice, PaymentSource as _, PaymentStatus};
use l402_regtest::{Network, NodeKind};
use tokio::time::{Instant, sleep};

use crate::hold::{Hold, begin, still_unknown};
use crate::town::{AMOUNT_MSAT, SOON, pay_within, succeeds};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs LND: just interop"]
async fn a4_a_payee_that_comes_back_is_paid_once() {
    let network = two_payers().await;
    let payments = killed_in_flight(&network).await;
    network.restart("bob").await.unwrap();
    let bob = network.lnd("bob");
    for (name, payer, hold) in &payments {
        still_unknown(payer, hold).await;
        hold.arrives(bob).await;
        hold.settle(bob);
        succeeds(payer, &hold.invoice.payment_hash()).await;
        pay_within(payer, &hold.invoice, SOON).await.unwrap();
        assert_eq!(hold.received_msat(bob).await, AMOUNT_MSAT, "{name}");
    }
    network.stop().await;
}

/// The money comes back over the chain, where the payment's time lock ends; until then no answer says that it failed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs LND: just interop"]
async fn a4_a_payee_that_stays_away_is_unknown_until_the_chain_has_given_the_money_back() {
    let network = two_payers().await;
    let payments = killed_in_flight(&network).await;
    for (name, payer, hold) in &payments {
        let hash = hold.invoice.payment_hash();
        let (height, deadline) = (network.chain().height(), Instant::now() + 3 * SOON);
        let status = loop {
            match payer.payment(&hash).await.unwrap() {
                PaymentStatus::Pending if Instant::now() < deadline => {
                    network.chain().mine(1).unwrap();
                    sleep(Duration::from_millis(100)).await;
                }
                known => break known,
            }
        };
        assert!(matches!(status, PaymentStatus::Failed), "{name}: {status:?}");
        println!("{name}: {} blocks", network.chain().height() - height);
    }
    network.stop().await;
}

/// The payment leaves the payer, and its LND dies before anything comes back.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs LND: just interop"]
async fn a4_a_payer_whose_lnd_is_killed_with_money_on_its_way_learns_of_it() {
    let network = Network::direct(NodeKind::Lnd, NodeKind::Lnd).start().await.unwrap();
    let (alice, bob) = (network.lnd("alice"), network.lnd("bob"));
    let payer = Wallet::of(&network, "alice").await;
    let invoice = Invoice::parse(&bob.invoice(Msat::new(AMOUNT_MSAT)).await.unwrap()).unwrap();
    bob.pause().unwrap();
    let fault = pay_within(&payer, &invoice, Duration::from_secs(2)).await.unwrap_err();
    assert!(fault.is_unknown(), "{fault:?}");
    alice.kill();
    assert!(payer.payment(&invoice.payment_hash()).await.is_err());
    let fault = pay_within(&payer, &invoice, Duration::from_secs(2)).await.unwrap_err();
    assert!(fault.is_unknown(), "{fault:?}");
    bob.resume().unwrap();
    // The test does not connect the two: LND does so by itself, as it does for an operator.
    alice.start().await.unwrap();
    let begun = Instant::now();
    succeeds(&payer, &invoice.payment_hash()).await;
    println!("settled {:?} after the restart", begun.elapsed());
    pay_within(&payer, &invoice, SOON).await.unwrap();
    network.stop().await;
}

/// Has `alice` and `carol` begin to pay `bob`, who then leaves. Returns who pays what.
async fn killed_in_flight(network: &Network) -> Vec<(&'static str, Wallet, Hold)> {
    let bob = network.lnd("bob");
    let mut payments = Vec::new();
    for name in ["alice", "carol"] {
        let (payer, hold) = (Wallet::of(network, name).await, Hold::of(bob).await);
        begin(&payer, &hold, bob).await;
        payments.push((name, payer, hold));
    }
    bob.kill();
    for (_, payer, hold) in &payments {
        still_unknown(payer, hold).await;
    }
    payments
}

/// `alice`, an LND, and `carol`, an LDK node, that pay the LND `bob`.
async fn two_payers() -> Network {
    let network = Network::builder().lnd("bob").lnd("alice").ldk("carol");
    network.channel("alice", "bob", 1_000_000).channel("carol", "bob", 1_000_000).start().await.unwrap()
}

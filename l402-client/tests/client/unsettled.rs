//! Payments that fail, and those whose outcome is not known: nothing is paid twice.

use crate::buyer::Buyer;
use l402_client::exit::Exit;
use l402_core::Msat;
use l402_lightning::Invoice;
use l402_lightning::testing::FakeFault;

#[tokio::test]
async fn a_payment_that_failed_is_no_payment() {
    let buyer = Buyer::new().await;
    for fault in [FakeFault::NoRoute, FakeFault::Unreachable] {
        buyer.wallet.misbehave(fault);
        let outcome = buyer.get("/weather", &[]).await;
        assert_eq!(outcome.exit, Exit::Payment, "{}", outcome.report);
    }
    buyer.wallet.behave();
    assert_eq!(buyer.get("/weather", &[]).await.exit, Exit::Served);
    assert_eq!(buyer.paid(), 1);
}

#[tokio::test]
async fn a1_an_invoice_for_another_network_or_without_an_amount_is_not_paid() {
    let buyer = Buyer::new().await;
    for (fault, exit) in [
        (FakeFault::WrongNetwork, Exit::Payment),
        (FakeFault::NoAmount, Exit::Challenge),
        (FakeFault::WrongExpiry, Exit::Challenge),
    ] {
        buyer.payee.misbehave(fault);
        assert_eq!(buyer.get("/weather", &[]).await.exit, exit, "{fault:?}");
    }
    assert_eq!(buyer.paid(), 0);
}

#[tokio::test]
async fn a4_a_lost_outcome_is_asked_for_and_not_paid_again() {
    let buyer = Buyer::new().await;
    buyer.wallet.misbehave(FakeFault::LoseOutcome);
    let lost = buyer.get("/weather", &[]).await;
    assert_eq!(lost.exit, Exit::Unknown, "{}", lost.report);
    assert!(lost.report.contains("run the same command again"), "{}", lost.report);
    buyer.wallet.behave();
    let found = buyer.get("/weather", &[]).await;
    assert_eq!((found.exit, found.out.as_str()), (Exit::Served, "GET weather "));
    assert!(found.report.starts_with("an earlier call paid 21 sat"), "{}", found.report);
    assert_eq!(buyer.paid(), 1);
}

#[tokio::test]
async fn a4_nothing_is_paid_while_a_payment_is_under_way() {
    let buyer = Buyer::new().await;
    buyer.wallet.misbehave(FakeFault::Hang);
    for _ in 0..2 {
        assert_eq!(buyer.get("/weather", &["--pay-timeout", "0.1"]).await.exit, Exit::Unknown);
    }
    assert_eq!((buyer.paid(), buyer.payee.invoices_asked()), (0, 1));
}

/// Runs a command until it has begun to pay, and ends all that it does.
fn kill_when_begun(buyer: &Buyer, path: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let is_begun = async {
            while buyer.payments().intents().unwrap().is_empty() {
                tokio::time::sleep(core::time::Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            outcome = buyer.get(path, &[]) => panic!("it ended: {}", outcome.report),
            begun = tokio::time::timeout(core::time::Duration::from_secs(20), is_begun) => begun.unwrap(),
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a4_killed_between_intent_and_outcome_it_goes_on() {
    let buyer = Buyer::new().await;
    buyer.wallet.misbehave(FakeFault::Hang);
    // The servers go on meanwhile, on threads of the runtime's own.
    std::thread::scope(|scope| scope.spawn(|| kill_when_begun(&buyer, "/weather")).join().unwrap());
    let intents = buyer.payments().intents().unwrap();
    let [intent] = intents.as_slice() else { panic!("the intent is on the disk: {intents:?}") };
    let order = intent.order.as_ref().unwrap();
    let invoice = Invoice::parse(&order.invoice).unwrap();
    assert_eq!((invoice.payment_hash(), invoice.amount_msat()), (intent.payment_hash, Some(Msat::new(21_000))));
    assert_eq!((order.max_fee_msat, order.max_cltv_expiry_delta), (Msat::from_sat(10), 1008));
    let waited = buyer.get("/weather", &["--pay-timeout", "0.1"]).await;
    assert_eq!(waited.exit, Exit::Unknown, "the wallet says that it is under way");
    buyer.wallet.behave();
    let found = buyer.get("/weather", &[]).await;
    assert_eq!((found.exit, found.out.as_str()), (Exit::Served, "GET weather "));
    assert!(found.report.starts_with("an earlier call paid 21 sat"), "{}", found.report);
    assert_eq!((buyer.paid(), buyer.payee.invoices_asked()), (1, 1));
}

#[tokio::test]
async fn a4_a_payment_that_another_call_settles_is_waited_for() {
    let buyer = Buyer::new().await;
    buyer.wallet.misbehave(FakeFault::LoseOutcome);
    assert_eq!(buyer.get("/weather", &[]).await.exit, Exit::Unknown);
    buyer.wallet.behave();
    let payments = buyer.payments();
    let other_call = payments.adopt(&payments.intents().unwrap()[0].payment_hash).unwrap().unwrap();
    let held = buyer.get("/weather", &[]).await;
    assert_eq!(held.exit, Exit::Unknown, "{}", held.report);
    assert!(held.report.contains("another command is resolving payment"), "{}", held.report);
    assert_eq!(buyer.get("/poems", &[]).await.exit, Exit::Served, "another path is not held up");
    let (served, ()) = tokio::join!(buyer.get("/weather", &[]), async {
        tokio::time::sleep(core::time::Duration::from_millis(500)).await;
        drop(other_call);
    });
    assert_eq!(served.exit, Exit::Served, "{}", served.report);
    assert_eq!(buyer.paid(), 2);
}

#[tokio::test]
async fn a9_who_waits_in_vain_for_another_call_pays_nothing() {
    let buyer = Buyer::new().await;
    let origin = buyer.shop.url("").parse().unwrap();
    let turn = buyer.payments().try_turn(&origin, &http::Method::GET, "/weather").unwrap().unwrap();
    let waited = buyer.get("/weather", &["--pay-timeout", "0.1", "--timeout", "0.2"]).await;
    assert_eq!(waited.exit, Exit::Unknown, "{}", waited.report);
    assert!(waited.report.contains("another call is buying the same"), "{}", waited.report);
    assert_eq!((buyer.paid(), buyer.shop.requests()), (0, 0));
    drop(turn);
    assert_eq!(buyer.get("/weather", &[]).await.exit, Exit::Served);
}

#[cfg(feature = "ldk")]
#[tokio::test]
async fn a4_only_the_wallet_that_paid_is_asked() {
    let buyer = Buyer::new().await;
    buyer.wallet.misbehave(FakeFault::LoseOutcome);
    assert_eq!(buyer.get("/weather", &[]).await.exit, Exit::Unknown);
    buyer.wallet.behave();
    let other = buyer.get("/weather", &["--wallet", "ldk"]).await;
    assert_eq!(other.exit, Exit::Unknown);
    assert!(other.report.contains("--wallet sandbox"), "{}", other.report);
    assert_eq!(buyer.paid(), 1);
}

#[cfg(feature = "ldk")]
#[tokio::test]
async fn a4_the_node_of_another_network_is_not_asked() {
    let buyer = Buyer::new().await;
    buyer.wallet.misbehave(FakeFault::LoseOutcome);
    assert_eq!(buyer.get("/weather", &["--wallet", "ldk"]).await.exit, Exit::Unknown);
    buyer.wallet.behave();
    for (wallet, hint) in [("ldk/bitcoin", "--wallet ldk --network bitcoin"), ("ldk", "--wallet ldk,")] {
        buyer.sql(&format!("UPDATE payments SET wallet = '{wallet}'"));
        let other = buyer.get("/weather", &["--wallet", "ldk"]).await;
        assert_eq!(other.exit, Exit::Unknown, "{wallet}: {}", other.report);
        assert!(other.report.contains(hint), "{}", other.report);
        assert_eq!(buyer.payments().intents().unwrap().len(), 1, "{wallet}: it stays open");
    }
    buyer.sql("UPDATE payments SET wallet = 'ldk/regtest'");
    assert_eq!(buyer.get("/weather", &["--wallet", "ldk"]).await.exit, Exit::Served);
    assert_eq!(buyer.paid(), 1);
}

//! Payments that fail for certain: no money moves, the payer is told why, and the same invoice can still be paid where it is sound.

use core::time::Duration;
use std::time::SystemTime;

use bitcoin::secp256k1::SecretKey;
use l402_core::{Msat, PaymentHash, UnixSeconds};
use l402_lightning::testing::{ForgedInvoice, forge};
use l402_lightning::{
    FailureReason, Invoice, InvoiceRequest, InvoiceSource as _, InvoiceSourceError, Network as Chain, PayError,
    PayLimit, PaymentSource as _, PaymentStatus, SettlementSource as _,
};
use serde_json::json;

use crate::town::{AMOUNT_MSAT, Town, in_town, pay_within, refused};

#[test]
#[ignore = "needs LND: just interop"]
fn no_route_is_told_and_nothing_sent() {
    in_town(async |town| {
        for (name, payer) in &town.payers {
            // Only its ends know the channel of this payee, and its invoice gives no hint to it.
            let hidden = lnd_invoice(town, "narrow-lnd", &json!({ "value_msat": AMOUNT_MSAT.to_string() })).await;
            let fault = refused(payer, &hidden, PayLimit::fee(Msat::new(10_000))).await;
            assert!(matches!(fault, PayError::NoRoute), "{name}: {fault:?}");
        }
    });
}

#[test]
#[ignore = "needs LND: just interop"]
fn a8_a_fee_above_the_limit_is_not_paid() {
    in_town(async |town| {
        for (name, payer) in &town.payers {
            let invoice = town.invoice(AMOUNT_MSAT).await;
            let fault = refused(payer, &invoice, PayLimit::fee(Msat::new(HOP_FEE_MSAT - 1))).await;
            assert!(matches!(fault, PayError::NoRoute), "{name}: {fault:?}");
            let enough = PayLimit { timeout: Duration::from_secs(30), ..PayLimit::fee(Msat::new(HOP_FEE_MSAT)) };
            let paid = payer.pay(&invoice, enough).await.unwrap();
            assert_eq!(paid.fee_msat, Msat::new(HOP_FEE_MSAT), "{name}");
        }
    });
}

#[test]
#[ignore = "needs LND: just interop"]
fn a8_a_time_lock_above_the_limit_is_not_entered() {
    in_town(async |town| {
        for (name, payer) in &town.payers {
            let invoice = town.invoice(AMOUNT_MSAT).await;
            let last_hop = u32::try_from(invoice.decoded().min_final_cltv_expiry_delta()).unwrap();
            // Too short for the last hop alone, then for the hop before it.
            for max_cltv_expiry_delta in [last_hop - 1, last_hop + HOP_BLOCKS / 2] {
                let short = PayLimit { max_cltv_expiry_delta, ..PayLimit::fee(Msat::new(10_000)) };
                let fault = refused(payer, &invoice, short).await;
                assert!(matches!(fault, PayError::NoRoute), "{name}, {max_cltv_expiry_delta} blocks: {fault:?}");
            }
            pay_within(payer, &invoice, PATIENCE).await.unwrap();
        }
    });
}

#[test]
#[ignore = "needs LND: just interop"]
fn insufficient_outbound_is_told_and_nothing_sent() {
    in_town(async |town| {
        for (name, payer) in &town.payers {
            // A payer owns 500,000 sat; the seller can receive ten times as much.
            let invoice = town.invoice(600_000_000).await;
            let fault = refused(payer, &invoice, PayLimit::fee(Msat::new(10_000_000))).await;
            assert!(
                matches!(fault, PayError::InsufficientBalance { amount_msat } if amount_msat == Msat::new(600_000_000)),
                "{name}: {fault:?}"
            );
            pay_within(payer, &town.invoice(AMOUNT_MSAT).await, PATIENCE).await.unwrap();
        }
    });
}

#[test]
#[ignore = "needs LND: just interop"]
fn insufficient_inbound_fails_for_certain() {
    in_town(async |town| {
        for (name, payer) in &town.payers {
            // An LND shows an invoice that it cannot be paid; the node before it says so.
            let invoice =
                Invoice::parse(&town.network.lnd("narrow-lnd").invoice(Msat::new(100_000_000)).await.unwrap()).unwrap();
            let fault = refused(payer, &invoice, PayLimit::fee(Msat::new(1_000_000))).await;
            assert!(
                matches!(fault, PayError::NoRoute | PayError::Failed(FailureReason::RetriesExhausted)),
                "{name}: {fault:?}"
            );
        }
        // An LDK node shows none.
        let request =
            InvoiceRequest { amount_msat: Msat::new(100_000_000), description: "", expiry: Duration::from_hours(1) };
        match town.network.ldk("narrow-ldk").create_invoice(request).await {
            Err(InvoiceSourceError::NoInboundLiquidity { amount_msat }) => {
                assert_eq!(amount_msat, Msat::new(100_000_000));
            }
            other => panic!("no inbound liquidity expected, not {other:?}"),
        }
    });
}

#[test]
#[ignore = "needs LND: just interop"]
fn an_expired_invoice_is_not_paid() {
    in_town(async |town| {
        let request =
            InvoiceRequest { amount_msat: Msat::new(AMOUNT_MSAT), description: "", expiry: Duration::from_secs(1) };
        let invoice = town.seller.create_invoice(request).await.unwrap();
        while now() < invoice.expires_at().get() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        for (name, payer) in &town.payers {
            let fault = refused(payer, &invoice, PayLimit::fee(Msat::new(10_000))).await;
            assert!(matches!(fault, PayError::Expired), "{name}: {fault:?}");
        }
    });
}

#[test]
#[ignore = "needs LND: just interop"]
fn a_cancelled_invoice_is_refused_by_its_payee() {
    in_town(async |town| {
        let invoice = town.invoice(AMOUNT_MSAT).await;
        let mut lncli = town.network.lnd("seller").lncli();
        let done = lncli.arg("cancelinvoice").arg(invoice.payment_hash().to_string()).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        for (name, payer) in &town.payers {
            let fault = refused(payer, &invoice, PayLimit::fee(Msat::new(10_000))).await;
            assert!(matches!(fault, PayError::Failed(FailureReason::Rejected)), "{name}: {fault:?}");
        }
    });
}

#[test]
#[ignore = "needs LND: just interop"]
fn a1_an_amountless_invoice_is_not_paid() {
    in_town(async |town| {
        let invoice = lnd_invoice(town, "seller", &json!({})).await;
        assert_eq!(invoice.amount_msat(), None);
        for (name, payer) in &town.payers {
            let fault = refused(payer, &invoice, PayLimit::fee(Msat::new(10_000))).await;
            assert!(matches!(fault, PayError::NoAmount), "{name}: {fault:?}");
        }
    });
}

#[test]
#[ignore = "needs LND: just interop"]
fn a1_an_invoice_of_another_network_is_not_paid() {
    in_town(async |town| {
        // The same payment that the seller waits for, on another chain.
        let payment_hash = town.invoice(AMOUNT_MSAT).await.payment_hash();
        for network in [Chain::Bitcoin, Chain::Testnet, Chain::Signet] {
            let invoice = forged(network, Some(Msat::new(AMOUNT_MSAT)), payment_hash);
            for (name, payer) in &town.payers {
                match refused(payer, &invoice, PayLimit::fee(Msat::new(10_000))).await {
                    PayError::WrongNetwork { expected: Chain::Regtest, found } => assert_eq!(found, network),
                    fault => panic!("{name}: {fault:?}"),
                }
            }
        }
    });
}

/// Both show their money at about the same time; the payee takes it of one.
#[test]
#[ignore = "needs LND: just interop"]
fn a4_of_two_wallets_that_pay_one_challenge_one_pays_and_both_learn_it() {
    in_town(async |town| {
        let invoice = town.invoice(AMOUNT_MSAT).await;
        let hash = invoice.payment_hash();
        let [(_, one), (_, other)] = &town.payers;
        let (first, second) = tokio::join!(pay_within(one, &invoice, PATIENCE), pay_within(other, &invoice, PATIENCE));
        let (winner, loser, fault) = match (first, second) {
            (Ok(()), Err(fault)) => (one, other, fault),
            (Err(fault), Ok(())) => (other, one, fault),
            both => panic!("one payment expected, not {both:?}"),
        };
        assert!(matches!(fault, PayError::Failed(FailureReason::Rejected)), "{fault:?}");
        assert!(matches!(winner.payment(&hash).await.unwrap(), PaymentStatus::Succeeded(_)));
        assert!(matches!(loser.payment(&hash).await.unwrap(), PaymentStatus::Failed));
        let settled = town.network.lnd("seller").get(&format!("/v1/invoice/{hash}")).await.unwrap();
        assert_eq!(settled["amt_paid_msat"], AMOUNT_MSAT.to_string());
    });
}

/// Its invoices leave no trace, so that it cannot tell a second payment from the first.
#[test]
#[ignore = "needs LND: just interop"]
fn an_ldk_payee_takes_a_challenge_from_each_wallet_that_pays_it() {
    in_town(async |town| {
        let seller = town.network.ldk("seller-ldk");
        let request =
            InvoiceRequest { amount_msat: Msat::new(AMOUNT_MSAT), description: "", expiry: Duration::from_hours(1) };
        let invoice = seller.create_invoice(request).await.unwrap();
        for (_, payer) in &town.payers {
            pay_within(payer, &invoice, PATIENCE).await.unwrap();
            assert_eq!(seller.settled_msat(&invoice.payment_hash()).await.unwrap(), Some(Msat::new(AMOUNT_MSAT)));
        }
    });
}

/// Returns an invoice of an unknown node for the payment `payment_hash`.
pub(crate) fn forged(network: Chain, amount_msat: Option<Msat>, payment_hash: PaymentHash) -> Invoice {
    forge(&ForgedInvoice {
        network,
        amount_msat,
        description: "forged",
        made_at: UnixSeconds::new(now()),
        expiry: Duration::from_hours(1),
        payment_hash,
        payee: SecretKey::from_slice(&[0x5e; 32]).unwrap(),
    })
}

/// Has an invoice made by LND's own interface, as `what` says.
pub(crate) async fn lnd_invoice(town: &Town, name: &str, what: &serde_json::Value) -> Invoice {
    let answer = town.network.lnd(name).post("/v1/invoices", what).await.unwrap();
    Invoice::parse(answer["payment_request"].as_str().unwrap()).unwrap()
}

fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

/// What the hub takes for passing on [`AMOUNT_MSAT`]: LND's own choice is a satoshi and a millionth.
const HOP_FEE_MSAT: u64 = 1000;

/// By how many blocks the hub wants to be earlier: LND's own choice.
const HOP_BLOCKS: u32 = 80;

const PATIENCE: Duration = Duration::from_secs(30);

//! Payments that the payee keeps waiting: an invoice whose preimage LND does not have until it is told.

use core::time::Duration;

use l402_core::{Msat, Preimage};
use l402_lightning::{FailureReason, Invoice, PayError, PayLimit, PaymentSource, PaymentStatus};
use l402_regtest::lnd::LndNode;
use tokio::time::{sleep, timeout};

use crate::town::{AMOUNT_MSAT, SOON, in_town, outcome, pay_within, refused, succeeds};

/// An invoice that is paid only when it is told to be.
pub(crate) struct Hold {
    pub(crate) invoice: Invoice,
    preimage: Preimage,
}

impl Hold {
    /// Has one made.
    pub(crate) async fn of(lnd: &LndNode) -> Self {
        let random = Invoice::parse(&lnd.invoice(Msat::new(1)).await.unwrap()).unwrap().payment_hash();
        let preimage = Preimage::from_bytes(*random.as_bytes());
        let made = lncli(lnd, &["addholdinvoice", &format!("--amt_msat={AMOUNT_MSAT}"), &preimage.hash().to_string()]);
        let made: serde_json::Value = serde_json::from_slice(&made).unwrap();
        let invoice = Invoice::parse(made["payment_request"].as_str().unwrap()).unwrap();
        assert_eq!(invoice.payment_hash(), preimage.hash());
        Self { invoice, preimage }
    }

    /// Waits until the payee has the money in its hands, and returns in how many parts.
    pub(crate) async fn arrives(&self, lnd: &LndNode) -> usize {
        let arrived = async {
            loop {
                let found = self.lookup(lnd).await;
                if found["state"] == "ACCEPTED" {
                    return found["htlcs"].as_array().unwrap().len();
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(SOON, arrived).await.unwrap()
    }

    /// Takes the money.
    pub(crate) fn settle(&self, lnd: &LndNode) {
        lncli(lnd, &["settleinvoice", self.preimage.to_hex().expose()]);
    }

    /// Gives it back.
    pub(crate) fn cancel(&self, lnd: &LndNode) {
        lncli(lnd, &["cancelinvoice", &self.preimage.hash().to_string()]);
    }

    /// Returns what the payee has received for it, once it was settled.
    pub(crate) async fn received_msat(&self, lnd: &LndNode) -> u64 {
        let found = self.lookup(lnd).await;
        assert_eq!((&found["state"], found["htlcs"].as_array().unwrap().len()), (&"SETTLED".into(), 1), "{found}");
        found["amt_paid_msat"].as_str().unwrap().parse().unwrap()
    }

    async fn lookup(&self, lnd: &LndNode) -> serde_json::Value {
        lnd.get(&format!("/v1/invoice/{}", self.preimage.hash())).await.unwrap()
    }
}

/// Begins to pay, and gives up waiting while the payee has the money in its hands.
pub(crate) async fn begin(payer: &impl PaymentSource, hold: &Hold, seller: &LndNode) {
    let (paid, parts) = tokio::join!(pay_within(payer, &hold.invoice, MOMENT), hold.arrives(seller));
    assert!(paid.as_ref().is_err_and(PayError::is_unknown), "{paid:?}");
    assert_eq!(parts, 1);
    still_unknown(payer, hold).await;
}

/// A question, and a second attempt to pay, learn that nothing is known; never that it failed.
pub(crate) async fn still_unknown(payer: &impl PaymentSource, hold: &Hold) {
    let status = payer.payment(&hold.invoice.payment_hash()).await.unwrap();
    assert!(matches!(status, PaymentStatus::Pending), "{status:?}");
    let again = pay_within(payer, &hold.invoice, MOMENT).await.unwrap_err();
    assert!(again.is_unknown(), "{again:?}");
}

#[test]
#[ignore = "needs LND: just interop"]
fn a4_an_invoice_that_never_settles_is_unknown_until_its_payee_cancels() {
    in_town(async |town| {
        let seller = town.network.lnd("seller");
        for (name, payer) in &town.payers {
            let hold = Hold::of(seller).await;
            begin(payer, &hold, seller).await;
            assert_eq!(hold.arrives(seller).await, 1, "{name} paid a second time");
            hold.cancel(seller);
            let status = outcome(payer, &hold.invoice.payment_hash(), SOON).await;
            assert!(matches!(status, PaymentStatus::Failed), "{name}: {status:?}");
            let fault = refused(payer, &hold.invoice, PayLimit::fee(Msat::new(10_000))).await;
            assert!(matches!(fault, PayError::Failed(FailureReason::Rejected)), "{name}: {fault:?}");
        }
    });
}

#[test]
#[ignore = "needs LND: just interop"]
fn a4_an_invoice_that_settles_late_is_paid_once() {
    in_town(async |town| {
        let seller = town.network.lnd("seller");
        for (name, payer) in &town.payers {
            let hold = Hold::of(seller).await;
            begin(payer, &hold, seller).await;
            hold.settle(seller);
            succeeds(payer, &hold.invoice.payment_hash()).await;
            pay_within(payer, &hold.invoice, SOON).await.unwrap();
            assert_eq!(hold.received_msat(seller).await, AMOUNT_MSAT, "{name}");
        }
    });
}

fn lncli(lnd: &LndNode, call: &[&str]) -> Vec<u8> {
    let done = lnd.lncli().args(call).output().unwrap();
    assert!(done.status.success(), "{call:?}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// How long a client waits that gives up soon.
const MOMENT: Duration = Duration::from_secs(2);

//! What became of payments without a known outcome: the wallet is asked, and nothing is paid.

use crate::store::payments::{Closing, OpenPayment, Payments, PaymentsError};
use crate::store::record::Intent;
use l402_core::purchase::{Step, Unresolved};
use l402_http::pay::{Order, payment_status};
use l402_lightning::{LookupError, PaymentSource, PaymentStatus, unix_now};

/// A payment, and what was learned of it.
#[derive(Debug)]
pub struct Resolved {
    /// What was about to be paid.
    pub intent: Intent,
    /// What became of it.
    pub finding: Finding,
}

/// What became of a payment.
#[derive(Debug)]
pub enum Finding {
    /// It was paid, and its token is kept.
    Paid,
    /// It was not paid, and will not be.
    NotPaid,
    /// The wallet cannot say yet.
    Unknown(Unresolved),
    /// The wallet could not be asked.
    Silent(LookupError),
    /// Another wallet was asked to pay: the one of this name.
    OtherWallet(String),
    /// Another call is settling it at this moment.
    Held,
}

/// Asks about each payment without an outcome. `wallet_name` is the name under which the wallet's payments are recorded.
///
/// # Errors
/// [`PaymentsError`] where the record cannot be read or written.
pub async fn all(
    payments: &Payments,
    wallet: &impl PaymentSource,
    wallet_name: &str,
) -> Result<Vec<Resolved>, PaymentsError> {
    let mut resolved = Vec::new();
    for intent in payments.intents().map_err(PaymentsError::Database)? {
        if let Some(finding) = settle(payments, &intent, wallet, wallet_name).await? {
            resolved.push(Resolved { intent, finding });
        }
    }
    Ok(resolved)
}

/// Returns what became of a payment; `None` where somebody else has settled it meanwhile.
async fn settle(
    payments: &Payments,
    intent: &Intent,
    wallet: &impl PaymentSource,
    wallet_name: &str,
) -> Result<Option<Finding>, PaymentsError> {
    if intent.wallet != wallet_name {
        return Ok(Some(Finding::OtherWallet(intent.wallet.clone())));
    }
    match payments.adopt(&intent.payment_hash) {
        Ok(None) => Ok(None),
        Ok(Some(payment)) => ask(payment, wallet).await.map(Some),
        Err(PaymentsError::Held(_)) => Ok(Some(Finding::Held)),
        Err(fault) => Err(fault),
    }
}

/// Asks the wallet, and records what is known then. What to pay again is left to the next call for the same URL.
async fn ask(payment: OpenPayment, wallet: &impl PaymentSource) -> Result<Finding, PaymentsError> {
    let (hash, order) = (payment.intent().payment_hash, payment.intent().order.as_ref());
    let found = match wallet.payment(&hash).await {
        Ok(found) => found,
        Err(fault) => return Ok(Finding::Silent(fault)),
    };
    let step = Order::record(order).after_lookup(payment_status(&found, &hash), unix_now()).without_paying();
    match (step, found) {
        (Step::Prove, PaymentStatus::Succeeded(paid)) => {
            let kept = payment.intent().prove(paid);
            payment.paid(&kept).map_err(PaymentsError::Database)?;
            Ok(Finding::Paid)
        }
        (Step::NotPaid, _) => {
            payment.close(Closing::NotPaid).map_err(PaymentsError::Database)?;
            Ok(Finding::NotPaid)
        }
        (Step::Unknown(why) | Step::PayAgain(why), _) => Ok(Finding::Unknown(why)),
        (Step::Prove | Step::Wait, _) => Ok(Finding::Unknown(Unresolved::Pending)),
    }
}

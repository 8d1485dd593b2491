//! Payments.

use l402_agent::store::record::{Intent, PaymentOutcome, Recorded};
use schemars::JsonSchema;
use serde::Serialize;

/// `l402 payments list`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PaymentList {
    /// The payments, oldest first: with `--all` every one, else those with an unknown outcome.
    pub payments: Vec<ShownPayment>,
}

/// A payment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ShownPayment {
    /// The payment hash.
    pub payment_hash: String,
    /// What the invoice asked for.
    pub amount_msat: u64,
    /// The wallet that was asked to pay.
    pub wallet: String,
    /// Who was to be paid.
    pub origin: String,
    /// The method of the request that was paid for.
    pub method: String,
    /// The path of that request.
    pub path: String,
    /// When it was recorded, before the wallet was asked.
    pub at: u64,
    /// What became of it.
    pub outcome: Outcome,
    /// The routing fee of a payment that succeeded.
    pub fee_msat: Option<u64>,
}

/// What became of a payment.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nobody knows yet; it stays reserved.
    Unknown,
    /// It succeeded.
    Paid,
    /// No money moved.
    NotPaid,
    /// The owner gave it up; it counts as spent.
    Forgotten,
}

impl ShownPayment {
    /// Describes a payment without an outcome.
    pub fn open(intent: &Intent) -> Self {
        Self {
            payment_hash: intent.payment_hash.to_string(),
            amount_msat: intent.amount_msat.get(),
            wallet: intent.wallet.clone(),
            origin: intent.origin.to_string(),
            method: intent.method.to_string(),
            path: intent.path.clone(),
            at: intent.at.get(),
            outcome: Outcome::Unknown,
            fee_msat: None,
        }
    }

    /// Describes a payment with what became of it.
    pub fn new(Recorded { intent, outcome }: &Recorded) -> Self {
        let (outcome, fee_msat) = match outcome {
            None => (Outcome::Unknown, None),
            Some(PaymentOutcome::Paid { fee_msat }) => (Outcome::Paid, Some(fee_msat.get())),
            Some(PaymentOutcome::NotPaid) => (Outcome::NotPaid, None),
            Some(PaymentOutcome::Forgotten) => (Outcome::Forgotten, None),
        };
        Self { outcome, fee_msat, ..Self::open(intent) }
    }
}

/// `l402 payments resolve`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ResolutionList {
    /// The payments that had an unknown outcome.
    pub payments: Vec<Resolution>,
}

/// What was learned of a payment.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Resolution {
    /// The payment.
    pub payment_hash: String,
    /// What the invoice asked for.
    pub amount_msat: u64,
    /// The wallet that was asked to pay.
    pub wallet: String,
    /// Who was to be paid.
    pub origin: String,
    /// What was learned.
    pub finding: Finding,
    /// Why nothing was learned; the text may change.
    pub why: Option<String>,
}

impl Resolution {
    /// Describes what was learned.
    pub fn new(intent: &Intent, finding: Finding, why: Option<String>) -> Self {
        Self {
            payment_hash: intent.payment_hash.to_string(),
            amount_msat: intent.amount_msat.get(),
            wallet: intent.wallet.clone(),
            origin: intent.origin.to_string(),
            finding,
            why,
        }
    }
}

/// What was learned of a payment.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It succeeded, and its token is kept.
    Paid,
    /// No money moved.
    NotPaid,
    /// The wallet cannot say yet.
    Unknown,
    /// The wallet could not be asked.
    Silent,
    /// Another wallet was asked to pay.
    OtherWallet,
    /// Another command is resolving it.
    Held,
}

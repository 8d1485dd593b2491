//! What is asked of a wallet and what it answers (NIP-47 §Commands), reduced to the fields that are needed.
//!
//! 1. A request type is its call: [`Call`] ties it to its method and its answer.
//! 2. What is not listed here is skipped as it is read.

use core::fmt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A request to a wallet.
pub(crate) trait Call: Serialize + Sync {
    /// What comes back.
    type Answer: DeserializeOwned;
    /// The name of the method.
    const METHOD: &'static str;
}

/// A request as it is written.
#[derive(Serialize)]
pub(crate) struct Request<'a, C> {
    pub(crate) method: &'static str,
    pub(crate) params: &'a C,
}

/// An answer: a result, or what went wrong.
#[derive(Deserialize)]
#[serde(bound = "A: DeserializeOwned")]
pub(crate) struct Response<A> {
    #[serde(default)]
    pub(crate) result_type: String,
    #[serde(default)]
    pub(crate) error: Option<WireError>,
    #[serde(default)]
    pub(crate) result: Option<A>,
}

#[derive(Deserialize)]
pub(crate) struct WireError {
    #[serde(default)]
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
}

/// `get_info`: what the wallet is, and what this connection may do.
#[derive(Serialize)]
pub(crate) struct GetInfo {}

impl Call for GetInfo {
    type Answer = WalletInfo;
    const METHOD: &'static str = "get_info";
}

#[derive(Deserialize, Default)]
pub(crate) struct WalletInfo {
    #[serde(default)]
    pub(crate) alias: Option<String>,
    #[serde(default)]
    pub(crate) network: Option<String>,
    #[serde(default)]
    pub(crate) methods: Option<Vec<String>>,
}

/// `pay_invoice`.
#[derive(Serialize)]
pub(crate) struct PayInvoice<'a> {
    pub(crate) invoice: &'a str,
}

impl Call for PayInvoice<'_> {
    type Answer = WirePaid;
    const METHOD: &'static str = "pay_invoice";
}

/// `Debug` does not show the preimage.
#[derive(Deserialize)]
pub(crate) struct WirePaid {
    #[serde(default)]
    pub(crate) preimage: Option<Zeroizing<String>>,
    /// In millisatoshis.
    #[serde(default)]
    pub(crate) fees_paid: Option<u64>,
}

impl fmt::Debug for WirePaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WirePaid").field("fees_paid", &self.fees_paid).finish_non_exhaustive()
    }
}

/// `lookup_invoice`, for what was paid.
#[derive(Serialize)]
pub(crate) struct LookupSent<'a> {
    pub(crate) payment_hash: &'a str,
}

impl Call for LookupSent<'_> {
    type Answer = SentTransaction;
    const METHOD: &'static str = LOOKUP_INVOICE;
}

/// `list_transactions`, of what was paid.
#[derive(Serialize)]
pub(crate) struct ListSent {
    pub(crate) from: u64,
    pub(crate) until: u64,
    pub(crate) limit: u64,
    pub(crate) offset: u64,
    /// Those too that have failed.
    pub(crate) unpaid: bool,
    pub(crate) r#type: &'static str,
}

impl Call for ListSent {
    type Answer = SentTransactions;
    const METHOD: &'static str = "list_transactions";
}

#[derive(Deserialize)]
pub(crate) struct SentTransactions {
    #[serde(default)]
    pub(crate) transactions: Vec<SentTransaction>,
}

/// A payment. `Debug` does not show the preimage.
#[derive(Deserialize)]
pub(crate) struct SentTransaction {
    #[serde(default)]
    pub(crate) r#type: Option<String>,
    #[serde(default)]
    pub(crate) state: Option<String>,
    #[serde(default)]
    pub(crate) payment_hash: Option<String>,
    #[serde(default)]
    pub(crate) preimage: Option<Zeroizing<String>>,
    /// In millisatoshis.
    #[serde(default)]
    pub(crate) amount: Option<u64>,
    /// In millisatoshis.
    #[serde(default)]
    pub(crate) fees_paid: Option<u64>,
    #[serde(default)]
    pub(crate) settled_at: Option<u64>,
}

impl fmt::Debug for SentTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { r#type, state, payment_hash, amount, fees_paid, .. } = self;
        f.debug_struct("SentTransaction")
            .field("type", r#type)
            .field("state", state)
            .field("payment_hash", payment_hash)
            .field("amount", amount)
            .field("fees_paid", fees_paid)
            .finish_non_exhaustive()
    }
}

pub(crate) const LOOKUP_INVOICE: &str = "lookup_invoice";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o2_what_a_payer_reads_shows_no_preimage() {
        let text = r#"{"preimage":"CANARY","fees_paid":3}"#;
        let paid: WirePaid = serde_json::from_str(text).unwrap();
        assert_eq!(paid.fees_paid, Some(3));
        assert!(!format!("{paid:?}").contains("CANARY"));
        let found: SentTransaction = serde_json::from_str(text).unwrap();
        assert!(!format!("{found:?}").contains("CANARY"));
    }
}

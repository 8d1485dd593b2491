//! What a payee asks of a wallet and what it answers (NIP-47 §Commands, §Notification events), reduced to the fields that are needed.
//!
//! No answer here has a field for a preimage: one that a wallet shows with an invoice never becomes a value of this process (threats L4, T1).

use crate::wire::{Call, LOOKUP_INVOICE};
use serde::{Deserialize, Serialize};

/// `make_invoice`.
#[derive(Serialize)]
pub(crate) struct MakeInvoice<'a> {
    /// In millisatoshis.
    pub(crate) amount: u64,
    pub(crate) description: &'a str,
    /// In seconds.
    pub(crate) expiry: u64,
}

impl Call for MakeInvoice<'_> {
    type Answer = MadeInvoice;
    const METHOD: &'static str = "make_invoice";
}

/// An invoice of the wallet's. Its preimage is left out on purpose.
#[derive(Debug, Deserialize)]
pub(crate) struct MadeInvoice {
    #[serde(default)]
    pub(crate) invoice: String,
    #[serde(default)]
    pub(crate) payment_hash: Option<String>,
}

/// `lookup_invoice`, for what was to be received.
#[derive(Serialize)]
pub(crate) struct LookupReceived<'a> {
    pub(crate) payment_hash: &'a str,
}

impl Call for LookupReceived<'_> {
    type Answer = ReceivedTransaction;
    const METHOD: &'static str = LOOKUP_INVOICE;
}

/// `list_transactions`, of what can be received.
#[derive(Serialize)]
pub(crate) struct ListReceived {
    pub(crate) from: u64,
    pub(crate) limit: u64,
    pub(crate) offset: u64,
    /// Those too that nobody has paid.
    pub(crate) unpaid: bool,
    pub(crate) r#type: &'static str,
}

impl Call for ListReceived {
    type Answer = ReceivedTransactions;
    const METHOD: &'static str = "list_transactions";
}

#[derive(Deserialize)]
pub(crate) struct ReceivedTransactions {
    #[serde(default)]
    pub(crate) transactions: Vec<ReceivedTransaction>,
}

/// A payment to the wallet. Its preimage is left out on purpose.
#[derive(Debug, Deserialize)]
pub(crate) struct ReceivedTransaction {
    #[serde(default)]
    pub(crate) r#type: Option<String>,
    #[serde(default)]
    pub(crate) state: Option<String>,
    #[serde(default)]
    pub(crate) payment_hash: Option<String>,
    /// In millisatoshis.
    #[serde(default)]
    pub(crate) amount: Option<u64>,
    #[serde(default)]
    pub(crate) settled_at: Option<u64>,
    #[serde(default)]
    pub(crate) expires_at: Option<u64>,
}

/// What a wallet tells by itself. Its preimage is left out on purpose.
#[derive(Debug, Deserialize)]
pub(crate) struct Notice {
    #[serde(default)]
    pub(crate) notification_type: String,
    #[serde(default)]
    pub(crate) notification: NoticeOf,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct NoticeOf {
    #[serde(default)]
    pub(crate) payment_hash: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Request, Response};

    #[test]
    fn requests_are_written_as_the_protocol_has_them() {
        let params = &MakeInvoice { amount: 21_000, description: "\"weather\"", expiry: 60 };
        let text = serde_json::to_string(&Request { method: MakeInvoice::METHOD, params }).unwrap();
        assert_eq!(
            text,
            r#"{"method":"make_invoice","params":{"amount":21000,"description":"\"weather\"","expiry":60}}"#
        );
    }

    #[test]
    fn l4_what_a_payee_reads_has_no_preimage() {
        let text = r#"{"result_type":"lookup_invoice","error":null,"result":{"type":"incoming","state":"settled","invoice":"lnbc1",
            "preimage":"CANARY","payment_hash":"aa","amount":21000,"fees_paid":0,"created_at":1,"metadata":{"a":{}}}}"#;
        let read: Response<ReceivedTransaction> = serde_json::from_str(text).unwrap();
        let found = read.result.unwrap();
        assert_eq!((found.state.as_deref(), found.amount), (Some("settled"), Some(21_000)));
        assert!(!format!("{found:?}").contains("CANARY"));
        let notice =
            r#"{"notification_type":"payment_received","notification":{"payment_hash":"aa","preimage":"CANARY"}}"#;
        assert!(!format!("{:?}", serde_json::from_str::<Notice>(notice).unwrap()).contains("CANARY"));
    }
}

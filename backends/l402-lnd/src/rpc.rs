//! The part of LND's gRPC interface that is used: messages with LND's field numbers, reduced to the fields that are needed.
//!
//! 1. A message type is its call: [`Call`] ties the request to its path, its answer and the permission that it takes.
//! 2. What is not listed here is skipped as it is read. That keeps the preimage that LND shows with an *unpaid* invoice
//!    (`Invoice.r_preimage`) out of this process's values (threat L4).
//!
//! Names and numbers are those of `lnrpc/lightning.proto`, `lnrpc/stateservice.proto` and `lnrpc/routerrpc/router.proto`.

use core::fmt;
use prost::Message;

/// An entity and an action on it.
pub(super) type Needs = (&'static str, &'static str);

/// A request to LND.
pub(super) trait Call: Message + Default + 'static {
    /// What comes back, once or as a stream.
    type Answer: Message + Default + 'static;
    /// The path of the method.
    const PATH: &'static str;
    /// The entity and action that the macaroon must allow; `None` where LND asks for none.
    const NEEDS: Option<Needs>;
}

/// `lnrpc.State/GetState`: answered in every state, without a macaroon.
#[derive(Clone, PartialEq, Message)]
pub(super) struct GetStateRequest {}

impl Call for GetStateRequest {
    type Answer = GetStateResponse;
    const PATH: &'static str = "/lnrpc.State/GetState";
    const NEEDS: Option<Needs> = None;
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GetStateResponse {
    #[prost(enumeration = "WalletState", tag = "1")]
    pub(super) state: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum WalletState {
    NonExisting = 0,
    Locked = 1,
    Unlocked = 2,
    RpcActive = 3,
    ServerActive = 4,
    WaitingToStart = 255,
}

/// `lnrpc.Lightning/GetInfo`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct GetInfoRequest {}

impl Call for GetInfoRequest {
    type Answer = GetInfoResponse;
    const PATH: &'static str = "/lnrpc.Lightning/GetInfo";
    const NEEDS: Option<Needs> = Some(("info", "read"));
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct GetInfoResponse {
    /// 66 hexadecimal digits.
    #[prost(string, tag = "1")]
    pub(super) identity_pubkey: String,
    #[prost(string, tag = "2")]
    pub(super) alias: String,
    #[prost(bool, tag = "9")]
    pub(super) synced_to_chain: bool,
    #[prost(string, tag = "14")]
    pub(super) version: String,
    #[prost(message, repeated, tag = "16")]
    pub(super) chains: Vec<Chain>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Chain {
    /// `mainnet`, `testnet`, `testnet4`, `signet`, `regtest` or `simnet`.
    #[prost(string, tag = "2")]
    pub(super) network: String,
}

/// `lnrpc.Lightning/AddInvoice`, whose request is an `lnrpc.Invoice`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AddInvoiceRequest {
    #[prost(string, tag = "1")]
    pub(super) memo: String,
    /// Seconds.
    #[prost(int64, tag = "11")]
    pub(super) expiry: i64,
    /// Whether to hint at channels that are not announced.
    #[prost(bool, tag = "15")]
    pub(super) private: bool,
    #[prost(int64, tag = "23")]
    pub(super) value_msat: i64,
}

impl Call for AddInvoiceRequest {
    type Answer = AddInvoiceResponse;
    const PATH: &'static str = "/lnrpc.Lightning/AddInvoice";
    const NEEDS: Option<Needs> = Some(("invoices", "write"));
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AddInvoiceResponse {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) r_hash: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(super) payment_request: String,
}

/// `lnrpc.Lightning/LookupInvoice`, whose request is an `lnrpc.PaymentHash`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct LookupInvoiceRequest {
    #[prost(bytes = "vec", tag = "2")]
    pub(super) r_hash: Vec<u8>,
}

impl Call for LookupInvoiceRequest {
    type Answer = Invoice;
    const PATH: &'static str = "/lnrpc.Lightning/LookupInvoice";
    const NEEDS: Option<Needs> = Some(("invoices", "read"));
}

/// `lnrpc.Lightning/ListInvoices`: a page of them.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ListInvoicesRequest {
    /// Where it is not zero, the page ends before the invoice with this number.
    #[prost(uint64, tag = "4")]
    pub(super) index_offset: u64,
    #[prost(uint64, tag = "5")]
    pub(super) num_max_invoices: u64,
    /// Whether the page is that of the latest invoices. They are in order all the same.
    #[prost(bool, tag = "6")]
    pub(super) reversed: bool,
}

impl Call for ListInvoicesRequest {
    type Answer = ListInvoicesResponse;
    const PATH: &'static str = "/lnrpc.Lightning/ListInvoices";
    const NEEDS: Option<Needs> = Some(("invoices", "read"));
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ListInvoicesResponse {
    #[prost(message, repeated, tag = "1")]
    pub(super) invoices: Vec<Invoice>,
    /// The number of the first invoice of the page.
    #[prost(uint64, tag = "3")]
    pub(super) first_index_offset: u64,
}

/// `lnrpc.Lightning/SubscribeInvoices`: what is added and settled from now on.
#[derive(Clone, PartialEq, Message)]
pub(super) struct InvoiceSubscription {
    /// Where it is not zero, what was settled after this index comes first.
    #[prost(uint64, tag = "2")]
    pub(super) settle_index: u64,
}

impl Call for InvoiceSubscription {
    type Answer = Invoice;
    const PATH: &'static str = "/lnrpc.Lightning/SubscribeInvoices";
    const NEEDS: Option<Needs> = Some(("invoices", "read"));
}

/// An invoice of the node's own. Its preimage, field 3, is left out on purpose.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Invoice {
    #[prost(bytes = "vec", tag = "4")]
    pub(super) r_hash: Vec<u8>,
    /// In seconds since 1970.
    #[prost(int64, tag = "7")]
    pub(super) creation_date: i64,
    /// Seconds.
    #[prost(int64, tag = "11")]
    pub(super) expiry: i64,
    /// Zero until it is settled.
    #[prost(uint64, tag = "17")]
    pub(super) settle_index: u64,
    #[prost(int64, tag = "20")]
    pub(super) amt_paid_msat: i64,
    #[prost(enumeration = "InvoiceState", tag = "21")]
    pub(super) state: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum InvoiceState {
    Open = 0,
    Settled = 1,
    Canceled = 2,
    /// The payment has arrived, and is held.
    Accepted = 3,
}

/// `routerrpc.Router/SendPaymentV2`: a stream of [`Payment`]s, the last of which is final.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SendPaymentRequest {
    #[prost(string, tag = "5")]
    pub(super) payment_request: String,
    /// For how long further attempts are made; those under way go on.
    #[prost(int32, tag = "6")]
    pub(super) timeout_seconds: i32,
    #[prost(int32, tag = "9")]
    pub(super) cltv_limit: i32,
    #[prost(int64, tag = "13")]
    pub(super) fee_limit_msat: i64,
    #[prost(uint32, tag = "17")]
    pub(super) max_parts: u32,
}

impl Call for SendPaymentRequest {
    type Answer = Payment;
    const PATH: &'static str = "/routerrpc.Router/SendPaymentV2";
    const NEEDS: Option<Needs> = Some(("offchain", "write"));
}

/// `routerrpc.Router/TrackPaymentV2`: the state of a payment, then each change of it.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TrackPaymentRequest {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) payment_hash: Vec<u8>,
}

impl Call for TrackPaymentRequest {
    type Answer = Payment;
    const PATH: &'static str = "/routerrpc.Router/TrackPaymentV2";
    const NEEDS: Option<Needs> = Some(("offchain", "read"));
}

/// A payment that the node was told to send. `Debug` does not show the preimage.
#[derive(Clone, PartialEq, Message)]
#[prost(skip_debug)]
pub(super) struct Payment {
    /// 64 hexadecimal digits, zeros until it has succeeded.
    #[prost(string, tag = "6")]
    pub(super) preimage: String,
    #[prost(int64, tag = "8")]
    pub(super) value_msat: i64,
    #[prost(enumeration = "PaymentState", tag = "10")]
    pub(super) status: i32,
    #[prost(int64, tag = "12")]
    pub(super) fee_msat: i64,
    #[prost(message, repeated, tag = "14")]
    pub(super) htlcs: Vec<HtlcAttempt>,
    /// Another for each attempt at the same payment hash.
    #[prost(uint64, tag = "15")]
    pub(super) index: u64,
    #[prost(enumeration = "PaymentFailure", tag = "16")]
    pub(super) failure_reason: i32,
}

impl fmt::Debug for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payment")
            .field("status", &self.status())
            .field("value_msat", &self.value_msat)
            .field("fee_msat", &self.fee_msat)
            .field("failure_reason", &self.failure_reason())
            .finish_non_exhaustive()
    }
}

/// One way that was tried. Only how many there were is of interest.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HtlcAttempt {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum PaymentState {
    Unknown = 0,
    InFlight = 1,
    Succeeded = 2,
    Failed = 3,
    Initiated = 4,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, prost::Enumeration)]
#[repr(i32)]
pub(super) enum PaymentFailure {
    None = 0,
    Timeout = 1,
    NoRoute = 2,
    Error = 3,
    IncorrectPaymentDetails = 4,
    InsufficientBalance = 5,
    Canceled = 6,
}

/// What LND writes into the identifier of a macaroon, behind a byte of version 3 (`lnrpc.MacaroonId`).
#[derive(Clone, PartialEq, Message)]
pub(super) struct MacaroonId {
    #[prost(message, repeated, tag = "3")]
    pub(super) ops: Vec<Op>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Op {
    #[prost(string, tag = "1")]
    pub(super) entity: String,
    #[prost(string, repeated, tag = "2")]
    pub(super) actions: Vec<String>,
}

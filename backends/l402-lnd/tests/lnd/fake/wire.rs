//! The messages as LND has them, written a second time: what the backend leaves out is here too.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct State {
    #[prost(int32, tag = "1")]
    pub(crate) state: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Info {
    #[prost(string, tag = "1")]
    pub(crate) identity_pubkey: String,
    #[prost(string, tag = "2")]
    pub(crate) alias: String,
    #[prost(bool, tag = "9")]
    pub(crate) synced_to_chain: bool,
    #[prost(string, tag = "14")]
    pub(crate) version: String,
    #[prost(message, repeated, tag = "16")]
    pub(crate) chains: Vec<Chain>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Chain {
    #[prost(string, tag = "1")]
    pub(crate) chain: String,
    #[prost(string, tag = "2")]
    pub(crate) network: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Invoice {
    #[prost(string, tag = "1")]
    pub(crate) memo: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) r_preimage: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) r_hash: Vec<u8>,
    #[prost(int64, tag = "7")]
    pub(crate) creation_date: i64,
    #[prost(int64, tag = "11")]
    pub(crate) expiry: i64,
    #[prost(bool, tag = "15")]
    pub(crate) private: bool,
    #[prost(uint64, tag = "17")]
    pub(crate) settle_index: u64,
    #[prost(int64, tag = "20")]
    pub(crate) amt_paid_msat: i64,
    #[prost(int32, tag = "21")]
    pub(crate) state: i32,
    #[prost(int64, tag = "23")]
    pub(crate) value_msat: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct List {
    #[prost(bool, tag = "1")]
    pub(crate) pending_only: bool,
    #[prost(uint64, tag = "4")]
    pub(crate) index_offset: u64,
    #[prost(uint64, tag = "5")]
    pub(crate) num_max_invoices: u64,
    #[prost(bool, tag = "6")]
    pub(crate) reversed: bool,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Listed {
    #[prost(message, repeated, tag = "1")]
    pub(crate) invoices: Vec<Invoice>,
    #[prost(uint64, tag = "2")]
    pub(crate) last_index_offset: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) first_index_offset: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Added {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) r_hash: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) payment_request: String,
    #[prost(uint64, tag = "16")]
    pub(crate) add_index: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Hash {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) payment_hash: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) r_hash: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Subscription {
    #[prost(uint64, tag = "1")]
    pub(crate) add_index: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) settle_index: u64,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Send {
    #[prost(string, tag = "5")]
    pub(crate) payment_request: String,
    #[prost(int32, tag = "6")]
    pub(crate) timeout_seconds: i32,
    #[prost(int32, tag = "9")]
    pub(crate) cltv_limit: i32,
    #[prost(int64, tag = "13")]
    pub(crate) fee_limit_msat: i64,
    #[prost(uint32, tag = "17")]
    pub(crate) max_parts: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Payment {
    #[prost(string, tag = "6")]
    pub(crate) preimage: String,
    #[prost(int64, tag = "8")]
    pub(crate) value_msat: i64,
    #[prost(int32, tag = "10")]
    pub(crate) status: i32,
    #[prost(int64, tag = "12")]
    pub(crate) fee_msat: i64,
    #[prost(uint64, tag = "15")]
    pub(crate) index: u64,
    #[prost(int32, tag = "16")]
    pub(crate) failure_reason: i32,
}

pub(crate) const IN_FLIGHT: i32 = 1;
pub(crate) const SUCCEEDED: i32 = 2;
pub(crate) const FAILED: i32 = 3;
pub(crate) const NO_ROUTE: i32 = 2;
pub(crate) const SETTLED: i32 = 1;
pub(crate) const LOCKED: i32 = 1;
pub(crate) const SERVER_ACTIVE: i32 = 4;

//! The table of methods.
//!
//! `getinfo` is missing on purpose: LND tells bitcoind from btcd by it.

use serde_json::Value;

use super::error::RpcError;
use super::params::Params;
use super::{blocks, mempool, node, transactions};
use crate::chain::Chain;

/// What answers a method.
pub(super) type Method = fn(&Chain, Params<'_>) -> Result<Value, RpcError>;

const METHODS: &[(&str, Method)] = &[
    ("estimatesmartfee", mempool::estimate_smart_fee),
    ("getbestblockhash", blocks::best_block_hash),
    ("getblock", blocks::block),
    ("getblockchaininfo", blocks::blockchain_info),
    ("getblockcount", blocks::block_count),
    ("getblockhash", blocks::block_hash),
    ("getblockheader", blocks::block_header),
    ("getmempoolentry", mempool::mempool_entry),
    ("getmempoolinfo", mempool::mempool_info),
    ("getnetworkinfo", node::network_info),
    ("getpeerinfo", node::peer_info),
    ("getrawmempool", mempool::raw_mempool),
    ("getrawtransaction", transactions::raw_transaction),
    ("gettxout", transactions::tx_out),
    ("gettxspendingprevout", mempool::tx_spending_prevout),
    ("sendrawtransaction", transactions::send_raw_transaction),
    ("testmempoolaccept", mempool::test_mempool_accept),
    ("uptime", node::uptime),
];

/// The method called `name`.
pub(super) fn find(name: &str) -> Option<Method> {
    METHODS.iter().find(|(known, _)| *known == name).map(|(_, method)| *method)
}

//! Methods about the daemon that this server stands in for.

use serde_json::{Value, json};

use super::error::RpcError;
use super::params::Params;
use crate::chain::Chain;

/// The release whose answers these are; LND chooses its calls by it.
const VERSION: u32 = 280_000;
const SUBVERSION: &str = "/Satoshi:28.0.0/";

pub(super) fn network_info(_: &Chain, _: Params<'_>) -> Result<Value, RpcError> {
    Ok(json!({
        "version": VERSION,
        "subversion": SUBVERSION,
        "connections": 0,
        "networkactive": true,
        "relayfee": super::mempool::min_fee_rate(),
        "warnings": [],
    }))
}

pub(super) fn peer_info(_: &Chain, _: Params<'_>) -> Result<Value, RpcError> {
    Ok(json!([]))
}

/// LND asks for it as a sign of life and ignores the number.
pub(super) fn uptime(_: &Chain, _: Params<'_>) -> Result<Value, RpcError> {
    Ok(json!(1))
}

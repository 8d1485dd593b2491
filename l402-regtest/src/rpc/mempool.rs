//! Methods about the mempool and fees.

use bitcoin::{Amount, Transaction};
use serde_json::{Value, json};

use super::error::RpcError;
use super::params::{self, Params};
use crate::chain::{Chain, MIN_FEE_RATE, State};

pub(super) fn raw_mempool(chain: &Chain, _: Params<'_>) -> Result<Value, RpcError> {
    Ok(json!(chain.lock().mempool().ids()))
}

pub(super) fn mempool_entry(chain: &Chain, params: Params<'_>) -> Result<Value, RpcError> {
    let state = chain.lock();
    let entry = state.mempool().entry(&params.hash(0)?).ok_or(RpcError::NotInMempool)?;
    Ok(json!({
        "vsize": entry.tx.vsize(),
        "weight": entry.tx.weight(),
        "time": entry.time,
        "height": entry.height,
        "wtxid": entry.tx.compute_wtxid(),
        "fees": { "base": entry.fee.to_btc() },
    }))
}

pub(super) fn mempool_info(chain: &Chain, _: Params<'_>) -> Result<Value, RpcError> {
    Ok(json!({
        "loaded": true,
        "size": chain.mempool_size(),
        "mempoolminfee": min_fee_rate(),
        "minrelaytxfee": min_fee_rate(),
        "fullrbf": true,
    }))
}

/// Every block takes everything, so that the least fee is always enough.
pub(super) fn estimate_smart_fee(_: &Chain, params: Params<'_>) -> Result<Value, RpcError> {
    Ok(json!({ "feerate": min_fee_rate(), "blocks": params.optional(0) }))
}

/// Answers for each outpoint whether, and by which transaction, the mempool spends it.
pub(super) fn tx_spending_prevout(chain: &Chain, params: Params<'_>) -> Result<Value, RpcError> {
    let state = chain.lock();
    let spender = |asked: &Value| {
        let outpoint = params::outpoint(asked).ok_or(RpcError::Type(0))?;
        let mut object = json!({ "txid": outpoint.txid, "vout": outpoint.vout });
        if let Some(spender) = state.mempool().spender(&outpoint) {
            object["spendingtxid"] = json!(spender);
        }
        Ok(object)
    };
    params.array(0)?.iter().map(spender).collect()
}

/// Applies the mempool's rules to each transaction, as if it came alone, and changes nothing.
pub(super) fn test_mempool_accept(chain: &Chain, params: Params<'_>) -> Result<Value, RpcError> {
    let state = chain.lock();
    let verdict = |hex: &Value| Ok(verdict(&state, &params::transaction(hex)?));
    params.array(0)?.iter().map(verdict).collect()
}

fn verdict(state: &State, tx: &Transaction) -> Value {
    let mut object = json!({ "txid": tx.compute_txid(), "wtxid": tx.compute_wtxid() });
    match state.accept(tx) {
        Ok(accepted) => {
            object["allowed"] = json!(true);
            object["vsize"] = json!(tx.vsize());
            object["fees"] = json!({ "base": accepted.fee.to_btc() });
        }
        Err(rejected) => {
            object["allowed"] = json!(false);
            object["reject-reason"] = json!(rejected.to_string());
        }
    }
    object
}

/// The least fee in BTC per 1000 vB, the unit of bitcoind's fee rates.
pub(super) fn min_fee_rate() -> f64 {
    Amount::from_sat(MIN_FEE_RATE * 1000).to_btc()
}

//! Methods about transactions and their outputs.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{OutPoint, Txid};
use serde_json::{Value, json};

use super::error::RpcError;
use super::json::{script_object, transaction_object};
use super::params::Params;
use crate::chain::{Chain, State};

/// Hexadecimal (the default), or verbose as an object that says in which block it is.
pub(super) fn raw_transaction(chain: &Chain, params: Params<'_>) -> Result<Value, RpcError> {
    let state = chain.lock();
    let id: Txid = params.hash(0)?;
    let verbose = params.level_or(1, 0)? > 0;
    let waiting = state.mempool().entry(&id).map(|entry| (&entry.tx, None));
    let confirmed = || state.history().transaction(&id).map(|(tx, height)| (tx, Some(height)));
    let (tx, height) = waiting.or_else(confirmed).ok_or(RpcError::TransactionNotFound)?;
    if !verbose {
        return Ok(json!(serialize_hex(tx)));
    }
    let mut object = transaction_object(tx);
    if let Some(height) = height {
        add_block(&state, height, &mut object);
    }
    Ok(object)
}

/// The output if it is unspent, else `null`. The mempool is looked at unless the third parameter says no.
pub(super) fn tx_out(chain: &Chain, params: Params<'_>) -> Result<Value, RpcError> {
    let state = chain.lock();
    let outpoint = OutPoint { txid: params.hash(0)?, vout: params.number(1)? };
    let coin = match params.level_or(2, 1)? {
        0 => state.confirmed_coin(&outpoint).cloned(),
        _ => state.pending_coin(&outpoint),
    };
    let Some(coin) = coin else { return Ok(Value::Null) };
    Ok(json!({
        "bestblock": state.history().tip_hash(),
        "confirmations": state.history().next_height().saturating_sub(coin.height),
        "value": coin.output.value.to_btc(),
        "scriptPubKey": script_object(&coin.output.script_pubkey),
        "coinbase": coin.coinbase,
    }))
}

pub(super) fn send_raw_transaction(chain: &Chain, params: Params<'_>) -> Result<Value, RpcError> {
    Ok(json!(chain.submit(params.transaction(0)?)?))
}

fn add_block(state: &State, height: u32, object: &mut Value) {
    let history = state.history();
    object["blockhash"] = json!(history.hash_at(height));
    object["confirmations"] = json!(history.height() - height + 1);
    let time = history.block_at(height).map(|block| block.header.time);
    object["time"] = json!(time);
    object["blocktime"] = json!(time);
}

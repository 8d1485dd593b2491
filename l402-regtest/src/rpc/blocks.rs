//! Methods about blocks.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{Block, BlockHash, Txid};
use serde_json::{Value, json};

use super::error::RpcError;
use super::params::Params;
use crate::chain::{Chain, State};

pub(super) fn blockchain_info(chain: &Chain, _: Params<'_>) -> Result<Value, RpcError> {
    let state = chain.lock();
    let history = state.history();
    Ok(json!({
        "chain": "regtest",
        "blocks": history.height(),
        "headers": history.height(),
        "bestblockhash": history.tip_hash(),
        "difficulty": 0.0,
        "mediantime": history.median_time(),
        "verificationprogress": 1.0,
        "initialblockdownload": false,
        "chainwork": chainwork(&state, history.height()),
        "pruned": false,
        "softforks": { "taproot": { "type": "buried", "active": true, "height": 0 } },
        "warnings": [],
    }))
}

pub(super) fn block_count(chain: &Chain, _: Params<'_>) -> Result<Value, RpcError> {
    Ok(json!(chain.height()))
}

pub(super) fn best_block_hash(chain: &Chain, _: Params<'_>) -> Result<Value, RpcError> {
    Ok(json!(chain.tip()))
}

pub(super) fn block_hash(chain: &Chain, params: Params<'_>) -> Result<Value, RpcError> {
    let hash = chain.lock().history().hash_at(params.number(0)?);
    hash.map(|hash| json!(hash)).ok_or(RpcError::HeightOutOfRange)
}

/// Verbose (the default) as an object, else the 80 bytes in hexadecimal.
pub(super) fn block_header(chain: &Chain, params: Params<'_>) -> Result<Value, RpcError> {
    let state = chain.lock();
    let (block, height) = find(&state, params)?;
    if params.level_or(1, 1)? == 0 {
        return Ok(json!(serialize_hex(&block.header)));
    }
    Ok(header_object(&state, block, height))
}

/// Verbosity 0 as hexadecimal, 1 (the default) and above as an object with the transactions' ids.
pub(super) fn block(chain: &Chain, params: Params<'_>) -> Result<Value, RpcError> {
    let state = chain.lock();
    let (block, height) = find(&state, params)?;
    if params.level_or(1, 1)? == 0 {
        return Ok(json!(serialize_hex(block)));
    }
    let mut object = header_object(&state, block, height);
    let ids: Vec<Txid> = block.txdata.iter().map(bitcoin::Transaction::compute_txid).collect();
    object["tx"] = json!(ids);
    object["size"] = json!(block.total_size());
    object["weight"] = json!(block.weight());
    Ok(object)
}

fn find<'a>(state: &'a State, params: Params<'_>) -> Result<(&'a Block, u32), RpcError> {
    let hash: BlockHash = params.hash(0)?;
    let height = state.history().height_of(&hash).ok_or(RpcError::BlockNotFound)?;
    let block = state.history().block_at(height).ok_or(RpcError::BlockNotFound)?;
    Ok((block, height))
}

fn header_object(state: &State, block: &Block, height: u32) -> Value {
    let (header, history) = (&block.header, state.history());
    let mut object = json!({
        "hash": header.block_hash(),
        "confirmations": history.height() - height + 1,
        "height": height,
        "version": header.version.to_consensus(),
        "versionHex": format!("{:08x}", header.version.to_consensus()),
        "merkleroot": header.merkle_root,
        "time": header.time,
        "nonce": header.nonce,
        "bits": format!("{:08x}", header.bits.to_consensus()),
        "difficulty": 0.0,
        "chainwork": chainwork(state, height),
        "nTx": block.txdata.len(),
    });
    if height > 0 {
        object["previousblockhash"] = json!(header.prev_blockhash);
    }
    if let Some(next) = history.hash_at(height + 1) {
        object["nextblockhash"] = json!(next);
    }
    object
}

/// All the work up to `height`, as 64 hexadecimal digits.
fn chainwork(state: &State, height: u32) -> String {
    let work = state.history().work_at(height).map_or([0; 32], bitcoin::Work::to_be_bytes);
    serialize_hex(&work)
}

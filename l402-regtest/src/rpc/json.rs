//! Transactions and scripts as bitcoind prints them.

use bitcoin::consensus::encode::serialize_hex;
use bitcoin::{ScriptBuf, Transaction, TxIn, TxOut};
use serde_json::{Value, json};

/// A transaction without what depends on its block.
pub(super) fn transaction_object(tx: &Transaction) -> Value {
    let inputs: Vec<Value> = tx.input.iter().map(input_object).collect();
    let outputs: Vec<Value> = tx.output.iter().enumerate().map(output_object).collect();
    json!({
        "txid": tx.compute_txid(),
        "hash": tx.compute_wtxid(),
        "version": tx.version.0,
        "size": tx.total_size(),
        "vsize": tx.vsize(),
        "weight": tx.weight(),
        "locktime": tx.lock_time.to_consensus_u32(),
        "vin": inputs,
        "vout": outputs,
        "hex": serialize_hex(tx),
    })
}

/// A script. `asm` is left empty: no client reads it.
pub(super) fn script_object(script: &ScriptBuf) -> Value {
    json!({ "asm": "", "hex": script.to_hex_string(), "type": kind(script) })
}

fn input_object(input: &TxIn) -> Value {
    if input.previous_output.is_null() {
        return json!({ "coinbase": input.script_sig.to_hex_string(), "sequence": input.sequence.0 });
    }
    let witness: Vec<String> = input.witness.iter().map(hex).collect();
    json!({
        "txid": input.previous_output.txid,
        "vout": input.previous_output.vout,
        "scriptSig": { "asm": "", "hex": input.script_sig.to_hex_string() },
        "txinwitness": witness,
        "sequence": input.sequence.0,
    })
}

fn output_object((n, output): (usize, &TxOut)) -> Value {
    json!({
        "value": output.value.to_btc(),
        "n": n,
        "scriptPubKey": script_object(&output.script_pubkey),
    })
}

fn kind(script: &ScriptBuf) -> &'static str {
    match script {
        script if script.is_p2wpkh() => "witness_v0_keyhash",
        script if script.is_p2wsh() => "witness_v0_scripthash",
        script if script.is_p2tr() => "witness_v1_taproot",
        script if script.is_p2pkh() => "pubkeyhash",
        script if script.is_p2sh() => "scripthash",
        script if script.is_op_return() => "nulldata",
        _ => "nonstandard",
    }
}

fn hex(bytes: &[u8]) -> String {
    bitcoin::hex::DisplayHex::to_lower_hex_string(bytes)
}

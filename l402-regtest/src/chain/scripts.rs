//! Script verification by bitcoind's own consensus library.

use bitcoin::consensus::serialize;
use bitcoin::{Transaction, TxOut};
use bitcoinconsensus::{
    Utxo, VERIFY_CHECKLOCKTIMEVERIFY, VERIFY_CHECKSEQUENCEVERIFY, VERIFY_DERSIG, VERIFY_NULLDUMMY, VERIFY_P2SH,
    VERIFY_TAPROOT, VERIFY_WITNESS, verify_with_flags,
};

/// Every rule that is active on regtest from its first block on.
const RULES: u32 = VERIFY_P2SH
    | VERIFY_DERSIG
    | VERIFY_NULLDUMMY
    | VERIFY_CHECKLOCKTIMEVERIFY
    | VERIFY_CHECKSEQUENCEVERIFY
    | VERIFY_WITNESS
    | VERIFY_TAPROOT;

/// The index of an input whose script fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FailingInput(pub(super) usize);

/// Runs the script of every input of `tx`; `spent` are the outputs that they spend, in order.
pub(super) fn verify(tx: &Transaction, spent: &[TxOut]) -> Result<(), FailingInput> {
    let bytes = serialize(tx);
    // A taproot signature commits to every output that the transaction spends, so that each check needs all of them.
    let all: Vec<Utxo> = spent.iter().map(as_utxo).collect();
    for (index, output) in spent.iter().enumerate() {
        let script = output.script_pubkey.as_bytes();
        verify_with_flags(script, output.value.to_sat(), &bytes, Some(&all), index, RULES)
            .map_err(|_| FailingInput(index))?;
    }
    Ok(())
}

/// Borrows `output` for the library; the result must not outlive it.
fn as_utxo(output: &TxOut) -> Utxo {
    let script = output.script_pubkey.as_bytes();
    Utxo {
        script_pubkey: script.as_ptr(),
        script_pubkey_len: u32::try_from(script.len()).unwrap_or(u32::MAX),
        value: i64::try_from(output.value.to_sat()).unwrap_or(i64::MAX),
    }
}

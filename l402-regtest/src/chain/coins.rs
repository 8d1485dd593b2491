//! The coins: every output that a confirmed transaction created and none has spent.

use std::collections::{HashMap, HashSet};

use bitcoin::{Block, OutPoint, TxOut};

use super::history::BlockError;

/// How deep a coinbase must lie before it can be spent.
pub(super) const COINBASE_MATURITY: u32 = 100;

/// An unspent output and what the locks of its spender are counted from.
#[derive(Clone, Debug)]
pub(crate) struct Coin {
    pub(crate) output: TxOut,
    /// Height of its block; the next block's for an output that is still in the mempool.
    pub(crate) height: u32,
    /// Median time past before its block: the base of a relative lock by time (BIP 68).
    pub(crate) median_time: u32,
    pub(crate) coinbase: bool,
}

impl Coin {
    /// Whether a block at `height` may spend it, as far as coinbase maturity goes.
    pub(super) fn is_mature_at(&self, height: u32) -> bool {
        !self.coinbase || height.saturating_sub(self.height) >= COINBASE_MATURITY
    }
}

/// The set of unspent outputs.
#[derive(Default)]
pub(crate) struct Coins(HashMap<OutPoint, Coin>);

impl Coins {
    pub(crate) fn coin(&self, at: &OutPoint) -> Option<&Coin> {
        self.0.get(at)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&OutPoint, &Coin)> {
        self.0.iter()
    }

    /// Spends and creates what `block` does; changes nothing when it fails.
    pub(super) fn connect(&mut self, block: &Block, height: u32, median_time: u32) -> Result<(), BlockError> {
        let mut spent = HashSet::new();
        let mut created = HashMap::new();
        for tx in &block.txdata {
            let coinbase = tx.is_coinbase();
            for input in tx.input.iter().filter(|_| !coinbase) {
                let from = input.previous_output;
                let exists = self.0.contains_key(&from) || created.contains_key(&from);
                if !exists || !spent.insert(from) {
                    return Err(BlockError::MissingCoin);
                }
            }
            let txid = tx.compute_txid();
            for (vout, output) in (0u32..).zip(&tx.output).filter(|(_, output)| !output.script_pubkey.is_op_return()) {
                let coin = Coin { output: output.clone(), height, median_time, coinbase };
                created.insert(OutPoint { txid, vout }, coin);
            }
        }
        self.0.extend(created);
        for outpoint in &spent {
            self.0.remove(outpoint);
        }
        Ok(())
    }
}

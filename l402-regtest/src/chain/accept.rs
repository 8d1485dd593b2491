//! The rules by which a transaction enters the mempool.

use core::fmt;
use std::collections::{BTreeSet, HashSet};

use bitcoin::{Amount, OutPoint, Transaction, TxIn, TxOut, Txid, absolute, relative};

use super::coins::{Coin, Coins};
use super::history::History;
use super::mempool::Mempool;
use super::scripts;

/// The least fee, in satoshi per virtual byte.
pub(crate) const MIN_FEE_RATE: u64 = 1;

/// Seconds in a unit of a relative lock by time (BIP 68).
const LOCK_INTERVAL: u32 = 512;

/// A transaction that follows every rule.
pub(crate) struct Accepted {
    pub(crate) fee: Amount,
    /// What it replaces: its conflicts and all that descends from them.
    pub(super) evicted: BTreeSet<Txid>,
}

/// What the rules look at.
pub(super) struct View<'a> {
    pub(super) history: &'a History,
    pub(super) coins: &'a Coins,
    pub(super) mempool: &'a Mempool,
}

impl View<'_> {
    /// Applies every rule to `tx`; scripts, which cost the most, come last.
    pub(super) fn accept(&self, tx: &Transaction) -> Result<Accepted, Rejected> {
        self.require_new(tx)?;
        self.require_final(tx)?;
        let spent = self.spent_coins(tx)?;
        let fee = fee(tx, &spent)?;
        let evicted = self.replaced(tx, fee)?;
        let outputs: Vec<TxOut> = spent.into_iter().map(|coin| coin.output).collect();
        scripts::verify(tx, &outputs).map_err(|failing| Rejected::Script { input: failing.0 })?;
        Ok(Accepted { fee, evicted })
    }

    /// The coin at `outpoint`, be it confirmed or an output of a transaction in the mempool.
    pub(super) fn coin(&self, outpoint: &OutPoint) -> Option<Coin> {
        let pending = || {
            self.mempool.output(outpoint).map(|output| Coin {
                output: output.clone(),
                height: self.history.next_height(),
                median_time: self.history.median_time(),
                coinbase: false,
            })
        };
        self.coins.coin(outpoint).cloned().or_else(pending)
    }

    fn require_new(&self, tx: &Transaction) -> Result<(), Rejected> {
        if tx.input.is_empty() || tx.output.is_empty() {
            return Err(Rejected::Empty);
        }
        if tx.is_coinbase() {
            return Err(Rejected::Coinbase);
        }
        let txid = tx.compute_txid();
        if self.mempool.entry(&txid).is_some() {
            return Err(Rejected::InMempool);
        }
        if self.history.transaction(&txid).is_some() {
            return Err(Rejected::Confirmed);
        }
        Ok(())
    }

    fn require_final(&self, tx: &Transaction) -> Result<(), Rejected> {
        // A lock names the last block, or the last second, in which it still holds.
        let passed = match tx.lock_time {
            absolute::LockTime::Blocks(height) => height.to_consensus_u32() < self.history.next_height(),
            absolute::LockTime::Seconds(time) => time.to_consensus_u32() < self.history.median_time(),
        };
        if passed || !tx.is_lock_time_enabled() { Ok(()) } else { Err(Rejected::NonFinal) }
    }

    fn spent_coins(&self, tx: &Transaction) -> Result<Vec<Coin>, Rejected> {
        let mut seen = HashSet::new();
        let mut coins = Vec::with_capacity(tx.input.len());
        for input in &tx.input {
            if !seen.insert(input.previous_output) {
                return Err(Rejected::DuplicateInput);
            }
            let coin = self.coin(&input.previous_output).ok_or(Rejected::MissingOrSpent)?;
            if !coin.is_mature_at(self.history.next_height()) {
                return Err(Rejected::ImmatureCoinbase);
            }
            // Version 2 switches relative locks on (BIP 68).
            if tx.version.0 >= 2 && !self.lock_has_passed(input, &coin) {
                return Err(Rejected::NonFinalSequence);
            }
            coins.push(coin);
        }
        Ok(coins)
    }

    fn lock_has_passed(&self, input: &TxIn, coin: &Coin) -> bool {
        match input.sequence.to_relative_lock_time() {
            None => true,
            Some(relative::LockTime::Blocks(blocks)) => {
                self.history.next_height() >= coin.height + u32::from(blocks.value())
            }
            Some(relative::LockTime::Time(time)) => {
                self.history.median_time() >= coin.median_time + u32::from(time.value()) * LOCK_INTERVAL
            }
        }
    }

    /// What `tx` evicts, if its fee suffices for that.
    fn replaced(&self, tx: &Transaction, fee: Amount) -> Result<BTreeSet<Txid>, Rejected> {
        let conflicts = tx.input.iter().filter_map(|input| self.mempool.spender(&input.previous_output));
        let evicted = self.mempool.with_descendants(conflicts);
        if tx.input.iter().any(|input| evicted.contains(&input.previous_output.txid)) {
            return Err(Rejected::SpendsReplaced);
        }
        if !evicted.is_empty() && fee <= self.mempool.fees(&evicted) {
            return Err(Rejected::ReplacementFee);
        }
        Ok(evicted)
    }
}

/// What `tx` leaves to the miner.
fn fee(tx: &Transaction, spent: &[Coin]) -> Result<Amount, Rejected> {
    let paid_in = sum(spent.iter().map(|coin| coin.output.value));
    let paid_out = sum(tx.output.iter().map(|output| output.value)).ok_or(Rejected::OutputTooLarge)?;
    let fee = paid_in.and_then(|paid_in| paid_in.checked_sub(paid_out)).ok_or(Rejected::Overspend)?;
    let least = u64::try_from(tx.vsize()).unwrap_or(u64::MAX).saturating_mul(MIN_FEE_RATE);
    if fee.to_sat() < least { Err(Rejected::FeeTooLow) } else { Ok(fee) }
}

/// Adds amounts up; nothing when the sum is more money than there can be.
fn sum(mut amounts: impl Iterator<Item = Amount>) -> Option<Amount> {
    let total = amounts.try_fold(Amount::ZERO, Amount::checked_add)?;
    (total <= Amount::MAX_MONEY).then_some(total)
}

/// The rule that a transaction breaks. `Display` is bitcoind's own reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejected {
    /// It has no inputs or no outputs.
    Empty,
    /// Only a block can hold a coinbase.
    Coinbase,
    /// It waits in the mempool already.
    InMempool,
    /// It is in a block already.
    Confirmed,
    /// Its lock time has not come.
    NonFinal,
    /// A sequence asks for an older coin.
    NonFinalSequence,
    /// Two inputs spend one coin.
    DuplicateInput,
    /// An input does not exist or is spent.
    MissingOrSpent,
    /// A coinbase is spent before it is 100 blocks deep.
    ImmatureCoinbase,
    /// An output, or their sum, is more than all the money there is.
    OutputTooLarge,
    /// It pays out more than it takes in.
    Overspend,
    /// It pays less than 1 sat/vB.
    FeeTooLow,
    /// It does not pay more than all that it would replace.
    ReplacementFee,
    /// It spends an output of a transaction that it would replace.
    SpendsReplaced,
    /// The script of this input fails.
    Script {
        /// The input's index.
        input: usize,
    },
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "bad-txns-vin-empty",
            Self::Coinbase => "coinbase",
            Self::InMempool => "txn-already-in-mempool",
            Self::Confirmed => "txn-already-known",
            Self::NonFinal => "non-final",
            Self::NonFinalSequence => "non-BIP68-final",
            Self::DuplicateInput => "bad-txns-inputs-duplicate",
            Self::MissingOrSpent => "bad-txns-inputs-missingorspent",
            Self::ImmatureCoinbase => "bad-txns-premature-spend-of-coinbase",
            Self::OutputTooLarge => "bad-txns-vout-toolarge",
            Self::Overspend => "bad-txns-in-belowout",
            Self::FeeTooLow => "min relay fee not met",
            Self::ReplacementFee => "insufficient fee",
            Self::SpendsReplaced => "bad-txns-spends-conflicting-tx",
            Self::Script { input } => {
                return write!(f, "mandatory-script-verify-flag-failed (input {input})");
            }
        })
    }
}

impl core::error::Error for Rejected {}

//! The whole state of a chain, and the changes to it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use bitcoin::{Amount, Block, OutPoint, ScriptBuf, Transaction, Txid};

use super::accept::{Accepted, Rejected, View};
use super::coins::{Coin, Coins};
use super::faucet::{Faucet, FundError};
use super::history::{BlockError, History};
use super::mempool::{Entry, Mempool};
use super::mine::{ROOM, Template};
use super::store::{MineError, OpenError, Store};
use super::waiting::Waiting;

/// Seconds that blocks mined in one go lie apart.
const BLOCK_SPACING: u32 = 600;

/// Blocks, coins, mempool and faucet.
pub(crate) struct State {
    history: History,
    coins: Coins,
    mempool: Mempool,
    faucet: Faucet,
    store: Option<Store>,
    waiting: Option<Waiting>,
}

impl State {
    /// The genesis block and nothing else.
    pub(super) fn new(store: Option<Store>) -> Self {
        Self {
            history: History::new(),
            coins: Coins::default(),
            mempool: Mempool::default(),
            faucet: Faucet::new(),
            store,
            waiting: None,
        }
    }

    /// The chain in the folder `dir`.
    pub(super) fn open(dir: &Path) -> Result<Self, OpenError> {
        let mut state = Self::new(None);
        let store = Store::open(dir, |block| state.connect(block))?;
        state.store = Some(store);
        let (waiting, transactions) = Waiting::open(dir)?;
        for tx in transactions {
            let _ = state.submit(tx); // what was mined or replaced since is refused
        }
        state.waiting = Some(waiting);
        state.keep_waiting();
        Ok(state)
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    pub(crate) fn mempool(&self) -> &Mempool {
        &self.mempool
    }

    /// The confirmed coin at `outpoint`, whether or not the mempool spends it.
    pub(crate) fn confirmed_coin(&self, outpoint: &OutPoint) -> Option<&Coin> {
        self.coins.coin(outpoint)
    }

    /// The coin at `outpoint` as the mempool leaves it: unconfirmed ones too, without those it spends.
    pub(crate) fn pending_coin(&self, outpoint: &OutPoint) -> Option<Coin> {
        let unspent = self.mempool.spender(outpoint).is_none();
        self.view().coin(outpoint).filter(|_| unspent)
    }

    /// Applies the rules to `tx` and changes nothing.
    pub(crate) fn accept(&self, tx: &Transaction) -> Result<Accepted, Rejected> {
        self.view().accept(tx)
    }

    pub(crate) fn submit(&mut self, tx: Transaction) -> Result<Txid, Rejected> {
        let txid = tx.compute_txid();
        let accepted = match self.accept(&tx) {
            Err(Rejected::InMempool) => return Ok(txid),
            accepted => accepted?,
        };
        if let Some(Err(fault)) = self.waiting.as_mut().map(|waiting| waiting.append(&tx)) {
            tracing::warn!(%fault, "a transaction in the mempool will not outlive the process");
        }
        self.mempool.remove(&accepted.evicted);
        let (height, time) = (self.history.height(), now());
        self.mempool.insert(txid, Entry { tx, fee: accepted.fee, time, height });
        Ok(txid)
    }

    pub(super) fn fund(&mut self, outputs: &[(ScriptBuf, Amount)]) -> Result<Txid, FundError> {
        let script = self.faucet.script();
        let height = self.history.next_height();
        let own = self.coins.iter().filter(|(outpoint, coin)| {
            coin.output.script_pubkey == script && coin.is_mature_at(height) && self.mempool.spender(outpoint).is_none()
        });
        let coins = own.map(|(outpoint, coin)| (*outpoint, coin.output.clone()));
        let tx = self.faucet.pay(outputs, coins)?;
        Ok(self.submit(tx)?)
    }

    /// Mines `blocks` blocks, each on disk before it counts.
    pub(super) fn mine(&mut self, blocks: u32) -> Result<(), MineError> {
        for remaining in (0..blocks).rev() {
            let block = self.next_block(remaining);
            if let Some(store) = &mut self.store {
                store.append(&block)?;
            }
            let mined: BTreeSet<Txid> = block.txdata.iter().map(Transaction::compute_txid).collect();
            self.connect(block).expect("a block of accepted transactions connects");
            self.mempool.remove(&mined);
        }
        if let Some(store) = &mut self.store {
            store.sync()?;
        }
        self.keep_waiting();
        Ok(())
    }

    /// Forgets what does not wait any more.
    fn keep_waiting(&mut self) {
        let Some(waiting) = &mut self.waiting else { return };
        let entries = self.mempool.ids().iter().filter_map(|id| self.mempool.entry(id));
        if let Err(fault) = waiting.replace(entries.map(|entry| &entry.tx)) {
            tracing::warn!(%fault, "the mempool will not outlive the process");
        }
    }

    fn next_block(&self, remaining: u32) -> Block {
        let entries = self.mempool.next_block(ROOM);
        let fees = entries.iter().fold(Amount::ZERO, |sum, entry| sum + entry.fee);
        let template = Template {
            parent: self.history.tip_hash(),
            height: self.history.next_height(),
            time: self.next_time(remaining),
            transactions: entries.into_iter().map(|entry| entry.tx.clone()).collect(),
            fees,
            script: self.faucet.script(),
        };
        template.mine()
    }

    /// The time of the next block, with `remaining` more to come at once.
    ///
    /// Nodes take the newest header's time for the time of day (invoices expire by it), so only the
    /// last block is dated now and the ones before it earlier, as far as the median allows.
    fn next_time(&self, remaining: u32) -> u32 {
        let now = u32::try_from(now()).unwrap_or(u32::MAX);
        let wanted = now.saturating_sub(remaining.saturating_mul(BLOCK_SPACING));
        wanted.max(self.history.median_time() + 1)
    }

    /// Adds `block`; changes nothing when it fails.
    pub(crate) fn connect(&mut self, block: Block) -> Result<(), BlockError> {
        self.history.admits(&block)?;
        let (height, median_time) = (self.history.next_height(), self.history.median_time());
        self.coins.connect(&block, height, median_time)?;
        self.history.append(block);
        Ok(())
    }

    fn view(&self) -> View<'_> {
        View { history: &self.history, coins: &self.coins, mempool: &self.mempool }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use bitcoin::hashes::Hash;
    use bitcoin::{CompactTarget, TxIn, TxMerkleNode, TxOut};

    use super::*;

    /// A block on top of `state` that holds `transactions`, whatever they are.
    fn block_of(state: &State, transactions: Vec<Transaction>) -> Block {
        let (parent, height) = (state.history.tip_hash(), state.history.next_height());
        let (time, script) = (state.next_time(0), state.faucet.script());
        Template { parent, height, time, transactions, fees: Amount::ZERO, script }.mine()
    }

    fn spend(outpoint: OutPoint) -> Transaction {
        let mut tx = block_of(&State::new(None), Vec::new()).txdata.remove(0);
        tx.input = vec![TxIn { previous_output: outpoint, ..TxIn::default() }];
        tx.output = vec![TxOut { value: Amount::ZERO, script_pubkey: ScriptBuf::new() }];
        tx
    }

    fn find_work(block: &mut Block) {
        while block.header.validate_pow(block.header.target()).is_err() {
            block.header.nonce += 1;
        }
    }

    #[test]
    fn a_block_without_work_is_refused() {
        let mut state = State::new(None);
        let mut block = block_of(&state, Vec::new());
        while block.header.validate_pow(block.header.target()).is_ok() {
            block.header.nonce += 1;
        }
        assert_eq!(state.connect(block.clone()), Err(BlockError::ProofOfWork));
        // An easier target than regtest's is no way around it.
        block.header.bits = CompactTarget::from_consensus(0x2100_ffff);
        assert_eq!(state.connect(block), Err(BlockError::ProofOfWork));
        assert_eq!(state.history.height(), 0);
    }

    #[test]
    fn a_block_of_other_transactions_is_refused() {
        let mut state = State::new(None);
        let mut block = block_of(&state, Vec::new());
        block.header.merkle_root = TxMerkleNode::all_zeros();
        find_work(&mut block);
        assert_eq!(state.connect(block), Err(BlockError::MerkleRoot));
    }

    #[test]
    fn a_block_that_spends_what_is_not_there_changes_nothing() {
        let mut state = State::new(None);
        state.mine(1).unwrap();
        let txid = state.history.block_at(1).unwrap().txdata[0].compute_txid();
        let coin = OutPoint { txid, vout: 0 };
        let missing = block_of(&state, vec![spend(OutPoint { txid, vout: 7 })]);
        assert_eq!(state.connect(missing), Err(BlockError::MissingCoin));
        let mut other = spend(coin);
        other.output.clear();
        let twice = block_of(&state, vec![spend(coin), other]);
        assert_eq!(state.connect(twice), Err(BlockError::MissingCoin));
        assert!(state.confirmed_coin(&coin).is_some());
        assert_eq!(state.history.height(), 1);
    }
}

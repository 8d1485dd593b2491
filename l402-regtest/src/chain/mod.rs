//! A regtest chain: blocks, coins, a mempool and a faucet, on disk or in memory.
//!
//! It is one writer's chain: only this process mines, so there are no forks, no peers and no reorganisations.
//! What it promises to the wallets and Lightning nodes on it:
//!
//! 1. A transaction enters the mempool only when every input exists, is unspent and mature, its locks have passed
//!    (`nLockTime` by BIP 113, sequences by BIP 68), it creates no money, pays at least 1 sat/vB, and **every script
//!    verifies** under the consensus rules up to and including taproot.
//! 2. A conflicting transaction replaces what it conflicts with if it pays more than all that it evicts.
//! 3. A block is on disk before it is in memory, and a transaction too: one that is in the mempool is there after a kill. A record that
//!    a crash cut short is dropped on the next start.
//!
//! Policy beyond this (dust, standard scripts, packages, ancestor limits) is not enforced.

mod accept;
mod coins;
mod faucet;
mod history;
mod mempool;
mod mine;
mod scripts;
mod state;
mod store;
mod waiting;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bitcoin::{Amount, Block, BlockHash, ScriptBuf, Transaction, Txid};
use tokio::sync::watch;

pub use accept::Rejected;
pub use faucet::FundError;
pub use history::BlockError;
pub use store::{MineError, OpenError};

pub(crate) use accept::MIN_FEE_RATE;
pub(crate) use state::State;

/// A handle to a regtest chain; clones share it.
#[derive(Clone)]
pub struct Chain {
    state: Arc<Mutex<State>>,
    mempool_size: Arc<watch::Sender<usize>>,
}

impl Chain {
    /// Returns a new chain that lives in memory only.
    pub fn in_memory() -> Self {
        Self::from_state(State::new(None))
    }

    /// Opens the chain in the folder `dir`, or begins one there.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read or written, another process has it open, or its blocks do not form a chain.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        Ok(Self::from_state(State::open(dir)?))
    }

    /// Returns the number of blocks on top of the genesis block.
    pub fn height(&self) -> u32 {
        self.lock().history().height()
    }

    /// Returns the hash of the newest block.
    pub fn tip(&self) -> BlockHash {
        self.lock().history().tip_hash()
    }

    /// Returns the block at `height`; the genesis block is at 0.
    pub fn block(&self, height: u32) -> Option<Block> {
        self.lock().history().block_at(height).cloned()
    }

    /// Returns the time of the newest block, in Unix seconds. Nodes take it for the time of day, if it is later.
    pub fn time(&self) -> u64 {
        let state = self.lock();
        let history = state.history();
        history.block_at(history.height()).map_or(0, |block| block.header.time.into())
    }

    /// Mines `blocks` blocks that pay the faucet; the first takes in the mempool.
    ///
    /// # Errors
    ///
    /// When a block cannot be written to disk. The blocks before it stand.
    pub fn mine(&self, blocks: u32) -> Result<(), MineError> {
        let mut state = self.lock();
        let mined = state.mine(blocks);
        self.publish(&state);
        mined
    }

    /// Adds `tx` to the mempool and returns its id; one that is there already is accepted again.
    ///
    /// # Errors
    ///
    /// Returns the first rule that the transaction breaks.
    pub fn submit(&self, tx: Transaction) -> Result<Txid, Rejected> {
        let mut state = self.lock();
        let accepted = state.submit(tx);
        self.publish(&state);
        accepted
    }

    /// Pays each `(script, amount)` from the faucet in one transaction, which waits in the mempool to be mined.
    ///
    /// # Errors
    ///
    /// When the faucet has too few mature coins (mine more), or the transaction breaks a rule.
    pub fn fund(&self, outputs: &[(ScriptBuf, Amount)]) -> Result<Txid, FundError> {
        let mut state = self.lock();
        let funded = state.fund(outputs);
        self.publish(&state);
        funded
    }

    /// Returns the number of transactions that wait to be mined.
    pub fn mempool_size(&self) -> usize {
        self.lock().mempool().len()
    }

    /// Watches [`Chain::mempool_size`].
    pub fn watch_mempool(&self) -> watch::Receiver<usize> {
        self.mempool_size.subscribe()
    }

    /// Gives one caller a consistent view of everything.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // Each change to the state is complete before anything in it can panic, so a poisoned one is still whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn from_state(state: State) -> Self {
        let (mempool_size, _) = watch::channel(state.mempool().len());
        Self { state: Arc::new(Mutex::new(state)), mempool_size: Arc::new(mempool_size) }
    }

    fn publish(&self, state: &State) {
        let size = state.mempool().len();
        self.mempool_size.send_if_modified(|old| core::mem::replace(old, size) != size);
    }
}

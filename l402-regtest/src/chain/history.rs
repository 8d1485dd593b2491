//! The blocks of the chain and the indexes over them.
//!
//! [`History::push`] is the only way in, and it checks what makes a header chain one: the parent, the proof of work,
//! the merkle root and the witness commitment.

use core::fmt;
use std::collections::HashMap;

use bitcoin::block::Header;
use bitcoin::constants::genesis_block;
use bitcoin::{Block, BlockHash, CompactTarget, Network, Transaction, Txid, Work};

/// The lowest difficulty there is, which regtest never leaves.
pub(super) const BITS: u32 = 0x207f_ffff;

/// How many blocks the median time is taken over (BIP 113).
const MEDIAN_SPAN: usize = 11;

/// Every block, oldest first. There is always the genesis block.
pub(crate) struct History {
    blocks: Vec<Block>,
    hashes: Vec<BlockHash>,
    work: Vec<Work>,
    heights: HashMap<BlockHash, u32>,
    transactions: HashMap<Txid, (u32, usize)>,
}

impl History {
    pub(super) fn new() -> Self {
        let mut history = Self {
            blocks: Vec::new(),
            hashes: Vec::new(),
            work: Vec::new(),
            heights: HashMap::new(),
            transactions: HashMap::new(),
        };
        history.append(genesis_block(Network::Regtest));
        history
    }

    pub(crate) fn height(&self) -> u32 {
        u32::try_from(self.blocks.len() - 1).unwrap_or(u32::MAX)
    }

    pub(crate) fn tip_hash(&self) -> BlockHash {
        self.hashes[self.hashes.len() - 1]
    }

    /// The height of the next block to be mined.
    pub(crate) fn next_height(&self) -> u32 {
        self.height() + 1
    }

    /// Median time past of the tip, which locks by time are compared with (BIP 113).
    pub(crate) fn median_time(&self) -> u32 {
        let recent = self.blocks.len().saturating_sub(MEDIAN_SPAN);
        let mut times: Vec<u32> = self.blocks[recent..].iter().map(|block| block.header.time).collect();
        times.sort_unstable();
        times[times.len() / 2]
    }

    pub(crate) fn block_at(&self, height: u32) -> Option<&Block> {
        self.blocks.get(height as usize)
    }

    pub(crate) fn hash_at(&self, height: u32) -> Option<BlockHash> {
        self.hashes.get(height as usize).copied()
    }

    pub(crate) fn height_of(&self, hash: &BlockHash) -> Option<u32> {
        self.heights.get(hash).copied()
    }

    /// All the work up to and including the block at `height`.
    pub(crate) fn work_at(&self, height: u32) -> Option<Work> {
        self.work.get(height as usize).copied()
    }

    /// A confirmed transaction and the height of its block.
    pub(crate) fn transaction(&self, id: &Txid) -> Option<(&Transaction, u32)> {
        let (height, index) = *self.transactions.get(id)?;
        Some((self.block_at(height)?.txdata.get(index)?, height))
    }

    /// Whether `block` extends the tip and carries the work and the commitments that it claims.
    pub(super) fn admits(&self, block: &Block) -> Result<(), BlockError> {
        if block.header.prev_blockhash != self.tip_hash() {
            return Err(BlockError::NotOnTip);
        }
        if !has_work(&block.header) {
            return Err(BlockError::ProofOfWork);
        }
        if !block.check_merkle_root() {
            return Err(BlockError::MerkleRoot);
        }
        if !block.check_witness_commitment() {
            return Err(BlockError::WitnessCommitment);
        }
        Ok(())
    }

    /// Adds a block that [`History::admits`] has accepted.
    pub(super) fn append(&mut self, block: Block) {
        let height = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        let hash = block.block_hash();
        let work = block.header.work();
        for (index, tx) in block.txdata.iter().enumerate() {
            self.transactions.insert(tx.compute_txid(), (height, index));
        }
        self.heights.insert(hash, height);
        self.hashes.push(hash);
        self.work.push(self.work.last().map_or(work, |before| *before + work));
        self.blocks.push(block);
    }
}

fn has_work(header: &Header) -> bool {
    header.bits == CompactTarget::from_consensus(BITS) && header.validate_pow(header.target()).is_ok()
}

/// Why a block does not extend the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockError {
    /// The bytes are no block.
    Encoding,
    /// The parent is not the newest block.
    NotOnTip,
    /// The hash misses the target, or the target is not regtest's.
    ProofOfWork,
    /// The merkle root does not cover the transactions.
    MerkleRoot,
    /// The coinbase does not commit to the witnesses.
    WitnessCommitment,
    /// An input does not exist or is spent already.
    MissingCoin,
}

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encoding => "bytes are no block",
            Self::NotOnTip => "parent is not the newest block",
            Self::ProofOfWork => "proof of work is missing",
            Self::MerkleRoot => "merkle root does not match",
            Self::WitnessCommitment => "witness commitment does not match",
            Self::MissingCoin => "an input is missing or spent",
        })
    }
}

impl core::error::Error for BlockError {}

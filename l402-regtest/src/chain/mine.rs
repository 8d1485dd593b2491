//! Assembling a block and finding its proof of work.

use bitcoin::absolute::LockTime;
use bitcoin::block::{Header, Version};
use bitcoin::hashes::Hash;
use bitcoin::opcodes::all::OP_RETURN;
use bitcoin::script::Builder;
use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxMerkleNode, TxOut,
    Weight, Witness, transaction,
};

use super::history::BITS;

/// What the transactions of a block may weigh: the limit, less room for header and coinbase.
pub(super) const ROOM: Weight = Weight::from_wu(4_000_000 - 4_000);

/// Signals no deployment (BIP 9).
const BLOCK_VERSION: i32 = 0x2000_0000;

/// The witness of a coinbase, which blocks reserve for later commitments (BIP 141).
const WITNESS_RESERVED: [u8; 32] = [0; 32];

/// Marks the output that commits to the witnesses (BIP 141).
const WITNESS_MAGIC: [u8; 4] = [0xaa, 0x21, 0xa9, 0xed];

/// After this many blocks regtest halves the subsidy.
const HALVING: u32 = 150;

/// What a block is made of.
pub(super) struct Template {
    pub(super) parent: BlockHash,
    pub(super) height: u32,
    pub(super) time: u32,
    pub(super) transactions: Vec<Transaction>,
    pub(super) fees: Amount,
    /// Whom the coinbase pays.
    pub(super) script: ScriptBuf,
}

impl Template {
    /// Returns the finished block. On regtest every second hash meets the target.
    pub(super) fn mine(self) -> Block {
        let mut block = Block { header: self.header(), txdata: vec![self.coinbase()] };
        block.txdata.extend(self.transactions);
        commit_to_witnesses(&mut block);
        block.header.merkle_root = block.compute_merkle_root().unwrap_or(TxMerkleNode::all_zeros());
        let target = block.header.target();
        while block.header.validate_pow(target).is_err() {
            block.header.nonce = block.header.nonce.wrapping_add(1);
        }
        block
    }

    fn header(&self) -> Header {
        Header {
            version: Version::from_consensus(BLOCK_VERSION),
            prev_blockhash: self.parent,
            merkle_root: TxMerkleNode::all_zeros(),
            time: self.time,
            bits: CompactTarget::from_consensus(BITS),
            nonce: 0,
        }
    }

    fn coinbase(&self) -> Transaction {
        // The height comes first (BIP 34), and a script below two bytes is invalid at low heights.
        let height = i64::from(self.height);
        let script_sig = Builder::new().push_int(height).push_slice(b"l402").into_script();
        Transaction {
            version: transaction::Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: OutPoint::null(),
                script_sig,
                sequence: Sequence::MAX,
                witness: Witness::from_slice(&[WITNESS_RESERVED]),
            }],
            output: vec![TxOut { value: subsidy(self.height) + self.fees, script_pubkey: self.script.clone() }],
        }
    }
}

fn subsidy(height: u32) -> Amount {
    let halvings = height / HALVING;
    Amount::from_sat(Amount::from_int_btc(50).to_sat().checked_shr(halvings).unwrap_or(0))
}

fn commit_to_witnesses(block: &mut Block) {
    let Some(root) = block.witness_root() else { return };
    let commitment = Block::compute_witness_commitment(&root, &WITNESS_RESERVED);
    let mut payload = [0; 36];
    payload[..4].copy_from_slice(&WITNESS_MAGIC);
    payload[4..].copy_from_slice(commitment.as_byte_array());
    let script = Builder::new().push_opcode(OP_RETURN).push_slice(payload).into_script();
    if let Some(coinbase) = block.txdata.first_mut() {
        coinbase.output.push(TxOut { value: Amount::ZERO, script_pubkey: script });
    }
}

//! What the chain refuses, what it replaces, and what it keeps on disk.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, too")]

use std::fs::OpenOptions;
use std::io::Write;

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::key::{Keypair, Secp256k1, TapTweak};
use bitcoin::secp256k1::{All, Message};
use bitcoin::sighash::{EcdsaSighashType, Prevouts, SighashCache, TapSighashType};
use bitcoin::{
    Amount, CompressedPublicKey, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, ecdsa, transaction,
};
use l402_regtest::chain::{BlockError, Chain, FundError, OpenError, Rejected};

const COIN: Amount = Amount::from_sat(100_000);

/// A chain with a coin that the test can sign for.
struct Bench {
    chain: Chain,
    secp: Secp256k1<All>,
    key: Keypair,
    coin: OutPoint,
    script: ScriptBuf,
}

impl Bench {
    fn p2wpkh() -> Self {
        Self::new(|_, key| ScriptBuf::new_p2wpkh(&CompressedPublicKey(key.public_key()).wpubkey_hash()))
    }

    fn taproot() -> Self {
        Self::new(|secp, key| ScriptBuf::new_p2tr(secp, key.x_only_public_key().0, None))
    }

    fn new(script: impl Fn(&Secp256k1<All>, &Keypair) -> ScriptBuf) -> Self {
        let secp = Secp256k1::new();
        let key = Keypair::from_seckey_slice(&secp, &[9; 32]).unwrap();
        let script = script(&secp, &key);
        let chain = Chain::in_memory();
        chain.mine(101).unwrap();
        let txid = chain.fund(&[(script.clone(), COIN)]).unwrap();
        chain.mine(1).unwrap();
        Self { chain, secp, key, coin: OutPoint { txid, vout: 0 }, script }
    }

    /// A transaction, not yet signed, that pays `sat` back to the test's key.
    fn spend(&self, from: OutPoint, sat: u64) -> Transaction {
        let sequence = Sequence::ENABLE_RBF_NO_LOCKTIME;
        let output = TxOut { value: Amount::from_sat(sat), script_pubkey: self.script.clone() };
        Transaction {
            version: transaction::Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn { previous_output: from, sequence, ..TxIn::default() }],
            output: vec![output],
        }
    }

    fn sign(&self, mut tx: Transaction, value: Amount) -> Transaction {
        let sighash =
            SighashCache::new(&tx).p2wpkh_signature_hash(0, &self.script, value, EcdsaSighashType::All).unwrap();
        let signature = self.secp.sign_ecdsa(&Message::from(sighash), &self.key.secret_key());
        let signature = ecdsa::Signature::sighash_all(signature);
        tx.input[0].witness = Witness::p2wpkh(&signature, &self.key.public_key());
        tx
    }

    fn sign_taproot(&self, mut tx: Transaction) -> Transaction {
        let spent = TxOut { value: COIN, script_pubkey: self.script.clone() };
        let sighash = SighashCache::new(&tx)
            .taproot_key_spend_signature_hash(0, &Prevouts::All(&[spent]), TapSighashType::Default)
            .unwrap();
        let key = self.key.tap_tweak(&self.secp, None).to_keypair();
        let signature = self.secp.sign_schnorr_no_aux_rand(&Message::from(sighash), &key);
        tx.input[0].witness = Witness::from_slice(&[signature.serialize()]);
        tx
    }

    fn signed(&self, sat: u64) -> Transaction {
        self.sign(self.spend(self.coin, sat), COIN)
    }

    fn refuses(&self, tx: Transaction) -> Rejected {
        self.chain.submit(tx).unwrap_err()
    }
}

#[test]
fn a_signature_over_other_amounts_is_refused() {
    let bench = Bench::p2wpkh();
    let mut tx = bench.signed(99_000);
    tx.output[0].value = Amount::from_sat(98_000);
    assert_eq!(bench.refuses(tx), Rejected::Script { input: 0 });
    assert_eq!(bench.chain.mempool_size(), 0);
    bench.chain.submit(bench.signed(99_000)).unwrap();
}

#[test]
fn a_taproot_signature_is_verified() {
    let bench = Bench::taproot();
    let good = bench.sign_taproot(bench.spend(bench.coin, 99_000));
    let mut bad = good.clone();
    let mut signature = bad.input[0].witness[0].to_vec();
    signature[5] ^= 1;
    bad.input[0].witness = Witness::from_slice(&[signature]);
    assert_eq!(bench.refuses(bad), Rejected::Script { input: 0 });
    bench.chain.submit(good).unwrap();
}

#[test]
fn no_witness_at_all_is_refused() {
    for bench in [Bench::p2wpkh(), Bench::taproot()] {
        let unsigned = bench.spend(bench.coin, 99_000);
        assert_eq!(bench.refuses(unsigned), Rejected::Script { input: 0 });
    }
}

#[test]
fn a_coin_is_spent_once() {
    let bench = Bench::p2wpkh();
    let tx = bench.signed(99_000);
    bench.chain.submit(tx.clone()).unwrap();
    bench.chain.submit(tx.clone()).unwrap();
    assert_eq!(bench.chain.mempool_size(), 1);
    bench.chain.mine(1).unwrap();
    assert_eq!(bench.refuses(tx), Rejected::Confirmed);
    assert_eq!(bench.refuses(bench.signed(98_000)), Rejected::MissingOrSpent);
}

#[test]
fn a_replacement_pays_more_than_all_that_it_evicts() {
    let bench = Bench::p2wpkh();
    let parent = bench.chain.submit(bench.signed(99_000)).unwrap();
    let output = OutPoint { txid: parent, vout: 0 };
    let child = bench.sign(bench.spend(output, 97_000), Amount::from_sat(99_000));
    let child = bench.chain.submit(child).unwrap();
    // 1000 for the parent and 2000 for its child.
    assert_eq!(bench.refuses(bench.signed(97_000)), Rejected::ReplacementFee);
    let replacement = bench.chain.submit(bench.signed(96_999)).unwrap();
    assert_eq!(bench.chain.mempool_size(), 1);
    bench.chain.mine(1).unwrap();
    let block = bench.chain.block(bench.chain.height()).unwrap();
    let ids: Vec<_> = block.txdata.iter().map(Transaction::compute_txid).collect();
    assert!(ids.contains(&replacement));
    assert!(!ids.contains(&parent) && !ids.contains(&child));
}

#[test]
fn a_replacement_cannot_spend_what_it_replaces() {
    let bench = Bench::p2wpkh();
    let parent = bench.chain.submit(bench.signed(99_000)).unwrap();
    let mut tx = bench.spend(bench.coin, 50_000);
    let output = OutPoint { txid: parent, vout: 0 };
    tx.input.push(TxIn { previous_output: output, ..TxIn::default() });
    assert_eq!(bench.refuses(tx), Rejected::SpendsReplaced);
}

#[test]
fn a_child_is_mined_with_its_parent() {
    let bench = Bench::p2wpkh();
    let parent = bench.chain.submit(bench.signed(99_000)).unwrap();
    let output = OutPoint { txid: parent, vout: 0 };
    let child = bench.sign(bench.spend(output, 98_000), Amount::from_sat(99_000));
    bench.chain.submit(child).unwrap();
    bench.chain.mine(1).unwrap();
    let block = bench.chain.block(bench.chain.height()).unwrap();
    assert_eq!(block.txdata.len(), 3);
    let fees = 3_000;
    let subsidy = Amount::from_int_btc(50).to_sat();
    assert_eq!(block.txdata[0].output[0].value.to_sat(), subsidy + fees - 1_000);
}

#[test]
fn money_and_fees_add_up() {
    let bench = Bench::p2wpkh();
    assert_eq!(bench.refuses(bench.signed(100_001)), Rejected::Overspend);
    assert_eq!(bench.refuses(bench.signed(99_999)), Rejected::FeeTooLow);
    assert_eq!(bench.refuses(bench.signed(u64::MAX)), Rejected::OutputTooLarge);
    let mut twice = bench.spend(bench.coin, 99_000);
    twice.input.push(twice.input[0].clone());
    assert_eq!(bench.refuses(twice), Rejected::DuplicateInput);
    let nowhere = OutPoint { txid: bench.coin.txid, vout: 9 };
    assert_eq!(bench.refuses(bench.spend(nowhere, 1_000)), Rejected::MissingOrSpent);
}

#[test]
fn a_coinbase_is_no_payment_and_matures_slowly() {
    let bench = Bench::p2wpkh();
    let coinbase = bench.chain.block(102).unwrap().txdata[0].clone();
    let reward = OutPoint { txid: coinbase.compute_txid(), vout: 0 };
    assert_eq!(bench.refuses(bench.spend(reward, 1_000)), Rejected::ImmatureCoinbase);
    bench.chain.mine(98).unwrap();
    assert_eq!(bench.refuses(bench.spend(reward, 1_000)), Rejected::ImmatureCoinbase);
    bench.chain.mine(1).unwrap();
    // Deep enough for the next block: only the missing signature is left to object to.
    assert_eq!(bench.refuses(bench.spend(reward, 1_000)), Rejected::Script { input: 0 });
    let fresh = Transaction { input: vec![TxIn::default()], ..coinbase };
    assert_eq!(bench.refuses(fresh), Rejected::Coinbase);
    let empty = Transaction { output: Vec::new(), ..bench.signed(1_000) };
    assert_eq!(bench.refuses(empty), Rejected::Empty);
}

#[test]
fn an_absolute_lock_holds_until_its_height() {
    let bench = Bench::p2wpkh();
    let mut tx = bench.spend(bench.coin, 99_000);
    // The next block is 103, the first one that may take it 104.
    tx.lock_time = LockTime::from_height(103).unwrap();
    let tx = bench.sign(tx, COIN);
    assert_eq!(bench.refuses(tx.clone()), Rejected::NonFinal);
    bench.chain.mine(1).unwrap();
    bench.chain.submit(tx).unwrap();
}

#[test]
fn an_absolute_lock_holds_until_its_time() {
    let bench = Bench::p2wpkh();
    let mut tx = bench.spend(bench.coin, 99_000);
    let tomorrow = bench.chain.block(102).unwrap().header.time + 86_400;
    tx.lock_time = LockTime::from_time(tomorrow).unwrap();
    assert_eq!(bench.refuses(bench.sign(tx, COIN)), Rejected::NonFinal);
}

#[test]
fn a_relative_lock_counts_from_the_coin() {
    let bench = Bench::p2wpkh();
    let mut tx = bench.spend(bench.coin, 99_000);
    tx.input[0].sequence = Sequence::from_height(3);
    let tx = bench.sign(tx, COIN);
    // The coin is in block 102, so that 105 may take the transaction and 104 may not.
    bench.chain.mine(1).unwrap();
    assert_eq!(bench.refuses(tx.clone()), Rejected::NonFinalSequence);
    bench.chain.mine(1).unwrap();
    bench.chain.submit(tx).unwrap();
    let mut timed = bench.spend(bench.coin, 98_000);
    timed.input[0].sequence = Sequence::from_512_second_intervals(200);
    assert_eq!(bench.refuses(bench.sign(timed, COIN)), Rejected::NonFinalSequence);
}

#[test]
fn the_faucet_runs_dry_and_recovers() {
    let chain = Chain::in_memory();
    let script = ScriptBuf::new_p2wpkh(&bitcoin::WPubkeyHash::all_zeros());
    let outputs = [(script, Amount::from_int_btc(120))];
    assert_eq!(chain.fund(&outputs), Err(FundError::Dry));
    chain.mine(103).unwrap();
    chain.fund(&outputs).unwrap();
    // Its mature coins are all spoken for, and the change is not mined yet.
    assert_eq!(chain.fund(&outputs), Err(FundError::Dry));
}

#[test]
fn the_mempool_can_be_watched() {
    let bench = Bench::p2wpkh();
    let watch = bench.chain.watch_mempool();
    bench.chain.submit(bench.signed(99_000)).unwrap();
    assert_eq!(*watch.borrow(), 1);
    bench.chain.mine(1).unwrap();
    assert_eq!(*watch.borrow(), 0);
}

#[test]
fn only_the_last_block_of_a_batch_is_dated_now() {
    let chain = Chain::in_memory();
    chain.mine(20).unwrap();
    let time = |height| chain.block(height).unwrap().header.time;
    assert!(time(20) - time(1) >= 19 * 600);
    chain.mine(20).unwrap();
    assert!(time(40) - time(20) < 60);
}

#[test]
fn a_chain_on_disk_comes_back_whole() {
    let dir = tempfile::tempdir().unwrap();
    let chain = Chain::open(dir.path()).unwrap();
    assert!(matches!(Chain::open(dir.path()), Err(OpenError::InUse)));
    chain.mine(103).unwrap();
    let script = ScriptBuf::new_p2wpkh(&bitcoin::WPubkeyHash::all_zeros());
    chain.fund(&[(script.clone(), COIN)]).unwrap();
    chain.mine(1).unwrap();
    let (height, tip) = (chain.height(), chain.tip());
    drop(chain);
    let chain = Chain::open(dir.path()).unwrap();
    assert_eq!((chain.height(), chain.tip()), (height, tip));
    chain.fund(&[(script, COIN)]).unwrap();
    chain.mine(1).unwrap();
    assert_eq!(chain.block(105).unwrap().txdata.len(), 2);
}

#[test]
fn what_a_crash_cut_short_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("blocks.dat");
    Chain::open(dir.path()).unwrap().mine(5).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let record = whole.len() / 5;
    for torn in [1, 7, 8, 100, record - 1] {
        std::fs::write(&path, &whole[..whole.len() - torn]).unwrap();
        assert_eq!(Chain::open(dir.path()).unwrap().height(), 4, "{torn} bytes missing");
        assert_eq!(std::fs::read(&path).unwrap().len(), 4 * record, "{torn} bytes missing");
    }
    // Allotted by the file system, but never written.
    std::fs::write(&path, &whole).unwrap();
    OpenOptions::new().append(true).open(&path).unwrap().write_all(&[0; 4096]).unwrap();
    let chain = Chain::open(dir.path()).unwrap();
    assert_eq!(chain.height(), 5);
    chain.mine(1).unwrap();
    drop(chain);
    assert_eq!(Chain::open(dir.path()).unwrap().height(), 6);
}

#[test]
fn a_bad_block_with_good_ones_behind_it_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("blocks.dat");
    Chain::open(dir.path()).unwrap().mine(3).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let record = whole.len() / 3;
    let reason = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        match Chain::open(dir.path()) {
            Err(OpenError::Corrupt { record: 1, reason }) => reason,
            Err(other) => panic!("{other:?}"),
            Ok(chain) => panic!("opened at height {}", chain.height()),
        }
    };
    // In the second record: its magic, the parent's hash, the merkle root, the coinbase's witness.
    assert_eq!(reason(record), BlockError::Encoding);
    assert_eq!(reason(record + 8 + 4), BlockError::NotOnTip);
    let merkle = reason(record + 8 + 36);
    assert!(matches!(merkle, BlockError::MerkleRoot | BlockError::ProofOfWork));
    assert_eq!(reason(2 * record - 5), BlockError::WitnessCommitment);
}

//! The faucet: the wallet that every block pays, and that anybody may draw on.

use core::fmt;

use bitcoin::absolute::LockTime;
use bitcoin::key::Secp256k1;
use bitcoin::secp256k1::{All, Message, PublicKey, SecretKey};
use bitcoin::sighash::{EcdsaSighashType, SighashCache};
use bitcoin::{
    Amount, CompressedPublicKey, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness, ecdsa, transaction,
};

use super::accept::Rejected;

/// The faucet's key is no secret: the money is play money, and a chain on disk keeps its faucet.
const KEY: [u8; 32] = [0x42; 32];

/// Satoshi per virtual byte that the faucet pays.
const FEE_RATE: u64 = 2;

// Upper bounds of virtual bytes: a P2WPKH input, the largest common output, and the rest.
const INPUT_VSIZE: usize = 69;
const OUTPUT_VSIZE: usize = 43;
const FIXED_VSIZE: usize = 12;

/// A coin that the faucet owns.
pub(super) type OwnCoin = (OutPoint, TxOut);

/// The wallet of the faucet.
pub(super) struct Faucet {
    secp: Secp256k1<All>,
    secret: SecretKey,
    public: PublicKey,
}

impl Faucet {
    pub(super) fn new() -> Self {
        let secp = Secp256k1::new();
        let secret = SecretKey::from_slice(&KEY).expect("the constant lies in the group's order");
        let public = secret.public_key(&secp);
        Self { secp, secret, public }
    }

    /// The script that the faucet is paid to.
    pub(super) fn script(&self) -> ScriptBuf {
        ScriptBuf::new_p2wpkh(&CompressedPublicKey(self.public).wpubkey_hash())
    }

    /// Returns a signed transaction that pays `outputs` from `coins`, and the change to the faucet.
    pub(super) fn pay(
        &self,
        outputs: &[(ScriptBuf, Amount)],
        coins: impl IntoIterator<Item = OwnCoin>,
    ) -> Result<Transaction, FundError> {
        let (spent, change) = select(outputs, coins)?;
        let mut tx = Transaction {
            version: transaction::Version::TWO,
            lock_time: LockTime::ZERO,
            input: spent.iter().map(|(outpoint, _)| input(*outpoint)).collect(),
            output: outputs.iter().map(|(script, value)| output(script.clone(), *value)).collect(),
        };
        tx.output.push(output(self.script(), change));
        self.sign(&mut tx, &spent);
        Ok(tx)
    }

    fn sign(&self, tx: &mut Transaction, spent: &[OwnCoin]) {
        let script = self.script();
        let mut cache = SighashCache::new(tx);
        for (index, (_, coin)) in spent.iter().enumerate() {
            let sighash = cache
                .p2wpkh_signature_hash(index, &script, coin.value, EcdsaSighashType::All)
                .expect("the script is P2WPKH and the input exists");
            let signature = self.secp.sign_ecdsa(&Message::from(sighash), &self.secret);
            let signature = ecdsa::Signature::sighash_all(signature);
            if let Some(witness) = cache.witness_mut(index) {
                *witness = Witness::p2wpkh(&signature, &self.public);
            }
        }
    }
}

/// Takes coins until they cover `outputs` and the fee; returns them and what is left over.
fn select(
    outputs: &[(ScriptBuf, Amount)],
    coins: impl IntoIterator<Item = OwnCoin>,
) -> Result<(Vec<OwnCoin>, Amount), FundError> {
    let wanted = outputs.iter().try_fold(Amount::ZERO, |sum, (_, value)| sum.checked_add(*value));
    let wanted = wanted.ok_or(FundError::Dry)?;
    let mut spent = Vec::new();
    let mut total = Amount::ZERO;
    for coin in coins {
        total = total.checked_add(coin.1.value).ok_or(FundError::Dry)?;
        spent.push(coin);
        let needed = wanted.checked_add(fee(spent.len(), outputs.len() + 1));
        if let Some(change) = needed.and_then(|needed| total.checked_sub(needed)) {
            return Ok((spent, change));
        }
    }
    Err(FundError::Dry)
}

fn fee(inputs: usize, outputs: usize) -> Amount {
    let vsize = FIXED_VSIZE + inputs * INPUT_VSIZE + outputs * OUTPUT_VSIZE;
    Amount::from_sat(u64::try_from(vsize).unwrap_or(u64::MAX).saturating_mul(FEE_RATE))
}

fn input(previous_output: OutPoint) -> TxIn {
    let sequence = Sequence::ENABLE_RBF_NO_LOCKTIME;
    TxIn { previous_output, sequence, ..TxIn::default() }
}

fn output(script_pubkey: ScriptBuf, value: Amount) -> TxOut {
    TxOut { value, script_pubkey }
}

/// Why the faucet could not pay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FundError {
    /// Its mature coins do not cover the amount; mining more blocks helps.
    Dry,
    /// The chain refused the transaction.
    Rejected(Rejected),
}

impl fmt::Display for FundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dry => f.write_str("faucet has too few mature coins"),
            Self::Rejected(_) => f.write_str("faucet's transaction was refused"),
        }
    }
}

impl core::error::Error for FundError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            Self::Dry => None,
        }
    }
}

impl From<Rejected> for FundError {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

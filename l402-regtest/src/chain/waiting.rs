//! The transactions that wait to be mined, on disk: nodes do not broadcast again what they have broadcast before a process was killed.
//!
//! A record is the length in bytes (`u32`, little-endian) and the transaction. Records of what was mined or replaced since do no harm:
//! what the chain does not accept any more is left out. What a crash cut short is dropped.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use bitcoin::Transaction;
use bitcoin::consensus::{deserialize, serialize};
use l402_lightning::folder;

/// The name of the file in the chain's folder.
const FILE: &str = "mempool.dat";

/// The open file. The lock of the blocks keeps other processes away.
pub(super) struct Waiting(File);

impl Waiting {
    /// Opens the file in `dir` and returns what it holds, oldest first.
    pub(super) fn open(dir: &Path) -> io::Result<(Self, Vec<Transaction>)> {
        let mut file = folder::open(&dir.join(FILE))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok((Self(file), read(&bytes)))
    }

    /// Adds a transaction behind the others.
    pub(super) fn append(&mut self, tx: &Transaction) -> io::Result<()> {
        let tx = serialize(tx);
        let length = u32::try_from(tx.len()).map_err(io::Error::other)?;
        self.0.write_all(&[&length.to_le_bytes(), tx.as_slice()].concat())
    }

    /// Replaces everything by `transactions`.
    pub(super) fn replace<'a>(&mut self, transactions: impl Iterator<Item = &'a Transaction>) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.seek(SeekFrom::Start(0))?;
        for tx in transactions {
            self.append(tx)?;
        }
        Ok(())
    }
}

fn read(mut bytes: &[u8]) -> Vec<Transaction> {
    let mut found = Vec::new();
    while let Some((length, after)) = bytes.split_first_chunk::<4>() {
        let Some((tx, behind)) = after.split_at_checked(u32::from_le_bytes(*length) as usize) else { break };
        let Ok(tx) = deserialize(tx) else { break };
        found.push(tx);
        bytes = behind;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::state::State;
    use super::super::store::OpenError;
    use bitcoin::{Amount, ScriptBuf};
    use core::time::Duration;
    use std::path::Path;
    use std::{fs, thread};

    /// What was told to be in the mempool is there after a kill, and gone when it was mined.
    #[test]
    fn what_waits_to_be_mined_outlives_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let mut state = State::open(dir.path()).unwrap();
        state.mine(101).unwrap();
        let paid = (ScriptBuf::new_op_return([7; 4]), Amount::from_sat(1_000));
        let txid = state.fund(&[paid]).unwrap();
        drop(state);

        let file = dir.path().join(super::FILE);
        let whole = fs::read(&file).unwrap();
        fs::write(&file, [&whole[..], &[9, 0, 0, 0, 1]].concat()).unwrap();
        let mut state = open_again(dir.path());
        assert!(state.mempool().entry(&txid).is_some());
        state.mine(1).unwrap();
        assert_eq!(state.mempool().len(), 0);
        drop(state);
        assert_eq!(fs::metadata(&file).unwrap().len(), 0);
        assert_eq!(open_again(dir.path()).mempool().len(), 0);
    }

    /// A process that another test starts holds the lock, too, until it runs its program.
    fn open_again(dir: &Path) -> State {
        for _ in 0..1_000 {
            match State::open(dir) {
                Err(OpenError::InUse) => thread::park_timeout(Duration::from_millis(10)),
                opened => return opened.unwrap(),
            }
        }
        panic!("the directory stays locked")
    }
}

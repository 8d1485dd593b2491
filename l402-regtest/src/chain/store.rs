//! The blocks on disk: one file that is only ever appended to.
//!
//! A record is the network's magic, the length in bytes (`u32`, little-endian) and the block, as in
//! bitcoind's own block files. The genesis block is not stored. What a crash cut short at the end of
//! the file is dropped at the next start; a bad record with good ones behind it is an error.

use core::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use bitcoin::Block;
use bitcoin::consensus::{deserialize, serialize};
use bitcoin::p2p::Magic;

use super::history::BlockError;

/// The name of the file in the chain's folder.
const FILE: &str = "blocks.dat";

const MAGIC: Magic = Magic::REGTEST;

/// Bytes before the block: magic and length.
const PREFIX: usize = 8;

/// The open file, which this process alone writes.
pub(super) struct Store {
    file: File,
    /// Where the last whole record ends.
    end: u64,
}

impl Store {
    /// Opens the file in `dir` and hands every block in it to `connect`, oldest first.
    pub(super) fn open(dir: &Path, connect: impl FnMut(Block) -> Result<(), BlockError>) -> Result<Self, OpenError> {
        std::fs::create_dir_all(dir)?;
        let path = dir.join(FILE);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse,
            TryLockError::Error(error) => OpenError::Io(error),
        })?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let end = u64::try_from(replay(&bytes, connect)?).unwrap_or(u64::MAX);
        let mut store = Self { file, end };
        store.cut_tail()?;
        Ok(store)
    }

    /// Writes `block` behind the others.
    pub(super) fn append(&mut self, block: &Block) -> io::Result<()> {
        let record = record(block)?;
        if let Err(error) = self.file.write_all(&record) {
            // Half a record with whole ones behind it would make the file unreadable.
            self.cut_tail()?;
            return Err(error);
        }
        self.end += u64::try_from(record.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Makes everything appended so far survive a loss of power.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn cut_tail(&mut self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.file.seek(SeekFrom::Start(self.end))?;
        Ok(())
    }
}

fn record(block: &Block) -> io::Result<Vec<u8>> {
    let block = serialize(block);
    let length = u32::try_from(block.len()).map_err(io::Error::other)?;
    let mut record = Vec::with_capacity(PREFIX + block.len());
    record.extend_from_slice(&MAGIC.to_bytes());
    record.extend_from_slice(&length.to_le_bytes());
    record.extend_from_slice(&block);
    Ok(record)
}

/// Connects each block in `bytes`; returns where the last whole record ends.
fn replay(bytes: &[u8], mut connect: impl FnMut(Block) -> Result<(), BlockError>) -> Result<usize, OpenError> {
    let mut rest = bytes;
    let mut record = 0u32;
    while let Some((block, behind)) = split_record(rest) {
        let connected = block.and_then(&mut connect);
        match connected {
            Ok(()) => rest = behind,
            Err(_) if behind.is_empty() => break,
            Err(reason) => return Err(OpenError::Corrupt { record, reason }),
        }
        record = record.saturating_add(1);
    }
    Ok(bytes.len() - rest.len())
}

/// Splits the first record off; nothing when it is cut short, or was allotted but never written.
fn split_record(bytes: &[u8]) -> Option<(Result<Block, BlockError>, &[u8])> {
    if bytes.iter().all(|byte| *byte == 0) {
        return None;
    }
    let (magic, after) = bytes.split_first_chunk::<4>()?;
    let (length, after) = after.split_first_chunk::<4>()?;
    if *magic != MAGIC.to_bytes() {
        return Some((Err(BlockError::Encoding), after));
    }
    let (block, behind) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some((deserialize(block).map_err(|_| BlockError::Encoding), behind))
}

/// Why a chain's folder could not be opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder or the file could not be read or written.
    Io(io::Error),
    /// Another process has the chain open.
    InUse,
    /// A stored block does not extend the ones before it.
    Corrupt {
        /// Its position in the file, from 0.
        record: u32,
        /// What is wrong with it.
        reason: BlockError,
    },
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("cannot use the directory of the chain"),
            Self::InUse => f.write_str("another process uses its directory"),
            Self::Corrupt { record, .. } => write!(f, "stored block {record} is bad"),
        }
    }
}

impl core::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Corrupt { reason, .. } => Some(reason),
            Self::InUse => None,
        }
    }
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// A block could not be written to disk.
#[derive(Debug)]
pub struct MineError(io::Error);

impl fmt::Display for MineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("block cannot be written")
    }
}

impl core::error::Error for MineError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl From<io::Error> for MineError {
    fn from(error: io::Error) -> Self {
        Self(error)
    }
}

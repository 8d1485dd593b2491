//! A file of records that only grows: what must be remembered before the next step is taken.
//!
//! 1. A header of 8 bytes, which names the kind of file, then records of one length: a body, and a checksum of 8 bytes.
//! 2. A record counts only after it is on the disk (`fdatasync`).
//! 3. A record that was being written when the power failed is cut off at the next start. Damage anywhere else is an error.

use bitcoin::hashes::{Hash as _, sha256};
use core::fmt;
use l402_lightning::folder;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use zeroize::Zeroizing;

/// A file whose records have bodies of `BODY` bytes.
pub(super) struct RecordFile<const BODY: usize> {
    file: File,
    /// The length of what is whole.
    len: u64,
    /// Something may lie behind that.
    torn: bool,
}

impl<const BODY: usize> RecordFile<BODY> {
    /// Reads the file, or makes it with mode 0600. `each` is given every body, the oldest first.
    pub(super) fn open(path: &Path, header: Header, each: impl FnMut(&[u8; BODY])) -> Result<Self, RecordsError> {
        let mut file = folder::open(path)?;
        let mut bytes = Zeroizing::new(Vec::new()); // a record may hold a preimage
        file.read_to_end(&mut bytes)?;
        if bytes.len() < header.len() {
            return Self::begin(file, path, header, &bytes);
        }
        let (found, records) = bytes.split_at(header.len());
        if found != header {
            return Err(RecordsError::Foreign);
        }
        let whole = records.chunks(Self::RECORD).map_while(body).map(each).count();
        let len = (header.len() + whole * Self::RECORD) as u64;
        // A torn write leaves nothing whole behind it.
        if records.chunks(Self::RECORD).skip(whole).any(|record| body::<BODY>(record).is_some()) {
            return Err(RecordsError::Damaged { offset: len });
        }
        Ok(Self { file, len, torn: true })
    }

    /// A new file, or one whose making was cut short.
    fn begin(mut file: File, path: &Path, header: Header, found: &[u8]) -> Result<Self, RecordsError> {
        if !header.starts_with(found) {
            return Err(RecordsError::Foreign);
        }
        file.rewind()?;
        file.write_all(header)?;
        file.sync_all()?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(Self { file, len: header.len() as u64, torn: false })
    }

    /// Writes a record and waits for the disk.
    pub(super) fn append(&mut self, body: &[u8; BODY]) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.len)?;
        }
        self.torn = true;
        self.file.seek(SeekFrom::Start(self.len))?;
        self.file.write_all(&Zeroizing::new([body.as_slice(), &checksum(body)].concat()))?;
        self.file.sync_data()?;
        self.len += Self::RECORD as u64;
        self.torn = false;
        Ok(())
    }

    /// Returns how many records are on the disk.
    pub(super) const fn count(&self) -> u64 {
        (self.len - HEADER_LEN) / Self::RECORD as u64
    }

    /// Reads at most `most` records of a file that somebody may be writing to, from the one on with number `from`.
    pub(super) fn read(path: &Path, from: u64, most: usize) -> io::Result<Vec<[u8; BODY]>> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(HEADER_LEN + from * Self::RECORD as u64))?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(most * Self::RECORD));
        file.take((most * Self::RECORD) as u64).read_to_end(&mut bytes)?;
        Ok(bytes.chunks(Self::RECORD).map_while(body).copied().collect())
    }

    #[cfg(test)]
    pub(super) fn swap(&mut self, file: File) -> File {
        core::mem::replace(&mut self.file, file)
    }

    const RECORD: usize = BODY + CHECK;
}

/// What a file begins with: its kind and version.
pub(super) type Header = &'static [u8; 8];

/// A file of what the node must remember cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum RecordsError {
    /// It cannot be read or written.
    Io(io::Error),
    /// It is not such a file, or of a later version.
    Foreign,
    /// A record before the last one is damaged: what was recorded cannot be told any more.
    Damaged {
        /// Where, in bytes from the beginning.
        offset: u64,
    },
}

impl From<io::Error> for RecordsError {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

impl fmt::Display for RecordsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(_) => f.write_str("cannot read or write the file of records"),
            Self::Foreign => f.write_str("the file is not one of such records"),
            Self::Damaged { offset } => write!(f, "the file of records is damaged at byte {offset}"),
        }
    }
}

impl core::error::Error for RecordsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(cause) => Some(cause),
            _ => None,
        }
    }
}

/// The body of a whole record.
fn body<const BODY: usize>(record: &[u8]) -> Option<&[u8; BODY]> {
    let (body, check) = record.split_first_chunk()?;
    (check == checksum(body)).then_some(body)
}

fn checksum(body: &[u8]) -> [u8; CHECK] {
    sha256::Hash::hash(body).to_byte_array().first_chunk().copied().unwrap_or_default()
}

const CHECK: usize = 8;
const HEADER_LEN: u64 = 8;

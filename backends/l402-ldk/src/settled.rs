//! Which payments we received, on disk: a file that only grows.
//!
//! 1. A header of 8 bytes, then [records](super::records) of 56: payment hash, millisatoshis and Unix seconds (big-endian),
//!    checksum. One record for each *paid* invoice; an unpaid one leaves no trace.
//! 2. A payment counts only after its record is on the disk. One whose record was torn is reported by the node again, for it is
//!    told that a payment was handled only afterwards.

use super::records::{Header, RecordFile, RecordsError};
use super::waiters::Waiters;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use l402_core::{Msat, PaymentHash, UnixSeconds};
use l402_lightning::{Settlement, SettlementPage, unix_now};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};
use tokio::sync::watch;

/// The payments that were received.
pub(super) struct Settlements {
    file: Mutex<RecordFile<BODY>>,
    known: RwLock<HashMap<PaymentHash, Msat>>,
    waiters: Waiters<Msat>,
    path: PathBuf,
    count: watch::Sender<u64>,
    broken: AtomicBool,
}

impl Settlements {
    /// Reads the file, or makes it.
    pub(super) fn open(path: &Path) -> Result<Self, RecordsError> {
        let mut known = HashMap::new();
        let file = RecordFile::open(path, HEADER, |body| {
            if let Some(found) = decode(body) {
                note(&mut known, found.payment_hash, found.received_msat);
            }
        })?;
        Ok(Self {
            path: path.to_owned(),
            count: watch::Sender::new(file.count()),
            file: Mutex::new(file),
            known: RwLock::new(known),
            waiters: Waiters::new(),
            broken: AtomicBool::new(false),
        })
    }

    /// Records a payment durably, then tells who waits for it. Blocks for the disk. The same payment may be recorded again.
    pub(super) fn record(&self, hash: PaymentHash, msat: Msat) -> io::Result<()> {
        if self.lookup(&hash).is_none_or(|known| known < msat) {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            let written = file.append(&encode(&hash, msat, unix_now().get()));
            let count = file.count();
            drop(file);
            self.broken.store(written.is_err(), Ordering::Relaxed);
            written?;
            note(&mut self.known.write().unwrap_or_else(PoisonError::into_inner), hash, msat);
            self.count.send_replace(count);
        }
        self.waiters.announce(&hash, msat);
        Ok(())
    }

    /// Returns what was received for a hash. Waits for a payment that has not been recorded yet; `None` when none came.
    ///
    /// Fails while payments cannot be recorded: then one that was received may be missing.
    pub(super) async fn within(&self, hash: &PaymentHash, at_most: Duration) -> Result<Option<Msat>, Unrecorded> {
        if let Some(msat) = self.lookup(hash) {
            return Ok(Some(msat));
        }
        let waiter = self.waiters.join(*hash); // before the second look-up, lest it is recorded between the two
        let found = match self.lookup(hash) {
            Some(msat) => Some(msat),
            None => waiter.wait(at_most).await,
        };
        if found.is_none() && self.broken.load(Ordering::Relaxed) { Err(Unrecorded) } else { Ok(found) }
    }

    /// Returns how many payments are on the disk.
    pub(super) fn recorded(&self) -> u64 {
        *self.count.borrow()
    }

    /// Waits until more than so many payments are on the disk.
    pub(super) async fn more_than(&self, count: u64) {
        let _ = self.count.subscribe().wait_for(|now| *now > count).await; // it does not end before this record
    }

    /// Reads some payments, from the one on with that number. Blocks for the disk.
    pub(super) fn page(&self, from: u64) -> io::Result<SettlementPage> {
        let records = RecordFile::<BODY>::read(&self.path, from, PAGE)?;
        let settlements: Vec<_> = records.iter().filter_map(decode).map(|found| self.largest(found)).collect();
        Ok(SettlementPage { next: from + settlements.len() as u64, settlements })
    }

    /// The same with the largest of several payments of one invoice.
    fn largest(&self, found: Settlement) -> Settlement {
        Settlement { received_msat: self.lookup(&found.payment_hash).unwrap_or(found.received_msat), ..found }
    }

    /// Returns what is recorded by now.
    pub(super) fn lookup(&self, hash: &PaymentHash) -> Option<Msat> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(hash).copied()
    }
}

/// Payments are received and cannot be recorded.
#[derive(Debug)]
pub(super) struct Unrecorded;

impl fmt::Display for Unrecorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("received payments cannot be written to the disk")
    }
}

impl core::error::Error for Unrecorded {}

/// Of several payments of one invoice the largest counts.
fn note(known: &mut HashMap<PaymentHash, Msat>, hash: PaymentHash, msat: Msat) {
    let entry = known.entry(hash).or_default();
    *entry = msat.max(*entry);
}

fn encode(hash: &PaymentHash, msat: Msat, unix_s: u64) -> [u8; BODY] {
    let mut body = [0; BODY];
    body[..32].copy_from_slice(hash.as_bytes());
    body[32..40].copy_from_slice(&msat.get().to_be_bytes());
    body[40..].copy_from_slice(&unix_s.to_be_bytes());
    body
}

fn decode(body: &[u8; BODY]) -> Option<Settlement> {
    let (hash, rest) = body.split_first_chunk()?;
    let (msat, time) = rest.split_first_chunk()?;
    Some(Settlement {
        payment_hash: PaymentHash::from_bytes(*hash),
        received_msat: Msat::new(u64::from_be_bytes(*msat)),
        settled_at: UnixSeconds::new(u64::from_be_bytes(*time.first_chunk()?)),
    })
}

const HEADER: Header = b"L402SET\x01";
const BODY: usize = 32 + 8 + 8;

/// How many payments are read at once.
const PAGE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use tempfile::TempDir;

    const HASH: PaymentHash = PaymentHash::from_bytes([7; 32]);
    const OTHER: PaymentHash = PaymentHash::from_bytes([8; 32]);

    fn file_of(records: &[(PaymentHash, Msat)]) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settled");
        let settlements = Settlements::open(&path).unwrap();
        for (hash, msat) in records {
            settlements.record(*hash, *msat).unwrap();
        }
        (folder, path)
    }

    #[test]
    fn l5_what_was_recorded_is_there_after_a_restart() {
        let (_folder, path) =
            file_of(&[(HASH, Msat::new(21_000)), (OTHER, Msat::new(1_000)), (HASH, Msat::new(21_000))]);
        assert_eq!(fs::metadata(&path).unwrap().len(), 8 + 2 * 56, "the same payment is not written twice");
        let again = Settlements::open(&path).unwrap();
        assert_eq!((again.lookup(&HASH), again.lookup(&OTHER)), (Some(Msat::new(21_000)), Some(Msat::new(1_000))));
    }

    #[test]
    fn l5_a_torn_record_is_cut_off_wherever_it_ends() {
        let (_folder, path) = file_of(&[(HASH, Msat::new(21_000)), (OTHER, Msat::new(1_000))]);
        let whole = fs::read(&path).unwrap();
        for len in 8 + 56..whole.len() {
            fs::write(&path, &whole[..len]).unwrap();
            let settlements = Settlements::open(&path).unwrap();
            assert_eq!((settlements.lookup(&HASH), settlements.lookup(&OTHER)), (Some(Msat::new(21_000)), None));
            settlements.record(OTHER, Msat::new(2_000)).unwrap();
            assert_eq!(Settlements::open(&path).unwrap().lookup(&OTHER), Some(Msat::new(2_000)), "cut at {len}");
        }
        // The length may reach the disk before what was written.
        fs::write(&path, [&whole[..8 + 56], &[0; 56]].concat()).unwrap();
        assert_eq!(Settlements::open(&path).unwrap().lookup(&HASH), Some(Msat::new(21_000)));
    }

    #[test]
    fn damage_before_the_end_is_an_error() {
        let (_folder, path) = file_of(&[(HASH, Msat::new(21_000)), (OTHER, Msat::new(1_000))]);
        let mut bytes = fs::read(&path).unwrap();
        bytes[20] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert!(matches!(Settlements::open(&path), Err(RecordsError::Damaged { offset: 8 })));

        fs::write(&path, b"something else").unwrap();
        assert!(matches!(Settlements::open(&path), Err(RecordsError::Foreign)));
    }

    #[test]
    fn a_file_whose_making_was_cut_short_is_made() {
        let (_folder, path) = file_of(&[]);
        fs::write(&path, b"L402").unwrap();
        Settlements::open(&path).unwrap().record(HASH, Msat::new(1)).unwrap();
        assert_eq!(Settlements::open(&path).unwrap().lookup(&HASH), Some(Msat::new(1)));
    }

    #[tokio::test]
    async fn l5_what_is_on_the_disk_is_told_in_pages() {
        let hash = |n: u8| PaymentHash::from_bytes([n; 32]);
        let records: Vec<_> = (0..70).map(|n| (hash(n), Msat::new(n.into()))).collect();
        let (_folder, path) = file_of(&records);
        let settlements = Settlements::open(&path).unwrap();
        assert_eq!(settlements.recorded(), 70);
        let first = settlements.page(0).unwrap();
        let second = settlements.page(first.next).unwrap();
        let told: Vec<_> = first.settlements.iter().chain(&second.settlements).collect();
        assert_eq!(told.iter().map(|told| (told.payment_hash, told.received_msat)).collect::<Vec<_>>(), records);
        assert!(told.iter().all(|told| told.settled_at <= unix_now() && told.settled_at.get() > 1_700_000_000));
        assert_eq!((second.next, settlements.page(70).unwrap().settlements.len()), (70, 0));

        settlements.record(hash(3), Msat::new(21_000)).unwrap();
        settlements.more_than(70).await;
        assert_eq!(settlements.page(3).unwrap().settlements[0].received_msat, Msat::new(21_000), "the largest counts");
    }

    #[tokio::test]
    async fn l5_while_nothing_can_be_recorded_nothing_is_called_unpaid() {
        let (_folder, path) = file_of(&[(OTHER, Msat::new(1_000))]);
        let settlements = Settlements::open(&path).unwrap();
        let writable = settlements.file.lock().unwrap().swap(File::open(&path).unwrap());
        assert!(settlements.record(HASH, Msat::new(21_000)).is_err());
        assert!(settlements.within(&HASH, Duration::ZERO).await.is_err());
        assert_eq!(settlements.within(&OTHER, Duration::ZERO).await.unwrap(), Some(Msat::new(1_000)));

        settlements.file.lock().unwrap().swap(writable);
        settlements.record(HASH, Msat::new(21_000)).unwrap();
        assert_eq!(settlements.within(&HASH, Duration::ZERO).await.unwrap(), Some(Msat::new(21_000)));
        assert_eq!(Settlements::open(&path).unwrap().lookup(&HASH), Some(Msat::new(21_000)));
    }

    #[tokio::test]
    async fn l5_a_late_settlement_counts() {
        let (_folder, path) = file_of(&[]);
        let settlements = std::sync::Arc::new(Settlements::open(&path).unwrap());
        assert_eq!(settlements.within(&HASH, Duration::ZERO).await.unwrap(), None);

        let recorder = settlements.clone();
        let late = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            recorder.record(HASH, Msat::new(21_000)).unwrap();
        });
        assert_eq!(settlements.within(&HASH, Duration::from_secs(10)).await.unwrap(), Some(Msat::new(21_000)));
        late.await.unwrap();
    }
}

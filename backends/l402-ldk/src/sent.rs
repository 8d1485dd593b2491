//! Which payments may be on their way, on disk: ldk-node sends first and writes its own row afterwards, so that a crash between
//! the two would leave money under way that nothing tells of.
//!
//! 1. A header of 8 bytes, then records of 89: kind, payment hash, millisatoshis, preimage, Unix seconds (big-endian), checksum.
//! 2. A payment is recorded as begun *before* it is sent. It stays so until its failure, or that it was never sent, is proven.
//! 3. The preimage of a payment that ldk-node has no row of is recorded as well: nothing else would know it.

use super::records::{Header, RecordFile, RecordsError};
use l402_core::{Msat, PaymentHash, Preimage};
use l402_lightning::unix_now;
use l402_lightning::{Paid, PaymentStatus};
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock};
use zeroize::Zeroizing;

/// The payments that were begun.
pub(super) struct Sent {
    file: Mutex<RecordFile<BODY>>,
    known: RwLock<HashMap<PaymentHash, State>>,
}

impl Sent {
    /// Reads the file, or makes it.
    pub(super) fn open(path: &Path) -> Result<Self, RecordsError> {
        let mut known = HashMap::new();
        let file = RecordFile::open(path, HEADER, |body| {
            if let Some((hash, entry)) = decode(body) {
                note(&mut known, hash, entry);
            }
        })?;
        Ok(Self { file: Mutex::new(file), known: RwLock::new(known) })
    }

    /// Records that a payment is about to be sent; blocks for the disk. Tells whether an earlier attempt may be on its way.
    pub(super) fn begin(&self, hash: PaymentHash, amount_msat: Msat) -> io::Result<Earlier> {
        self.append(hash, &Entry::Begun { amount_msat }, |state| matches!(state, None | Some(State::Over)))
            .map(|fresh| if fresh { Earlier::None } else { Earlier::Perhaps })
    }

    /// Records that nothing of a payment is on its way any more: it was not sent, or it has failed.
    pub(super) fn end(&self, hash: PaymentHash) -> io::Result<()> {
        self.append(hash, &Entry::Over, |state| matches!(state, Some(State::Begun { .. }))).map(drop)
    }

    /// Records the success of a payment.
    pub(super) fn paid(&self, hash: PaymentHash, preimage: Preimage, fee_msat: Msat) -> io::Result<()> {
        self.append(hash, &Entry::Paid { preimage, fee_msat }, |state| !matches!(state, Some(State::Paid(_)))).map(drop)
    }

    /// Returns what the file alone tells of a payment.
    pub(super) fn status(&self, hash: &PaymentHash) -> PaymentStatus {
        match self.known.read().unwrap_or_else(PoisonError::into_inner).get(hash) {
            Some(State::Begun { .. }) => PaymentStatus::Pending,
            Some(State::Paid(paid)) => PaymentStatus::Succeeded(paid.clone()),
            Some(State::Over) => PaymentStatus::Failed,
            None => PaymentStatus::NotFound,
        }
    }

    /// Returns whether the record was needed, and written.
    fn append(&self, hash: PaymentHash, entry: &Entry, needed: impl Fn(Option<&State>) -> bool) -> io::Result<bool> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if !needed(self.known.read().unwrap_or_else(PoisonError::into_inner).get(&hash)) {
            return Ok(false);
        }
        file.append(&encode(&hash, entry, unix_now().get()))?;
        note(&mut self.known.write().unwrap_or_else(PoisonError::into_inner), hash, entry.clone());
        Ok(true)
    }
}

/// Whether an attempt before this one may be on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Earlier {
    None,
    Perhaps,
}

enum State {
    Begun { amount_msat: Msat },
    Over,
    Paid(Paid),
}

#[derive(Clone)]
enum Entry {
    Begun { amount_msat: Msat },
    Over,
    Paid { preimage: Preimage, fee_msat: Msat },
}

fn note(known: &mut HashMap<PaymentHash, State>, hash: PaymentHash, entry: Entry) {
    let state = match entry {
        Entry::Begun { amount_msat } => State::Begun { amount_msat },
        Entry::Over => State::Over,
        Entry::Paid { preimage, fee_msat } => {
            let amount_msat = match known.get(&hash) {
                Some(State::Begun { amount_msat }) => *amount_msat,
                _ => Msat::new(0),
            };
            State::Paid(Paid { preimage, amount_msat, fee_msat })
        }
    };
    known.insert(hash, state);
}

fn encode(hash: &PaymentHash, entry: &Entry, unix_s: u64) -> Zeroizing<[u8; BODY]> {
    let (kind, msat, preimage) = match entry {
        Entry::Begun { amount_msat } => (BEGUN, *amount_msat, None),
        Entry::Over => (OVER, Msat::ZERO, None),
        Entry::Paid { preimage, fee_msat } => (PAID, *fee_msat, Some(preimage)),
    };
    let mut body = Zeroizing::new([0; BODY]);
    body[0] = kind;
    body[1..33].copy_from_slice(hash.as_bytes());
    body[33..41].copy_from_slice(&msat.get().to_be_bytes());
    if let Some(preimage) = preimage {
        body[41..73].copy_from_slice(preimage.expose());
    }
    body[73..].copy_from_slice(&unix_s.to_be_bytes());
    body
}

fn decode(body: &[u8; BODY]) -> Option<(PaymentHash, Entry)> {
    let (kind, rest) = body.split_first()?;
    let (hash, rest) = rest.split_first_chunk()?;
    let (msat, rest) = rest.split_first_chunk()?;
    let (preimage, _) = rest.split_first_chunk()?;
    let msat = Msat::new(u64::from_be_bytes(*msat));
    let entry = match *kind {
        BEGUN => Entry::Begun { amount_msat: msat },
        OVER => Entry::Over,
        PAID => Entry::Paid { preimage: Preimage::from_bytes(*preimage), fee_msat: msat },
        _ => return None,
    };
    Some((PaymentHash::from_bytes(*hash), entry))
}

const HEADER: Header = b"L402SNT\x01";
const BODY: usize = 1 + 32 + 8 + 32 + 8;
const BEGUN: u8 = 1;
const OVER: u8 = 2;
const PAID: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    const HASH: PaymentHash = PaymentHash::from_bytes([7; 32]);

    #[test]
    fn a4_what_was_begun_is_pending_after_a_restart_until_its_failure_is_proven() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sent");
        let sent = Sent::open(&path).unwrap();
        assert!(matches!(sent.status(&HASH), PaymentStatus::NotFound));
        assert_eq!(sent.begin(HASH, Msat::new(21_000)).unwrap(), Earlier::None);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        let sent = Sent::open(&path).unwrap();
        assert!(matches!(sent.status(&HASH), PaymentStatus::Pending));
        assert_eq!(sent.begin(HASH, Msat::new(21_000)).unwrap(), Earlier::Perhaps);
        sent.end(HASH).unwrap();

        let sent = Sent::open(&path).unwrap();
        assert!(matches!(sent.status(&HASH), PaymentStatus::Failed));
        assert_eq!(sent.begin(HASH, Msat::new(21_000)).unwrap(), Earlier::None, "it can be paid again");
        assert!(matches!(Sent::open(&path).unwrap().status(&HASH), PaymentStatus::Pending));
    }

    #[test]
    fn a4_a_preimage_outlives_a_restart_and_a_late_failure() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sent");
        let sent = Sent::open(&path).unwrap();
        sent.begin(HASH, Msat::new(21_000)).unwrap();
        sent.paid(HASH, Preimage::from_bytes([9; 32]), Msat::new(3)).unwrap();
        sent.end(HASH).unwrap();
        let PaymentStatus::Succeeded(paid) = Sent::open(&path).unwrap().status(&HASH) else { panic!("not paid") };
        assert_eq!(
            (paid.preimage.expose(), paid.amount_msat, paid.fee_msat),
            (&[9; 32], Msat::new(21_000), Msat::new(3))
        );
    }

    #[test]
    fn a4_a_torn_record_was_not_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sent");
        Sent::open(&path).unwrap().begin(HASH, Msat::new(21_000)).unwrap();
        let whole = fs::read(&path).unwrap();
        assert_eq!(whole.len(), 8 + 89);
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        let sent = Sent::open(&path).unwrap();
        assert!(matches!(sent.status(&HASH), PaymentStatus::NotFound));
        sent.begin(HASH, Msat::new(21_000)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().len(), 8 + 89);
    }
}

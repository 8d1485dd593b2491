//! Payments that were asked for, on disk before they are sent: after a crash, the same signed request is sent again, and no other.
//!
//! 1. A payment has one file, named after its payment hash, from before its request is sent until it is known to have failed. One that has
//!    succeeded is kept until its invoice has expired, so that paying again reports it.
//! 2. Nothing in a file is secret: the request is encrypted for the wallet, and no preimage is kept here. Files are private all the same.
//! 3. The file `stopped` says that the wallet took money and returned no proof. It pays nothing then, until it has proven itself.

use crate::client::Signed;
use l402_core::{Msat, PaymentHash};
use l402_lightning::{folder, secret_file};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The directory of such files.
#[derive(Debug)]
pub(crate) struct Sent {
    folder: PathBuf,
    /// Held while a file is made: drafts have one name.
    making: Mutex<()>,
}

/// A payment that was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Asked {
    /// The request, as it was signed.
    request: String,
    /// When.
    pub(crate) at: u64,
    invoice_expires_at: u64,
    amount_msat: u64,
    max_fee_msat: u64,
    #[serde(default)]
    is_paid: bool,
}

impl Asked {
    pub(crate) fn new(request: &Signed, now: u64, invoice_expires_at: u64, amount: Msat, max_fee: Msat) -> Self {
        Self {
            request: request.json().to_owned(),
            at: now,
            invoice_expires_at,
            amount_msat: amount.get(),
            max_fee_msat: max_fee.get(),
            is_paid: false,
        }
    }

    /// Returns the request if it can still be sent: it has no outcome, and the wallet does not ignore it yet.
    pub(crate) fn request(&self, now: u64) -> Option<Signed> {
        Signed::read(&self.request).filter(|request| !self.is_paid && now <= request.expires_at())
    }

    pub(crate) const fn amount_msat(&self) -> Msat {
        Msat::new(self.amount_msat)
    }

    /// Returns what the payment may have cost at most, as far as the wallet was told.
    pub(crate) const fn max_fee_msat(&self) -> Msat {
        Msat::new(self.max_fee_msat)
    }
}

impl Sent {
    /// Makes the directory where it does not exist.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        folder::make(folder)?;
        Ok(Self { folder: folder.to_owned(), making: Mutex::default() })
    }

    /// Returns what is known of a payment.
    pub(crate) fn find(&self, hash: &PaymentHash) -> io::Result<Option<Asked>> {
        match fs::read(self.path(hash)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// Notes a payment that is about to be sent, durably. Where another call or process was faster, its note counts. Returns the one that
    /// counts, and whether it is this one.
    pub(crate) fn begin(&self, hash: &PaymentHash, asked: Asked, now: u64) -> io::Result<(Asked, bool)> {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        self.forget_old(now);
        let draft = self.folder.join(format!("{hash}.{}.draft", std::process::id()));
        match fs::remove_file(&draft) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            _ => {}
        }
        write(&draft, &asked)?;
        let linked = fs::hard_link(&draft, self.path(hash)); // whole, or not there; never over another
        fs::remove_file(&draft)?;
        match linked {
            Ok(()) => {
                fs::File::open(&self.folder)?.sync_all()?;
                Ok((asked, true))
            }
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
                self.find(hash)?.map(|first| (first, false)).ok_or(cause)
            }
            Err(cause) => Err(cause),
        }
    }

    /// Notes that a payment has succeeded. Where that cannot be written, the wallet says it again.
    pub(crate) fn paid(&self, hash: &PaymentHash) {
        if let Ok(Some(asked)) = self.find(hash)
            && let Ok(text) = serde_json::to_vec(&Asked { is_paid: true, ..asked })
        {
            let _ = secret_file::replace(&self.path(hash), &text);
        }
    }

    /// Forgets a payment that has failed for good.
    pub(crate) fn failed(&self, hash: &PaymentHash) {
        let _ = fs::remove_file(self.path(hash)); // else it is looked up once more
    }

    /// Tells whether the wallet was stopped.
    pub(crate) fn is_stopped(&self) -> bool {
        self.folder.join(STOPPED).exists()
    }

    /// Stops the wallet: it pays nothing from now on.
    pub(crate) fn stop(&self) -> io::Result<()> {
        folder::open(&self.folder.join(STOPPED))?.write_all(b"paid without a preimage\n")
    }

    /// Lets the wallet pay again.
    pub(crate) fn resume(&self) -> io::Result<()> {
        match fs::remove_file(self.folder.join(STOPPED)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
            _ => Ok(()),
        }
    }

    /// Removes payments that have succeeded and whose invoices have expired.
    fn forget_old(&self, now: u64) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let read = fs::read(entry.path()).ok().and_then(|bytes| serde_json::from_slice::<Asked>(&bytes).ok());
            if read.is_some_and(|asked| asked.is_paid && asked.invoice_expires_at.saturating_add(CLOCKS_DIFFER) < now) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn path(&self, hash: &PaymentHash) -> PathBuf {
        self.folder.join(format!("{hash}.json"))
    }
}

fn write(path: &Path, asked: &Asked) -> io::Result<()> {
    let mut file = folder::open(path)?;
    file.write_all(&serde_json::to_vec(asked)?)?;
    file.sync_all()
}

const STOPPED: &str = "stopped";
/// By how many seconds the clock of the wallet's node may be behind ours.
const CLOCKS_DIFFER: u64 = 120;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    const HASH: PaymentHash = PaymentHash::from_bytes([7; 32]);

    fn asked(request: &str, expires_at: u64) -> Asked {
        Asked {
            request: request.to_owned(),
            at: 5,
            invoice_expires_at: expires_at,
            amount_msat: 21_000,
            max_fee_msat: 9,
            is_paid: false,
        }
    }

    #[test]
    fn a4_the_first_request_of_a_payment_is_the_one_that_counts() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (Sent::open(folder.path()).unwrap(), Sent::open(folder.path()).unwrap());
        assert!(one.find(&HASH).unwrap().is_none());
        let (first, is_first) = one.begin(&HASH, asked("first", 100), 5).unwrap();
        assert!(is_first && first.request == "first");
        let (second, is_first) = other.begin(&HASH, asked("second", 100), 5).unwrap();
        assert!(!is_first && second.request == "first", "of another process");
        assert_eq!(other.find(&HASH).unwrap().unwrap().request, "first");
        assert_eq!(fs::metadata(one.path(&HASH)).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no drafts are left");
        one.failed(&HASH);
        assert!(other.begin(&HASH, asked("third", 100), 5).unwrap().1, "after a failure for good");
    }

    #[test]
    fn only_what_is_paid_and_over_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let sent = Sent::open(folder.path()).unwrap();
        let (open, other) = (PaymentHash::from_bytes([8; 32]), PaymentHash::from_bytes([9; 32]));
        sent.begin(&HASH, asked("paid", 100), 5).unwrap();
        sent.begin(&open, asked("open", 100), 5).unwrap();
        sent.paid(&HASH);
        sent.begin(&other, asked("next", 1_000), 100 + CLOCKS_DIFFER).unwrap();
        assert!(sent.find(&HASH).unwrap().is_some(), "the clock of the wallet's node may be behind");
        sent.failed(&other);
        sent.begin(&other, asked("next", 1_000), 101 + CLOCKS_DIFFER).unwrap();
        assert!(sent.find(&HASH).unwrap().is_none());
        assert!(sent.find(&open).unwrap().is_some(), "what became of it is not known");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error_and_no_absence() {
        let folder = tempfile::tempdir().unwrap();
        let sent = Sent::open(folder.path()).unwrap();
        fs::write(sent.path(&HASH), "{").unwrap();
        assert!(sent.find(&HASH).is_err());
        assert!(!sent.is_stopped());
        sent.stop().unwrap();
        assert!(Sent::open(folder.path()).unwrap().is_stopped());
        sent.resume().unwrap();
        assert!(!sent.is_stopped());
    }
}

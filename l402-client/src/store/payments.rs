//! The record of payments: what was about to be paid, and what became of it (threat A4).
//!
//! 1. Before a wallet is asked to pay, the intent is on the disk. One file for each payment hash, in `payments/open`.
//! 2. Afterwards the outcome is, in `payments/closed`, and the open record goes. A time-out is no outcome.
//! 3. Whoever pays, or asks what became of a payment, holds a lock on the open record, which the system gives back when the
//!    process dies. Records are read without it, so that nobody who only looks hides one from somebody else.
//! 4. The record holds what it takes to ask for the outcome, and the token, so that what was paid for is not lost.

use super::codec;
use super::private::{PrivateDir, PrivateError};
use core::fmt;
use http::Method;
use l402_core::{PaymentHash, Scheme};
use l402_http::pay::{Origin, Token};
use serde::{Deserialize, Serialize};
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// A payment that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// What it will prove.
    #[serde(with = "codec::text")]
    pub payment_hash: PaymentHash,
    /// What the invoice asks for, in millisatoshi.
    pub amount_msat: u64,
    /// The wallet that pays, with the network where it has a node for each (`ldk/signet`): the only one that can say what became of it.
    pub wallet: String,
    /// Who is paid.
    #[serde(with = "codec::text")]
    pub origin: Origin,
    /// The method of the request that is paid for.
    #[serde(with = "codec::text")]
    pub method: Method,
    /// The path of that request.
    pub path: String,
    /// The scheme of the challenge.
    #[serde(with = "codec::scheme")]
    pub scheme: Scheme,
    /// The token that the payment buys, in base64; worthless without the preimage.
    pub token: String,
    /// When, in Unix seconds.
    pub at: u64,
}

impl Intent {
    /// Takes a token that is about to be paid for.
    pub fn new(origin: &Origin, token: &Token, wallet: &str) -> Self {
        Self {
            payment_hash: token.payment_hash,
            amount_msat: token.amount_msat,
            wallet: wallet.to_owned(),
            origin: origin.clone(),
            method: token.method.clone(),
            path: token.path.clone(),
            scheme: token.scheme,
            token: token.text.clone(),
            at: token.bought_at,
        }
    }

    /// Returns the token, which has no proof yet.
    pub fn token(&self) -> Token {
        Token {
            scheme: self.scheme,
            text: self.token.clone(),
            payment_hash: self.payment_hash,
            preimage: None,
            amount_msat: self.amount_msat,
            fee_msat: 0,
            method: self.method.clone(),
            path: self.path.clone(),
            bought_at: self.at,
        }
    }
}

/// What became of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It succeeded, and the token is kept.
    Paid {
        /// What routing cost, in millisatoshi.
        fee_msat: u64,
    },
    /// It failed, or was never sent. No money moved.
    NotPaid,
    /// The user no longer wants to know.
    Forgotten,
}

/// The payments of a data folder.
#[derive(Debug, Clone)]
pub struct Payments {
    dir: PrivateDir,
    open: PrivateDir,
    closed: PrivateDir,
}

impl Payments {
    /// Opens the record in a data folder.
    ///
    /// # Errors
    /// [`PaymentsError::File`].
    pub fn open(data: &PrivateDir) -> Result<Self, PaymentsError> {
        let dir = data.folder("payments").map_err(PaymentsError::File)?;
        let folder = |name| dir.folder(name).map_err(PaymentsError::File);
        let (open, closed) = (folder("open")?, folder("closed")?);
        Ok(Self { dir, open, closed })
    }

    /// Records an intent; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`PaymentsError`]; nothing must be paid then.
    pub fn begin(&self, intent: Intent) -> Result<OpenPayment, PaymentsError> {
        let name = file_name(&intent.payment_hash);
        // Two processes that were shown the same invoice must not both find it new.
        let _turn = self.dir.lock(LOCK).map_err(PaymentsError::File)?;
        if self.intent(&name)?.is_some() {
            return Err(PaymentsError::StillOpen(intent.payment_hash));
        }
        if self.is_seen(&name)? {
            return Err(PaymentsError::Seen(intent.payment_hash));
        }
        let record = Record { version: VERSION, intent, outcome: None };
        let lock = self.open.replace_locked(&name, &record.encode()?).map_err(PaymentsError::File)?;
        Ok(OpenPayment { payments: self.clone(), intent: record.intent, _lock: lock })
    }

    /// Returns the payments without an outcome, whether somebody sees to them or not. It takes no lock.
    ///
    /// # Errors
    /// [`PaymentsError`].
    pub fn intents(&self) -> Result<Vec<Intent>, PaymentsError> {
        let mut found = Vec::new();
        for name in self.open.names().map_err(PaymentsError::File)? {
            found.extend(self.intent(&name)?);
        }
        Ok(found)
    }

    /// Takes over a payment without an outcome; `None` where it has one by now.
    ///
    /// # Errors
    /// [`PaymentsError::Held`] where somebody else sees to it, and every other [`PaymentsError`].
    pub fn adopt(&self, hash: &PaymentHash) -> Result<Option<OpenPayment>, PaymentsError> {
        let name = file_name(hash);
        let Some(intent) = self.intent(&name)? else { return Ok(None) };
        let path = self.open.path(&name);
        let unreadable = |cause| PaymentsError::Open { path: path.clone(), cause };
        let lock = match File::open(&path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(unreadable(cause)),
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PaymentsError::Held(*hash)),
            Err(TryLockError::Error(cause)) => return Err(unreadable(cause)),
        }
        if lock.metadata().map_err(unreadable)?.nlink() == 0 {
            return Ok(None); // closed after it was opened here
        }
        Ok(Some(OpenPayment { payments: self.clone(), intent, _lock: lock }))
    }

    fn intent(&self, name: &str) -> Result<Option<Intent>, PaymentsError> {
        let Some(bytes) = self.open.read(name).map_err(PaymentsError::File)? else { return Ok(None) };
        let damaged = |cause| PaymentsError::Damaged { path: self.open.path(name), cause };
        Record::decode(&bytes).map(|record| Some(record.intent)).map_err(damaged)
    }

    /// Tells whether a payment ended in a way that leaves money moved, or possibly moved.
    fn is_seen(&self, name: &str) -> Result<bool, PaymentsError> {
        let Some(bytes) = self.closed.read(name).map_err(PaymentsError::File)? else { return Ok(false) };
        let damaged = |cause| PaymentsError::Damaged { path: self.closed.path(name), cause };
        Ok(Record::decode(&bytes).map_err(damaged)?.outcome != Some(Outcome::NotPaid))
    }
}

/// A payment without an outcome. Dropped, it stays open, and the next call finds it.
#[derive(Debug)]
pub struct OpenPayment {
    payments: Payments,
    intent: Intent,
    _lock: File,
}

impl OpenPayment {
    /// Returns what was about to be paid.
    pub const fn intent(&self) -> &Intent {
        &self.intent
    }

    /// Records the outcome. A token that was paid for must be on the disk before.
    ///
    /// # Errors
    /// [`PaymentsError`]; the payment is then still open.
    pub fn close(self, outcome: Outcome) -> Result<(), PaymentsError> {
        let Self { payments, intent, _lock } = self;
        let name = file_name(&intent.payment_hash);
        let record = Record { version: VERSION, intent, outcome: Some(outcome) };
        payments.closed.replace(&name, &record.encode()?).map_err(PaymentsError::File)?;
        payments.open.remove(&name).map_err(PaymentsError::File)
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    version: u32,
    intent: Intent,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
}

impl Record {
    fn encode(&self) -> Result<Vec<u8>, PaymentsError> {
        serde_json::to_vec_pretty(self).map_err(PaymentsError::Encode)
    }

    fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let record: Self = serde_json::from_slice(bytes)?;
        match record.version {
            VERSION => Ok(record),
            _ => Err(serde::de::Error::custom("a later version of this program wrote it")),
        }
    }
}

/// Why the record of payments cannot be used. Nothing is paid without it.
#[derive(Debug)]
#[non_exhaustive]
pub enum PaymentsError {
    /// A file of the record cannot be used.
    File(PrivateError),
    /// An open record cannot be looked at.
    Open {
        /// Where it is.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A record cannot be understood. It is left as it is.
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// The server asks for a payment that was made before.
    Seen(PaymentHash),
    /// The server asks for a payment that was begun before and has no outcome.
    StillOpen(PaymentHash),
    /// Another call sees to the payment at this moment.
    Held(PaymentHash),
    /// The record cannot be written as JSON.
    Encode(serde_json::Error),
}

impl fmt::Display for PaymentsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(cause) => cause.fmt(f),
            Self::Encode(_) => f.write_str("a payment cannot be written as JSON"),
            Self::Open { path, .. } => write!(f, "cannot read {}", path.display()),
            Self::Damaged { path, .. } => {
                write!(f, "{} is damaged, and was left as it is; repair it, or move it away", path.display())
            }
            Self::Seen(hash) => write!(f, "the server asks again for payment {hash}, which was made before"),
            Self::StillOpen(hash) => write!(
                f,
                "the server asks for payment {hash}, which was begun before and has no outcome yet; `l402 payments list` \
                 shows what for"
            ),
            Self::Held(hash) => {
                write!(f, "another call is settling this payment, {hash}; run the same command again when it has ended")
            }
        }
    }
}

impl core::error::Error for PaymentsError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(cause) => cause.source(),
            Self::Open { cause, .. } => Some(cause),
            Self::Damaged { cause, .. } | Self::Encode(cause) => Some(cause),
            Self::Seen(_) | Self::StillOpen(_) | Self::Held(_) => None,
        }
    }
}

fn file_name(hash: &PaymentHash) -> String {
    format!("{hash}.json")
}

const LOCK: &str = "begin.lock";
const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn intent(seed: u8) -> Intent {
        Intent {
            payment_hash: PaymentHash::from_bytes([seed; 32]),
            amount_msat: 21_000,
            wallet: "sandbox".to_owned(),
            origin: "http://a".parse().unwrap(),
            method: Method::GET,
            path: "/".to_owned(),
            scheme: Scheme::L402,
            token: "AgEE".to_owned(),
            at: 1_700_000_000,
        }
    }

    fn payments() -> (tempfile::TempDir, Payments) {
        let folder = tempfile::tempdir().unwrap();
        let payments = Payments::open(&PrivateDir::open(folder.path().join("data")).unwrap()).unwrap();
        (folder, payments)
    }

    #[test]
    fn a4_an_intent_outlives_its_process() {
        let (_folder, payments) = payments();
        let open = payments.begin(intent(1)).unwrap();
        let hash = intent(1).payment_hash;
        assert!(matches!(payments.adopt(&hash), Err(PaymentsError::Held(_))), "its owner lives");
        drop(open); // as the system does with the file of a killed process
        assert_eq!(payments.adopt(&hash).unwrap().unwrap().intent(), &intent(1));
    }

    #[test]
    fn a4_whoever_looks_hides_nothing() {
        let (_folder, payments) = payments();
        let open = payments.begin(intent(1)).unwrap();
        drop(payments.begin(intent(2)).unwrap());
        let adopted = payments.adopt(&intent(2).payment_hash).unwrap().unwrap();
        assert_eq!(payments.intents().unwrap(), [intent(1), intent(2)], "while both are held");
        drop((open, adopted));
        let _looked = payments.intents().unwrap();
        assert!(payments.adopt(&intent(1).payment_hash).unwrap().is_some(), "looking takes no lock");
    }

    #[test]
    fn a4_an_outcome_closes_it() {
        let (_folder, payments) = payments();
        payments.begin(intent(1)).unwrap().close(Outcome::Paid { fee_msat: 3 }).unwrap();
        assert!(payments.intents().unwrap().is_empty());
        assert_eq!(payments.open.names().unwrap(), [""; 0]);
        let closed = payments.closed.read(&file_name(&intent(1).payment_hash)).unwrap().unwrap();
        assert_eq!(Record::decode(&closed).unwrap().outcome, Some(Outcome::Paid { fee_msat: 3 }));
    }

    #[test]
    fn a4_a_crash_while_closing_leaves_it_open() {
        let (_folder, payments) = payments();
        drop(payments.begin(intent(1)).unwrap());
        payments.closed.replace(&file_name(&intent(1).payment_hash), b"{}").unwrap();
        let found = payments.adopt(&intent(1).payment_hash).unwrap().unwrap();
        found.close(Outcome::NotPaid).unwrap();
        assert!(payments.intents().unwrap().is_empty());
    }

    #[test]
    fn a4_one_hash_is_paid_once() {
        let (_folder, payments) = payments();
        let open = payments.begin(intent(1)).unwrap();
        assert!(matches!(payments.begin(intent(1)), Err(PaymentsError::StillOpen(_))), "under way");
        open.close(Outcome::NotPaid).unwrap();
        payments.begin(intent(1)).unwrap().close(Outcome::Paid { fee_msat: 0 }).unwrap();
        assert!(matches!(payments.begin(intent(1)), Err(PaymentsError::Seen(_))), "paid");
        payments.begin(intent(2)).unwrap().close(Outcome::Forgotten).unwrap();
        assert!(matches!(payments.begin(intent(2)), Err(PaymentsError::Seen(_))), "it may have been paid");
        assert!(payments.begin(intent(3)).is_ok());
    }

    #[test]
    fn a4_of_two_who_begin_at_once_one_does() {
        let (_folder, payments) = payments();
        for seed in 0..50 {
            let start = std::sync::Barrier::new(2);
            let begin = || {
                start.wait();
                payments.begin(intent(seed))
            };
            let (one, other) = std::thread::scope(|scope| {
                let one = scope.spawn(begin);
                (begin(), one.join().unwrap())
            });
            let ((Ok(_open), Err(fault)) | (Err(fault), Ok(_open))) = (&one, &other) else {
                panic!("{seed}: {one:?} {other:?}");
            };
            assert!(matches!(fault, PaymentsError::StillOpen(_)), "{seed}: {fault:?}");
            assert!(matches!(payments.adopt(&intent(seed).payment_hash), Err(PaymentsError::Held(_))), "{seed}");
        }
    }

    #[test]
    fn a_damaged_record_is_said() {
        let (_folder, payments) = payments();
        payments.open.replace("00.json", b"{").unwrap();
        assert!(matches!(payments.intents(), Err(PaymentsError::Damaged { .. })));
    }
}

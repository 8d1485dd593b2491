//! The file: its transactions, and what is read from it without one.

use super::fault::Error;
use super::layer::Layer;
use super::recent::Recent;
use super::tables::{ENDS, META, OPEN, PAYMENTS, of_end};
use super::{revoked, row};
use crate::Account;
use crate::error::{StoreError, StoreErrorKind};
use crate::revoke::{Revocation, Revocations};
use arc_swap::ArcSwap;
use core::fmt;
use l402_core::ledger::{SKEW, StoreTime};
use l402_core::{PaymentHash, UnixSeconds};
use redb::{
    Database, DatabaseError, ReadOnlyTable, ReadTransaction, ReadableDatabase, ReadableTable, StorageError,
    WriteTransaction,
};
use std::io;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// The version of the tables.
const VERSION: u64 = 2;

/// How much of the file the engine keeps in memory.
const CACHE: usize = 64 << 20;

/// The file, open.
pub(super) struct File {
    db: Database,
    layer: Layer,
    /// The rows in their places, since the last write. To begin to read costs more than to read a row.
    rows: ArcSwap<Rows>,
    /// The others.
    recent: RwLock<Recent>,
}

type Rows = ReadOnlyTable<&'static [u8; 32], &'static [u8]>;

/// A row as it is to stand in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) bytes: Vec<u8>,
    pub(super) is_open: bool,
}

/// One row to write, or to delete.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) payment: PaymentHash,
    /// Whether the row that stands in the file is among the open ones.
    pub(super) was_open: bool,
    pub(super) row: Option<Row>,
}

impl Row {
    pub(super) fn of(account: &Account) -> Option<Self> {
        Some(Self { bytes: row::encode(account)?, is_open: row::is_open(account) })
    }
}

impl Change {
    /// The row; one that is deleted is empty.
    fn bytes(&self) -> &[u8] {
        self.row.as_ref().map_or(&[], |row| &row.bytes)
    }
}

impl File {
    /// Opens a file, or makes one of an empty one. Looks through all of it before anything is written.
    ///
    /// # Errors
    /// [`StoreErrorKind::Damaged`], [`StoreErrorKind::TooNew`], [`StoreErrorKind::InUse`], [`StoreErrorKind::Failed`].
    pub(super) fn open(layer: Layer) -> Result<Self, StoreError> {
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
        let db = builder.create_with_backend(layer.clone()).map_err(not_opened)?;
        let recent = RwLock::new(begin(&db)?);
        layer.release().map_err(|error| StoreError::with_source(StoreErrorKind::Failed, error))?;
        let rows = ArcSwap::from_pointee(rows(&db)?);
        Ok(Self { db, layer, rows, recent })
    }

    /// Returns the latest end of a token whose row was deleted.
    pub(super) fn horizon(&self) -> Result<UnixSeconds, StoreError> {
        let horizon = self.read_transaction(|transaction| {
            Ok(transaction.open_table(META)?.get("horizon")?.map_or(0, |horizon| horizon.value()))
        });
        horizon.map(UnixSeconds::new)
    }

    /// Reads the account of a payment.
    pub(super) fn account(&self, payment: &PaymentHash) -> Result<Option<Account>, StoreError> {
        if let Some(row) = read(&self.recent).get(payment) {
            return Ok((!row.is_empty()).then(|| row::decode(row)).transpose().map_err(Error::from)?);
        }
        // If it went to its place meanwhile, it is there already.
        let row = self.rows.load().get(payment.as_bytes()).map_err(Error::from)?;
        Ok(row.map(|row| row::decode(row.value())).transpose().map_err(Error::from)?)
    }

    /// Returns the payments with attempts that a person may have to decide about.
    pub(super) fn open_payments(&self) -> Result<Vec<PaymentHash>, StoreError> {
        self.read_transaction(|transaction| {
            let open = transaction.open_table(OPEN)?;
            let payments = open.iter()?.map(|entry| Ok(PaymentHash::from_bytes(*entry?.0.value())));
            payments.collect()
        })
    }

    /// Writes rows, all of them or none, and syncs once. Of two rows of one payment the later one counts.
    pub(super) fn write(&self, changes: &[Change]) -> Result<(), StoreError> {
        let moves = self.write_transaction(|transaction| {
            let mut open = transaction.open_table(OPEN)?;
            for Change { payment, was_open, row } in changes {
                if row.as_ref().is_some_and(|row| row.is_open) {
                    open.insert(payment.as_bytes(), ())?;
                } else if *was_open {
                    open.remove(payment.as_bytes())?;
                }
            }
            let batch = changes.iter().map(|change| (&change.payment, change.bytes()));
            read(&self.recent).append(transaction, batch)
        })?;
        let batch = changes.iter().map(|change| (change.payment, change.bytes().to_vec()));
        write(&self.recent).appended(&moves, batch);
        Ok(())
    }

    /// Deletes rows whose time is over, at most so many. Returns their payments, and the horizon.
    pub(super) fn sweep(&self, now: StoreTime, most: usize) -> Result<(Vec<PaymentHash>, UnixSeconds), StoreError> {
        let are_moved = read(&self.recent).is_any_over(now);
        let swept = self.write_transaction(|transaction| {
            if are_moved {
                read(&self.recent).empty(transaction)?;
            }
            let (mut payments, mut ends) = (transaction.open_table(PAYMENTS)?, transaction.open_table(ENDS)?);
            let (mut open, mut meta) = (transaction.open_table(OPEN)?, transaction.open_table(META)?);
            let mut over = Vec::new();
            for entry in ends.iter()?.take(most) {
                let key = *entry?.0.value();
                let (ends_at, payment) = of_end(&key);
                if StoreTime::from(ends_at).after(SKEW) > now {
                    break;
                }
                // An entry that was left behind is not the end of the row.
                let is_end =
                    payments.get(payment.as_bytes())?.is_none_or(|row| row::ends_at(row.value()) == Some(ends_at));
                over.push((key, ends_at, is_end.then_some(payment)));
            }
            let mut horizon = meta.get("horizon")?.map_or(0, |horizon| horizon.value());
            for (key, ends_at, payment) in &over {
                ends.remove(key)?;
                let Some(payment) = payment else { continue };
                payments.remove(payment.as_bytes())?;
                open.remove(payment.as_bytes())?;
                horizon = horizon.max(ends_at.get());
            }
            meta.insert("horizon", horizon)?;
            revoked::sweep(transaction, now)?;
            Ok((over.into_iter().filter_map(|(_, _, payment)| payment).collect(), UnixSeconds::new(horizon)))
        })?;
        if are_moved {
            *write(&self.recent) = Recent::default();
        }
        Ok(swept)
    }

    /// Puts something on the deny-list.
    pub(super) fn revoke(&self, revocation: &Revocation) -> Result<(), StoreError> {
        self.write_transaction(|transaction| {
            revoked::insert(transaction, revocation)?;
            let mut meta = transaction.open_table(META)?;
            let version = meta.get("revoked")?.map_or(0, |version| version.value());
            meta.insert("revoked", version + 1)?;
            Ok(())
        })
    }

    /// Reads the deny-list, unless its version is the one that was seen.
    pub(super) fn revocations(&self, seen: Option<u64>) -> Result<Option<Revocations>, StoreError> {
        self.read_transaction(|transaction| {
            let version = transaction.open_table(META)?.get("revoked")?.map_or(0, |version| version.value());
            if seen == Some(version) {
                return Ok(None);
            }
            Ok(Some(Revocations { version, entries: revoked::all(transaction)? }))
        })
    }

    #[cfg(test)]
    pub(super) fn set_version(&self, version: u64) -> Result<(), StoreError> {
        self.write_transaction(|transaction| {
            transaction.open_table(META)?.insert("version", version)?;
            Ok(())
        })
    }

    /// Returns how often the file was synced since it was opened.
    pub(super) fn syncs(&self) -> u64 {
        self.layer.syncs()
    }

    fn read_transaction<T>(&self, read: impl FnOnce(&ReadTransaction) -> Result<T, Error>) -> Result<T, StoreError> {
        Ok(self.db.begin_read().map_err(Error::from).and_then(|transaction| read(&transaction))?)
    }

    fn write_transaction<T>(&self, write: impl FnOnce(&WriteTransaction) -> Result<T, Error>) -> Result<T, StoreError> {
        let written = write_transaction(&self.db, write)?;
        // Pages that nobody reads any more are free for others only then.
        self.rows.store(Arc::new(rows(&self.db)?));
        Ok(written)
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("File")
    }
}

/// Makes the tables that are missing.
fn begin(db: &Database) -> Result<Recent, Error> {
    write_transaction(db, |transaction| {
        let mut meta = transaction.open_table(META)?;
        let version = meta.get("version")?.map(|version| version.value());
        if version.is_some_and(|version| version > VERSION) {
            return Err(Error::TooNew);
        }
        meta.insert("version", VERSION)?;
        transaction.open_table(PAYMENTS)?;
        transaction.open_table(ENDS)?;
        transaction.open_table(OPEN)?;
        revoked::begin(transaction)?;
        Recent::read(transaction)
    })
}

fn read(recent: &RwLock<Recent>) -> RwLockReadGuard<'_, Recent> {
    recent.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(recent: &RwLock<Recent>) -> RwLockWriteGuard<'_, Recent> {
    recent.write().unwrap_or_else(PoisonError::into_inner)
}

fn rows(db: &Database) -> Result<Rows, Error> {
    Ok(db.begin_read()?.open_table(PAYMENTS)?)
}

fn write_transaction<T>(db: &Database, write: impl FnOnce(&WriteTransaction) -> Result<T, Error>) -> Result<T, Error> {
    let transaction = db.begin_write()?;
    let written = write(&transaction)?;
    transaction.commit()?;
    Ok(written)
}

fn not_opened(error: DatabaseError) -> StoreError {
    let kind = match &error {
        DatabaseError::DatabaseAlreadyOpen => StoreErrorKind::InUse,
        DatabaseError::UpgradeRequired(_) => StoreErrorKind::TooNew,
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
            StoreErrorKind::Damaged
        }
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            StoreErrorKind::Damaged
        }
        DatabaseError::Storage(StorageError::Io(_)) => StoreErrorKind::Failed,
        _ => StoreErrorKind::Damaged,
    };
    StoreError::with_source(kind, error)
}

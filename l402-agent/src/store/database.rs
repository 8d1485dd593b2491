//! The database file: `store.sqlite` in the data folder.
//!
//! 1. What a call wrote is on the disk when it returns, whatever ends the process or the machine: a log, flushed with
//!    each transaction. Whoever changes something first takes the right to write, so that nobody decides on old facts.
//!    The log is a write-ahead log from SQLite 3.51.3 on: before, several connections could corrupt a database that has one.
//! 2. The file appears under its name with all its tables. One that is empty, or that cannot be understood, is therefore damaged:
//!    it is reported and left as it is.
//! 3. `user_version` is the version of the format. A later one than this program knows is refused. Versions from 2 on get what
//!    they lack; version 1 was a folder of JSON files, which [`import`] takes over.
//! 4. Readable by its owner only; its log gets the mode of the file. What is removed is overwritten, once
//!    the log has been written back.

use super::import::{self, ImportError};
use super::private::{PrivateDir, PrivateError};
use core::fmt;
use core::time::Duration;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An open database. Clones share the connection.
#[derive(Debug, Clone)]
pub struct Database {
    folder: PrivateDir,
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
}

impl Database {
    /// Opens the database of a data folder, which is made where there is none. Files of the first format are taken over.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn open(folder: &PrivateDir) -> Result<Self, DatabaseError> {
        // Held until the format is settled: two that open it at once must not both make it.
        let _turn = folder.lock(LOCK).map_err(DatabaseError::File)?;
        let path = match folder.find(FILE).map_err(DatabaseError::File)? {
            None => create(folder)?,
            Some(found) if found.len() == 0 => return Err(DatabaseError::damaged(&folder.path(FILE), None)),
            Some(_) => folder.path(FILE),
        };
        let connection = connect(&path).and_then(|mut connection| {
            if format(&connection)?.0 == APPLICATION {
                set_journal(&connection, rusqlite::version_number())?;
            }
            Ok((renew(&mut connection)?, connection))
        });
        let (format, connection) = connection.map_err(|cause| DatabaseError::of(&path, cause))?;
        match format {
            (APPLICATION, VERSION) => {}
            (APPLICATION, version) if version > VERSION => return Err(DatabaseError::Version { path, version }),
            _ => return Err(DatabaseError::damaged(&path, None)),
        }
        let database = Self { folder: folder.clone(), path, connection: Arc::new(Mutex::new(connection)) };
        import::run(folder, &database)?;
        Ok(database)
    }

    /// Returns the data folder.
    pub(super) const fn folder(&self) -> &PrivateDir {
        &self.folder
    }

    /// Reads, from one state of the database.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, DatabaseError> {
        self.transact(TransactionBehavior::Deferred, work)
    }

    /// Reads and changes; all of it is on the disk when this returns, or nothing is.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, DatabaseError> {
        self.transact(TransactionBehavior::Immediate, work)
    }

    fn transact<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, DatabaseError> {
        let mut connection = self.connection();
        let transact = || {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let result = work(&transaction)?;
            transaction.commit().map(|()| result)
        };
        transact().map_err(|cause| DatabaseError::of(&self.path, cause))
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the database beside its place, and puts it there when it is whole.
fn create(folder: &PrivateDir) -> Result<PathBuf, DatabaseError> {
    let path = folder.path(FILE);
    // The log of a file that was moved away may hold what was never written to it, and would be taken for the new file's.
    for log in LOGS {
        if folder.find(log).map_err(DatabaseError::File)?.is_some_and(|log| log.len() > 0) {
            return Err(DatabaseError::Orphan { log: folder.path(log) });
        }
    }
    for leftover in UNFINISHED_LOGS {
        folder.remove(leftover).map_err(DatabaseError::File)?;
    }
    let unfinished = folder.create(UNFINISHED).map_err(DatabaseError::File)?;
    let fill = || {
        let mut connection = connect(&unfinished)?;
        let transaction = connection.transaction()?;
        transaction.execute_batch(TABLES)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
        transaction.commit()?;
        set_journal(&connection, rusqlite::version_number())?;
        connection.close().map_err(|(_, cause)| cause)
    };
    fill().map_err(|cause| DatabaseError::of(&unfinished, cause))?;
    folder.rename(UNFINISHED, FILE).map_err(DatabaseError::File)?;
    Ok(path)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "secure_delete", true)?;
    Ok(connection)
}

/// Chooses the log that a version of SQLite can be trusted with.
///
/// An older one waits until nobody else has a database with a write-ahead log open, and takes that log away. A newer one
/// waits for nobody: it can be trusted with both kinds.
fn set_journal(connection: &Connection, version: i32) -> rusqlite::Result<()> {
    let found: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    let set = |mode| connection.pragma_update_and_check(None, "journal_mode", mode, |row| row.get::<_, String>(0));
    if version < WAL_IS_SOUND {
        return set("truncate").map(drop);
    }
    if found == "wal" {
        return Ok(());
    }
    connection.busy_timeout(Duration::ZERO)?;
    match set("wal") {
        Err(rusqlite::Error::SqliteFailure(fault, _)) if fault.code == ErrorCode::DatabaseBusy => {}
        result => drop(result?),
    }
    connection.busy_timeout(PATIENCE)
}

/// Brings the file to the version of this program, each version in one step, and returns whose it is then, and in which version.
fn renew(connection: &mut Connection) -> rusqlite::Result<(i32, i32)> {
    for (version, step) in STEPS {
        if format(connection)? == (APPLICATION, version) {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(step)?;
            transaction.commit()?;
        }
    }
    format(connection)
}

/// Reads which program the file belongs to, and in which version.
fn format(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get(0));
    Ok((pragma("application_id")?, pragma("user_version")?))
}

/// Why the database cannot be used. Nothing is paid without it.
#[derive(Debug)]
#[non_exhaustive]
pub enum DatabaseError {
    /// A file cannot be used.
    File(PrivateError),
    /// The database cannot be understood. It is left as it is.
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it, where more is known than that it is none of ours.
        cause: Option<rusqlite::Error>,
    },
    /// A later version of this program wrote the database.
    Version {
        /// Where it is.
        path: PathBuf,
        /// The version of its format.
        version: i32,
    },
    /// There is a log and no database that it belongs to.
    Orphan {
        /// The log.
        log: PathBuf,
    },
    /// It cannot be read or written.
    Sqlite {
        /// Where it is.
        path: PathBuf,
        /// Why.
        cause: rusqlite::Error,
    },
    /// The files of the first format cannot be taken over. They are left as they are.
    Import(ImportError),
}

impl DatabaseError {
    fn damaged(path: &Path, cause: Option<rusqlite::Error>) -> Self {
        Self::Damaged { path: path.to_owned(), cause }
    }

    fn of(path: &Path, cause: rusqlite::Error) -> Self {
        use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, SqliteFailure};
        let is_damage = match &cause {
            SqliteFailure(fault, _) => matches!(fault.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase),
            FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) => true,
            _ => false,
        };
        if is_damage { Self::damaged(path, Some(cause)) } else { Self::Sqlite { path: path.to_owned(), cause } }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(cause) => cause.fmt(f),
            Self::Import(cause) => cause.fmt(f),
            Self::Damaged { path, .. } => write!(
                f,
                "{} is damaged, and was left as it is; put back a copy, or move it away, with the files beside it whose names \
                 begin with its own, to start without tokens and payments",
                path.display()
            ),
            Self::Version { path, version } => {
                write!(
                    f,
                    "{} has version {version}; this program knows version {VERSION} and earlier ones",
                    path.display()
                )
            }
            Self::Orphan { log } => {
                write!(
                    f,
                    "{} belongs to a database that is gone; put that back, or move this file away too",
                    log.display()
                )
            }
            Self::Sqlite { path, .. } => write!(f, "cannot use {}", path.display()),
        }
    }
}

impl core::error::Error for DatabaseError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(cause) => cause.source(),
            Self::Import(cause) => cause.source(),
            Self::Damaged { cause, .. } => cause.as_ref().map(|cause| cause as _),
            Self::Sqlite { cause, .. } => Some(cause),
            Self::Version { .. } | Self::Orphan { .. } => None,
        }
    }
}

/// `outcome` is empty while there is none; an order is absent where the first format did not have it.
const TABLES: &str = "
    CREATE TABLE payments (
        payment_hash TEXT PRIMARY KEY,
        amount_msat INTEGER NOT NULL,
        wallet TEXT NOT NULL,
        origin TEXT NOT NULL,
        method TEXT NOT NULL,
        path TEXT NOT NULL,
        scheme TEXT NOT NULL,
        token TEXT NOT NULL,
        begun_at INTEGER NOT NULL,
        invoice TEXT,
        max_fee_msat INTEGER,
        max_cltv_expiry_delta INTEGER,
        outcome TEXT CHECK (outcome IN ('paid', 'not_paid', 'forgotten')),
        fee_msat INTEGER,
        is_repeated INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX open_payments ON payments (origin) WHERE outcome IS NULL;
    CREATE TABLE tokens (
        id INTEGER PRIMARY KEY,
        payment_hash TEXT NOT NULL UNIQUE,
        preimage BLOB NOT NULL,
        amount_msat INTEGER NOT NULL,
        fee_msat INTEGER NOT NULL,
        origin TEXT NOT NULL,
        method TEXT NOT NULL,
        path TEXT NOT NULL,
        scheme TEXT NOT NULL,
        token TEXT NOT NULL,
        bought_at INTEGER NOT NULL,
        standing TEXT NOT NULL DEFAULT 'served' CHECK (standing IN ('new', 'served', 'refused'))
    ) STRICT;
    CREATE INDEX tokens_of_origin ON tokens (origin);
";

const FILE: &str = "store.sqlite";
const LOGS: [&str; 2] = ["store.sqlite-wal", "store.sqlite-journal"];
const LOCK: &str = "store.lock";
const UNFINISHED: &str = "store.sqlite.new";
const UNFINISHED_LOGS: [&str; 3] = ["store.sqlite.new-journal", "store.sqlite.new-wal", "store.sqlite.new-shm"];

/// "L402", so that no other program's database is taken for ours.
const APPLICATION: i32 = 0x4c34_3032;
const VERSION: i32 = 4;

/// What each earlier version lacks.
const STEPS: [(i32, &str); 2] = [
    // The payments were asked for once, as far as is known.
    (2, "ALTER TABLE payments ADD COLUMN is_repeated INTEGER NOT NULL DEFAULT 0; PRAGMA user_version = 3;"),
    // The tokens have served, as far as is known.
    (
        3,
        "ALTER TABLE tokens ADD COLUMN standing TEXT NOT NULL DEFAULT 'served'
             CHECK (standing IN ('new', 'served', 'refused'));
         PRAGMA user_version = 4;",
    ),
];

/// SQLite 3.51.3. Before it, a checkpoint could race with the restart of the write-ahead log by another connection.
const WAL_IS_SOUND: i32 = 3_051_003;

/// How long to wait for whoever writes at the same time.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;

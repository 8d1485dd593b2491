//! Opens the database file, `store.sqlite` in the data directory, or makes it.
//!
//! 1. What a call wrote is on the disk when it returns, whatever ends the process or the machine: a log, flushed with
//!    each transaction. A writer takes the right to write first, so that it never decides on old facts.
//!    The log is a write-ahead log from SQLite 3.51.3 on: before, several connections could corrupt a database that has one.
//! 2. The file appears under its name with all its tables. One that is empty, or that cannot be understood, is therefore damaged:
//!    it is reported and left as it is.
//! 3. `user_version` is the version of the format. A later one than this program knows is refused. Versions from 2 on get what
//!    they lack; version 1 was a folder of JSON files, which [`import`] takes over.
//! 4. Readable by its owner only; its log gets the mode of the file. What is removed is overwritten, once
//!    the log has been written back.

use super::budget;
use super::clocks::{Clocks, SystemClocks};
use super::database::Database;
use super::error::DatabaseError;
use super::format::{
    ADDED, APPLICATION, BEFORE_ADDED, BEFORE_BUDGETS, BEFORE_STOPPED, FILE, LOCK, LOGS, STEPS, TABLES, UNFINISHED,
    UNFINISHED_LOGS, VERSION,
};
use super::import;
use super::private::PrivateDir;
use core::time::Duration;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Database {
    /// Opens the database of a data folder, which is made where there is none. Files of the first format are taken over.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn open(folder: &PrivateDir) -> Result<Self, DatabaseError> {
        Self::open_with_clocks(folder, Arc::new(SystemClocks::new()))
    }

    /// Does the same; limits are measured by these clocks.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn open_with_clocks(folder: &PrivateDir, clocks: Arc<dyn Clocks>) -> Result<Self, DatabaseError> {
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
            Ok((renew(&mut connection, &*clocks)?, connection))
        });
        let (format, connection) = connection.map_err(|cause| DatabaseError::of(&path, cause))?;
        match format {
            (APPLICATION, VERSION) => {}
            (APPLICATION, version) if version > VERSION => return Err(DatabaseError::Version { path, version }),
            _ => return Err(DatabaseError::damaged(&path, None)),
        }
        let database = Self::new(folder.clone(), path, connection, clocks);
        import::run(folder, &database)?;
        Ok(database)
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
        transaction.execute_batch(budget::TABLES)?;
        transaction.execute_batch(budget::NEXT_TABLES)?;
        ADDED.iter().try_for_each(|tables| transaction.execute_batch(tables))?;
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
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Chooses the log that a version of SQLite can be trusted with.
///
/// An older one waits until no other process has a database with a write-ahead log open, and takes that log away. A newer one
/// does not wait: it can be trusted with both kinds.
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
fn renew(connection: &mut Connection, clocks: &dyn Clocks) -> rusqlite::Result<(i32, i32)> {
    for (version, step) in STEPS {
        if format(connection)? == (APPLICATION, version) {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute_batch(step)?;
            if version == BEFORE_BUDGETS {
                transaction.execute_batch(budget::TABLES)?;
                budget::adopt(&transaction, clocks)?;
            }
            if version == BEFORE_STOPPED {
                transaction.execute_batch(budget::NEXT_TABLES)?;
            }
            if version == BEFORE_ADDED {
                ADDED.iter().try_for_each(|tables| transaction.execute_batch(tables))?;
            }
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

/// SQLite 3.51.3. Before it, a checkpoint could race with the restart of the write-ahead log by another connection.
const WAL_IS_SOUND: i32 = 3_051_003;

/// How many statements are kept ready: a purchase has about twenty.
const STATEMENTS: usize = 32;

/// How long to wait for another writer.
const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests;

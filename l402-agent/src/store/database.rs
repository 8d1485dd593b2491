//! The database: what is read in one state, and what is changed in one step.

use super::clocks::Clocks;
use super::error::DatabaseError;
use super::private::PrivateDir;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An open database. Clones share the connection.
#[derive(Debug, Clone)]
pub struct Database {
    folder: PrivateDir,
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
    clocks: Arc<dyn Clocks>,
}

impl Database {
    /// Takes an open connection.
    pub(super) fn new(folder: PrivateDir, path: PathBuf, connection: Connection, clocks: Arc<dyn Clocks>) -> Self {
        Self { folder, path, connection: Arc::new(Mutex::new(connection)), clocks }
    }

    /// Returns the data folder.
    pub(super) const fn folder(&self) -> &PrivateDir {
        &self.folder
    }

    /// Returns the clocks that limits are measured by.
    pub(super) fn clocks(&self) -> &dyn Clocks {
        &*self.clocks
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

    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

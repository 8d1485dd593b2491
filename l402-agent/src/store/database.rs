//! The database: what is read in one state, and what is changed in one step.

use super::breaker::Guards;
use super::clocks::Clocks;
use super::error::DatabaseError;
use super::private::PrivateDir;
use crate::policy::{PolicySource, Rules, Setting};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The policy file in the data folder.
pub const POLICY: &str = "policy.toml";

/// An open database. Clones share the connection.
#[derive(Debug, Clone)]
pub struct Database {
    folder: PrivateDir,
    path: PathBuf,
    connection: Arc<Mutex<Connection>>,
    clocks: Arc<dyn Clocks>,
    guards: Arc<Mutex<Guards>>,
    rules: Rules,
}

impl Database {
    /// Takes an open connection.
    pub(super) fn new(folder: PrivateDir, path: PathBuf, connection: Connection, clocks: Arc<dyn Clocks>) -> Self {
        let rules = Rules::new(PolicySource::optional(folder.path(POLICY), Setting::Command));
        Self { folder, path, connection: Arc::new(Mutex::new(connection)), clocks, guards: Arc::default(), rules }
    }

    /// Returns the same database for payments under these rules; unless it is called, they are those of [`POLICY`] in the data folder.
    #[must_use]
    pub fn under(&self, rules: Rules) -> Self {
        Self { rules, ..self.clone() }
    }

    /// Returns the rules that payments are under.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Returns the data folder.
    pub(super) const fn folder(&self) -> &PrivateDir {
        &self.folder
    }

    /// Returns the clocks that limits are measured by.
    pub(super) fn clocks(&self) -> &dyn Clocks {
        &*self.clocks
    }

    /// Returns what payments are guarded by, besides budgets.
    pub fn guards(&self) -> Guards {
        *self.guards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Settles what payments are guarded by from now on, in all clones.
    ///
    /// ```
    /// use l402_agent::store::Database;
    /// use l402_agent::store::breaker::Guards;
    /// use l402_agent::store::private::PrivateDir;
    /// use l402_core::Msat;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// let database = Database::open(&PrivateDir::open(folder.path().join("data"))?)?;
    /// database.guard(Guards { confirm_above_msat: Some(Msat::from_sat(100)), ..Guards::default() });
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn guard(&self, guards: Guards) {
        *self.guards.lock().unwrap_or_else(PoisonError::into_inner) = guards;
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

    /// Does the same as [`write`](Self::write), and takes all of it back.
    pub(super) fn rehearse<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, DatabaseError> {
        let mut connection = self.connection();
        let rehearse = || {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.rollback().map(|()| result)
        };
        rehearse().map_err(|cause| DatabaseError::of(&self.path, cause))
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

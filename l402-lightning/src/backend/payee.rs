//! The seam between a gateway and the nodes that it is paid by.

use super::open_payee::OpenPayee;
use super::table::PayeeTable;
use crate::cause::Cause;
use crate::erased::BoxFuture;
use core::any::Any;
use core::fmt::Debug;
use l402_core::Sealer;
use l402_program::config::{Problems, Variable};
use schemars::{Schema, SchemaGenerator};
use std::path::PathBuf;
use std::sync::Arc;

/// A kind of node that a gateway is paid by.
pub trait PayeeBackend: Sync {
    /// Returns its name, as the configuration has it.
    fn name(&self) -> &'static str;

    /// Says what it is, in a few words behind its name.
    fn about(&self) -> &'static str;

    /// Returns what it is called in a sentence.
    fn called(&self) -> &'static str;

    /// Describes its settings: the schema of a table with their keys, each with a sentence. Several backends may have the same key.
    fn schema(&self, generator: &mut SchemaGenerator) -> Schema;

    /// Lists its environment variables. One that overrides a setting also chooses the backend where the file names none.
    fn variables(&self) -> &'static [Variable] {
        &[]
    }

    /// Says why a setting of this backend makes no sense with any other, where that says more than whose setting it is. The value is
    /// shown then, so that it must not be a secret.
    fn only_here(&self, key: &str) -> Option<&'static str> {
        let _ = key;
        None
    }

    /// Reads the settings. Nothing is opened. All that is wrong is noted; `None` where something was.
    fn read(&self, table: &PayeeTable<'_>, problems: &mut Problems<'_>) -> Option<Arc<dyn PayeeSetup>>;
}

/// The settings of a node that a gateway is paid by.
pub trait PayeeSetup: Any + Debug + Send + Sync {
    /// Starts the node, or connects to it.
    fn open(&self) -> BoxFuture<'_, Result<OpenPayee, Cause>>;

    /// Looks whether the node can be used, as far as that can be seen without starting anything.
    fn check(&self) -> BoxFuture<'_, Found> {
        Box::pin(async { Found::default() })
    }

    /// Returns what the node keeps, and a start without it would lose.
    fn kept(&self) -> Option<KeptPath> {
        None
    }

    /// Returns the same settings with keys that only gateways with the same key file have; [`None`] where the node needs none. To be
    /// called before [`open`](Self::open) and [`check`](Self::check), unless there is no key file yet.
    fn sealed_by(&self, seals: &Arc<dyn Sealer + Send + Sync>) -> Option<Arc<dyn PayeeSetup>> {
        let _ = seals;
        None
    }

    /// Tells whether settlements come through the store of a ledger that gateways share, and from nowhere else.
    fn needs_shared_ledger(&self) -> bool {
        false
    }

    /// Tells whether the node runs in this process, where its operator commands it.
    ///
    /// # Errors
    /// What to do instead.
    fn operates(&self) -> Result<(), &'static str>;

    /// Tells whether its money is worth nothing.
    fn is_play_money(&self) -> bool {
        false
    }

    /// Removes what the node keeps, and returns where that was; `None` where it must stay. Only play money may ever be removed.
    fn reset(&self) -> Option<Result<PathBuf, Cause>> {
        None
    }
}

/// What a look at a node has found.
#[derive(Debug)]
pub struct Found {
    /// What an operator wants to read, a line each.
    pub lines: Vec<String>,
    /// Whether the node can be used.
    pub usable: Result<(), Cause>,
}

impl Default for Found {
    fn default() -> Self {
        Self { lines: Vec::new(), usable: Ok(()) }
    }
}

/// Something that must exist once a node has run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPath {
    /// Its name.
    pub name: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// What a start without it would mean, for the error.
    pub loss: &'static str,
}

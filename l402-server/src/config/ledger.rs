//! Where uses are counted: which store, and what it makes of its settings.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::at::{At, ValueOrigin};
use super::file::{self, DurabilityWord};
use super::resolver::Resolver;
use crate::stores::{StoreName, StoreSetup, backend};

/// The table of a store. Its keys are those of the store.
pub(crate) struct LedgerTable {
    /// Where the program keeps its data, if that is known.
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) path: Option<At<PathBuf>>,
    pub(crate) durability: Option<At<DurabilityWord>>,
}

impl Resolver<'_> {
    pub(super) fn ledger(&mut self, written: file::Ledger, data_dir: Option<&Path>) -> Option<Arc<dyn StoreSetup>> {
        let name = written.backend.unwrap_or_default();
        let Some(store) = backend(name) else {
            let message = format!("this program was built without the feature `{}`", word(name));
            self.problems.missing("ledger.backend", message);
            return None;
        };
        for (key, origin) in written.keys() {
            if !store.keys().contains(&key) {
                let message = format_args!("not a setting of {}", store.called());
                self.problems.wrong_at(&format!("ledger.{key}"), origin, message);
            }
        }
        let file::Ledger { path, durability, .. } = written;
        store.read(&LedgerTable { data_dir: data_dir.map(Path::to_owned), path, durability }, self)
    }
}

impl file::Ledger {
    /// The keys that are set, besides `backend`.
    fn keys(&self) -> impl Iterator<Item = (&'static str, &ValueOrigin)> {
        let path = self.path.as_ref().map(|at| ("path", &at.origin));
        let durability = self.durability.as_ref().map(|at| ("durability", &at.origin));
        path.into_iter().chain(durability)
    }
}

/// The name as the file has it.
fn word(name: StoreName) -> String {
    format!("{name:?}").to_ascii_lowercase()
}

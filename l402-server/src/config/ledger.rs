//! Where uses are counted: which store, and what it makes of its settings.

use std::path::Path;
use std::sync::Arc;

use super::at::ValueOrigin;
use super::file;
use super::ledger_table::LedgerTable;
use super::resolver::Resolver;
use crate::stores::{StoreName, StoreSetup, backend};

impl Resolver<'_> {
    pub(super) fn ledger(
        &mut self,
        written: file::Ledger,
        data_dir: Option<&Path>,
        key_dir: Option<&Path>,
    ) -> Option<Arc<dyn StoreSetup>> {
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
        let file::Ledger { path, durability, url, ca, prefix, may_lose_commits, schema, .. } = written;
        let [data_dir, key_dir] = [data_dir, key_dir].map(|dir| dir.map(Path::to_owned));
        store
            .read(&LedgerTable { data_dir, key_dir, path, durability, url, ca, prefix, may_lose_commits, schema }, self)
    }
}

impl file::Ledger {
    /// The keys that are set, besides `backend`.
    fn keys(&self) -> impl Iterator<Item = (&'static str, &ValueOrigin)> {
        let given = [
            ("path", self.path.as_ref().map(|at| &at.origin)),
            ("durability", self.durability.as_ref().map(|at| &at.origin)),
            ("url", self.url.as_ref().map(|at| &at.origin)),
            ("ca", self.ca.as_ref().map(|at| &at.origin)),
            ("prefix", self.prefix.as_ref().map(|at| &at.origin)),
            ("may_lose_commits", self.may_lose_commits.as_ref().map(|at| &at.origin)),
            ("schema", self.schema.as_ref().map(|at| &at.origin)),
        ];
        given.into_iter().filter_map(|(key, origin)| Some((key, origin?)))
    }
}

/// The name as the file has it.
fn word(name: StoreName) -> String {
    format!("{name:?}").to_ascii_lowercase()
}

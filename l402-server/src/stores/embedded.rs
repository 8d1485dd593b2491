//! A file in the data directory.

use l402_gateway::inventory::Kept;
use l402_ledger::embedded::{Durability, Embedded};
use l402_ledger::{Ledger, StoreError, StoreErrorKind};
use l402_lightning::{BoxFuture, folder};
use std::path::PathBuf;
use std::sync::Arc;

use super::{OpenStore, StoreBackend, StoreSetup};
use crate::config::{DurabilityWord, LedgerTable, Resolver};

/// The store in a file.
pub(super) struct EmbeddedStore;

impl StoreBackend for EmbeddedStore {
    fn called(&self) -> &'static str {
        "the ledger in a file"
    }

    fn keys(&self) -> &'static [&'static str] {
        &["path", "durability"]
    }

    fn read(&self, table: &LedgerTable, resolver: &mut Resolver<'_>) -> Option<Arc<dyn StoreSetup>> {
        let path =
            resolver.folder(table.path.as_ref().map(|at| at.value.clone()), table.data_dir.as_deref(), "ledger")?;
        let durability = match table.durability.as_ref().map_or(DurabilityWord::Power, |at| at.value) {
            DurabilityWord::Power => Durability::Power,
            DurabilityWord::Process => Durability::Process,
        };
        Some(Arc::new(EmbeddedSetup { path, durability }))
    }
}

/// The file, and what a commit in it survives.
#[derive(Debug)]
struct EmbeddedSetup {
    path: PathBuf,
    durability: Durability,
}

impl StoreSetup for EmbeddedSetup {
    fn open(&self) -> BoxFuture<'_, Result<OpenStore, StoreError>> {
        Box::pin(async {
            folder::guard_file(&self.path).map_err(|fault| StoreError::with_source(StoreErrorKind::Exposed, fault))?;
            let ledger = Ledger::new(Embedded::open_or_create(&self.path, self.durability)?);
            let warnings = match self.durability {
                Durability::Power => Vec::new(),
                Durability::Process => vec![PROCESS.to_owned()],
            };
            Ok(OpenStore { ledger, warnings })
        })
    }

    fn about(&self) -> String {
        self.path.display().to_string()
    }

    fn kept(&self) -> Option<Kept> {
        Some(Kept { name: LEDGER, path: self.path.clone(), loss: "used tokens can be used again" })
    }
}

/// The name of the file in the data directory's list.
pub(crate) const LEDGER: &str = "ledger";

const PROCESS: &str = "with durability = \"process\", a loss of power can make used tokens usable again";

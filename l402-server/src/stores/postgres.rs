//! A PostgreSQL that several gateways share.

use core::fmt;
use l402_ledger::postgres::{PostgresConfig, PostgresStore};
use l402_ledger::{Ledger, StoreError};
use l402_lightning::BoxFuture;
use std::sync::Arc;

use super::seen::Seen;
use super::{OpenStore, StoreBackend, StoreSetup, host};
use crate::config::{LedgerTable, Resolver};

/// The store in a PostgreSQL.
pub(super) struct PostgresBackend;

impl StoreBackend for PostgresBackend {
    fn called(&self) -> &'static str {
        "the ledger in a PostgreSQL"
    }

    fn keys(&self) -> &'static [&'static str] {
        &["url", "ca", "schema"]
    }

    fn read(&self, table: &LedgerTable, resolver: &mut Resolver<'_>) -> Option<Arc<dyn StoreSetup>> {
        let url = resolver.store_url(table, "postgres://l402@127.0.0.1/l402")?;
        let url_at = &table.url.as_ref()?.origin;
        let config =
            PostgresConfig::from_url(&url).map_err(|fault| resolver.problems.wrong_at("ledger.url", url_at, fault));
        let ca = resolver.store_ca(table);
        let mut config = config.ok()?;
        if let Some(at) = &table.schema {
            let with = config.with_schema(&at.value);
            config = with.map_err(|fault| resolver.problems.wrong("ledger.schema", at, fault)).ok()?;
        }
        if let (Some(pem), Some(at)) = (ca.ok()?, &table.ca) {
            let with = config.with_authorities(&pem);
            config = with.map_err(|fault| resolver.problems.wrong_at("ledger.ca", &at.origin, fault)).ok()?;
        }
        let seen = Seen::of(table, "postgres-ledger")?;
        Some(Arc::new(PostgresSetup { config, host: host(&url), seen }))
    }
}

/// Which PostgreSQL, and where it is noted which ledger it had.
struct PostgresSetup {
    config: PostgresConfig,
    host: String,
    seen: Seen,
}

impl StoreSetup for PostgresSetup {
    fn open(&self) -> BoxFuture<'_, Result<OpenStore, StoreError>> {
        Box::pin(async {
            let (open, created) = self.look().await?;
            self.seen.note(created)?;
            Ok(open)
        })
    }

    fn open_to_look(&self) -> BoxFuture<'_, Result<OpenStore, StoreError>> {
        Box::pin(async { self.look().await.map(|(open, _)| open) })
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn about(&self) -> String {
        format!("the PostgreSQL at {}", self.host)
    }
}

impl PostgresSetup {
    /// Connects, and says when this ledger was made.
    async fn look(&self) -> Result<(OpenStore, u64), StoreError> {
        let store = PostgresStore::open(&self.config).await?;
        let created = store.created_at().millis();
        self.seen.compare(created)?;
        let warnings = store.warnings().await?.iter().map(ToString::to_string).collect();
        Ok((OpenStore { ledger: Ledger::new(store), warnings }, created))
    }
}

impl fmt::Debug for PostgresSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSetup").field("host", &self.host).finish_non_exhaustive()
    }
}

//! A Redis that several gateways share.

use core::fmt;
use l402_ledger::redis::{RedisSettings, RedisStore};
use l402_ledger::{Ledger, StoreError};
use l402_lightning::BoxFuture;
use std::sync::Arc;

use super::seen::Seen;
use super::{OpenStore, StoreBackend, StoreSetup, host};
use crate::config::{LedgerTable, Resolver};

/// The store in a Redis.
pub(super) struct RedisBackend;

impl StoreBackend for RedisBackend {
    fn called(&self) -> &'static str {
        "the ledger in a Redis"
    }

    fn keys(&self) -> &'static [&'static str] {
        &["url", "ca", "prefix", "may_lose_commits"]
    }

    fn read(&self, table: &LedgerTable, resolver: &mut Resolver<'_>) -> Option<Arc<dyn StoreSetup>> {
        let url = resolver.store_url(table, "redis://127.0.0.1:6379")?;
        let url_at = &table.url.as_ref()?.origin;
        let settings =
            RedisSettings::new(&url).map_err(|fault| resolver.problems.wrong_at("ledger.url", url_at, fault));
        let ca = resolver.store_ca(table);
        let mut settings = settings.ok()?.may_lose_commits(table.may_lose_commits.as_ref().is_some_and(|at| at.value));
        if let Some(at) = &table.prefix {
            let with = settings.prefix(&at.value).map_err(|fault| resolver.problems.wrong("ledger.prefix", at, fault));
            settings = with.ok()?;
        }
        if let (Some(pem), Some(at)) = (ca.ok()?, &table.ca) {
            let with = settings.ca(&pem).map_err(|fault| resolver.problems.wrong_at("ledger.ca", &at.origin, fault));
            settings = with.ok()?;
        }
        let seen = Seen::of(table, "redis-ledger")?;
        Some(Arc::new(RedisSetup { settings, host: host(&url), seen }))
    }
}

/// Which Redis, and where it is noted which ledger it had.
struct RedisSetup {
    settings: RedisSettings,
    host: String,
    seen: Seen,
}

impl StoreSetup for RedisSetup {
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
        format!("the Redis at {}", self.host)
    }
}

impl RedisSetup {
    /// Connects, and says when this ledger was made.
    async fn look(&self) -> Result<(OpenStore, u64), StoreError> {
        let store = RedisStore::open(&self.settings).await?;
        let created = store.created_at().millis();
        self.seen.compare(created)?;
        let warnings = store.warnings().iter().map(ToString::to_string).collect();
        Ok((OpenStore { ledger: Ledger::new(store), warnings }, created))
    }
}

impl fmt::Debug for RedisSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSetup").field("host", &self.host).finish_non_exhaustive()
    }
}

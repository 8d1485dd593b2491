//! Where uses are counted, each store in one entry: the only place that names them. The first is the default.

mod embedded;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod seen;

use core::fmt::Debug;
use core::time::Duration;
use l402_core::ledger::Now;
use l402_gateway::inventory::Kept;
use l402_ledger::{Ledger, LedgerStore as _, StoreError, StoreErrorKind};
use l402_lightning::{BoxFuture, unix_now};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;
use tokio::time::timeout;

pub(crate) use embedded::LEDGER;

use crate::config::{LedgerTable, Resolver};

/// Lists stores, each with what the schema says of it, and the cargo feature without which a build leaves it out.
macro_rules! stores {
    ($($about:literal $name:ident $(in $feature:literal)? => $store:path;)*) => {
        /// Where uses are counted.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
        #[serde(rename_all = "lowercase")]
        #[schemars(rename = "Store")]
        pub(crate) enum StoreName {
            #[default]
            $(#[doc = $about] $name,)*
        }

        /// Finds a store, if this build has it.
        pub(crate) fn backend(name: StoreName) -> Option<&'static dyn StoreBackend> {
            match name {
                $($(#[cfg(feature = $feature)])? StoreName::$name => Some(&$store),)*
                #[allow(unreachable_patterns, reason = "a build may have all of them")]
                _ => None,
            }
        }
    };
}

stores! {
    "A file in the data directory, for one gateway." Embedded => embedded::EmbeddedStore;
    "A Redis that several gateways share." Redis in "redis" => redis::RedisBackend;
    "A PostgreSQL that several gateways share." Postgres in "postgres" => postgres::PostgresBackend;
}

/// A kind of store.
pub(crate) trait StoreBackend: Sync {
    /// Returns what it is called in a sentence.
    fn called(&self) -> &'static str;

    /// Returns the keys of the table that it has, besides `backend`.
    fn keys(&self) -> &'static [&'static str];

    /// Reads the settings. Nothing is opened. All that is wrong is noted; `None` where something was.
    fn read(&self, table: &LedgerTable, resolver: &mut Resolver<'_>) -> Option<Arc<dyn StoreSetup>>;
}

/// The settings of a store.
pub trait StoreSetup: Debug + Send + Sync {
    /// Opens the store, or connects to it.
    fn open(&self) -> BoxFuture<'_, Result<OpenStore, StoreError>>;

    /// Opens it for a look: nothing is noted on this machine.
    fn open_to_look(&self) -> BoxFuture<'_, Result<OpenStore, StoreError>> {
        self.open()
    }

    /// Says which store it is, without what may be a secret.
    fn about(&self) -> String;

    /// Tells whether several gateways can share it.
    fn is_shared(&self) -> bool {
        false
    }

    /// Returns what it keeps on this machine, and a start without it would lose.
    fn kept(&self) -> Option<Kept> {
        None
    }
}

/// A store that is open.
#[derive(Debug)]
pub struct OpenStore {
    /// The store.
    pub ledger: Ledger,
    /// What it may lose with its present settings, a sentence each.
    pub warnings: Vec<String>,
}

/// What of a URL can be shown: host and port, without user, password and path.
#[cfg(any(feature = "postgres", feature = "redis"))]
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default().to_owned()
}

/// Looks whether a store can be used. One that a gateway has open is.
/// Returns lines for the operator.
pub(crate) async fn look(setup: &dyn StoreSetup) -> (Vec<String>, Result<(), StoreError>) {
    let about = setup.about();
    if setup.kept().is_some_and(|kept| !kept.path.exists()) {
        return (vec![format!("ledger: {about}; the first start creates it")], Ok(()));
    }
    let opened = timeout(LOOK, setup.open_to_look()).await;
    match opened.unwrap_or_else(|_| Err(StoreError::new(StoreErrorKind::Unavailable))) {
        Ok(OpenStore { ledger, mut warnings }) => {
            warnings.extend(was_ahead(&ledger).await);
            let warnings = warnings.into_iter().map(|warning| format!("warning: {warning}"));
            ([format!("ledger: {about}")].into_iter().chain(warnings).collect(), Ok(()))
        }
        Err(fault) if fault.kind() == StoreErrorKind::InUse => {
            (vec![format!("ledger: {about}; a running gateway has it open")], Ok(()))
        }
        Err(fault) => (vec![format!("ledger: {about}")], Err(fault)),
    }
}

/// Warns where the clock of a store was ahead, and was put back.
async fn was_ahead(ledger: &Ledger) -> Option<String> {
    let Now { horizon, .. } = ledger.now().await.ok()?; // it was opened just now
    (horizon > unix_now()).then(|| {
        format!(
            "its clock was ahead, so it refuses all counted tokens that end up to {} (Unix time), and none is sold that would end so \
             early; `l402-server uses clock` says more",
            horizon.get()
        )
    })
}

/// How long a look may take. A start waits longer: other gateways may be making the tables.
const LOOK: Duration = Duration::from_secs(8);

#[cfg(all(test, any(feature = "postgres", feature = "redis")))]
mod tests {
    use super::host;

    #[test]
    fn h2_of_a_url_only_its_host_is_shown() {
        for url in
            ["redis://a:6379", "rediss://me:canary@a:6379/0", "postgres://me:c@nary@a:6379/canary?password=canary"]
        {
            assert_eq!(host(url), "a:6379");
        }
    }
}

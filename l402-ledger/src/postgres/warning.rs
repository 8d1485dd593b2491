//! Settings that lose more than they must.

use core::fmt;
use tokio_postgres::Client;

/// A setting of the server that makes it lose what was committed, or fail more often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PostgresWarning {
    /// `fsync = off`.
    Fsync,
    /// `full_page_writes = off`.
    FullPageWrites,
    /// `synchronous_commit` is off by default. Steps set it on for themselves.
    SynchronousCommit,
    /// A standby follows asynchronously.
    AsynchronousStandby,
    /// `default_transaction_isolation` is not `read committed`: steps at the same payment fail and are repeated.
    Isolation,
}

impl fmt::Display for PostgresWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fsync => "PostgreSQL has fsync = off: a crash can damage the ledger; set it on",
            Self::FullPageWrites => "PostgreSQL has full_page_writes = off: a power loss can damage the ledger; set it on",
            Self::SynchronousCommit => {
                "PostgreSQL has synchronous_commit off by default; the ledger sets it on for its own transactions"
            }
            Self::AsynchronousStandby => {
                "a standby of PostgreSQL follows asynchronously: after a fail-over to it, uses that were committed last can be \
                 used again; name it in synchronous_standby_names"
            }
            Self::Isolation => {
                "PostgreSQL has a default_transaction_isolation other than read committed: requests with one token at the same \
                 time are slow; set it for the ledger's user"
            }
        })
    }
}

/// Asks the server for its settings.
pub(super) async fn warnings(client: &Client) -> Result<Vec<PostgresWarning>, tokio_postgres::Error> {
    // Whoever may not read the state of a standby sees that there is one.
    let row = client
        .query_typed_one(
            "SELECT current_setting('fsync') = 'off', current_setting('full_page_writes') = 'off',
                current_setting('synchronous_commit') NOT IN ('on', 'remote_apply'),
                EXISTS (SELECT FROM pg_stat_replication WHERE coalesce(state, '') <> 'backup'
                    AND coalesce(sync_state, 'async') IN ('async', 'potential')),
                current_setting('default_transaction_isolation') <> 'read committed'",
            &[],
        )
        .await?;
    let all = [
        PostgresWarning::Fsync,
        PostgresWarning::FullPageWrites,
        PostgresWarning::SynchronousCommit,
        PostgresWarning::AsynchronousStandby,
        PostgresWarning::Isolation,
    ];
    Ok(all.into_iter().enumerate().filter(|(at, _)| row.get::<_, bool>(*at)).map(|(_, warning)| warning).collect())
}

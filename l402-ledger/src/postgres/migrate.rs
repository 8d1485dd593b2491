//! The tables and functions, and their versions.
//!
//! 1. A version is applied in one transaction, under a lock that all gateways ask for: the first one makes the tables, and the
//!    others find them.
//! 2. A version that was released does not change: what is new comes in the next one.
//! 3. A schema of a later version is left alone.

use super::error::store_error;
use crate::error::{StoreError, StoreErrorKind};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Transaction};

/// The versions, the first one first. `@schema@` stands for the name of the schema.
const VERSIONS: [&str; 4] = [
    concat!(
        include_str!("migrations/1_tables.sql"),
        include_str!("migrations/1_reserve.sql"),
        include_str!("migrations/1_settle.sql"),
        include_str!("migrations/1_time.sql"),
    ),
    include_str!("migrations/2_settlement.sql"),
    include_str!("migrations/3_revoked.sql"),
    include_str!("migrations/4_created.sql"),
];

/// Brings the schema to the latest version.
pub(super) async fn migrate(client: &mut Client, schema: &str) -> Result<(), StoreError> {
    if version(client, schema).await.map_err(store_error)? == Some(VERSIONS.len()) {
        return Ok(()); // whoever has no right to create anything can still use it
    }
    let transaction = client.transaction().await.map_err(store_error)?;
    let done = apply(&transaction, schema).await;
    // An error has rolled it back already, or the connection is closed.
    done?;
    transaction.commit().await.map_err(store_error)
}

/// Returns when the ledger was made, in milliseconds since 1970.
pub(super) async fn created_at(client: &Client, schema: &str) -> Result<u64, StoreError> {
    let created = format!("SELECT created_at FROM \"{schema}\".state");
    let rows = client.query_typed(&created, &[]).await.map_err(store_error)?;
    let row = rows.first().ok_or(StoreError::new(StoreErrorKind::Damaged))?;
    Ok(row.get::<_, i64>(0).unsigned_abs())
}

/// Looks whether the user has the rights that the functions need: they run with those of whoever calls them. Without them the
/// gateway would sell what it cannot count.
pub(super) async fn rights(client: &Client, schema: &str) -> Result<(), StoreError> {
    let without = "SELECT c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relkind = 'r' AND c.relname <> 'version'
            AND NOT (has_table_privilege(c.oid, 'SELECT') AND has_table_privilege(c.oid, 'INSERT')
                AND has_table_privilege(c.oid, 'UPDATE') AND has_table_privilege(c.oid, 'DELETE'))
        ORDER BY c.relname LIMIT 1";
    let rows = client.query_typed(without, &[(&schema, Type::TEXT)]).await.map_err(store_error)?;
    let Some(row) = rows.first() else { return Ok(()) };
    let table: &str = row.get(0);
    let why = format!("the user needs SELECT, INSERT, UPDATE and DELETE on all tables of the schema, such as {table}");
    Err(StoreError::with_source(StoreErrorKind::Denied, why))
}

async fn apply(transaction: &Transaction<'_>, schema: &str) -> Result<(), StoreError> {
    // A name of PostgreSQL's own for the lock: 64 bits of a hash over the schema.
    let lock = "SELECT pg_advisory_xact_lock(hashtextextended('l402 ledger ' || $1, 402))";
    transaction.query_typed(lock, &[(&schema, Type::TEXT)]).await.map_err(store_error)?;
    let found = version(transaction.client(), schema).await.map_err(store_error)?;
    let from = found.unwrap_or(0);
    if from > VERSIONS.len() {
        return Err(StoreError::new(StoreErrorKind::TooNew));
    }
    if found.is_none() {
        let begin = format!(
            "CREATE SCHEMA IF NOT EXISTS \"{schema}\"; CREATE TABLE \"{schema}\".version (version bigint NOT NULL)"
        );
        transaction.batch_execute(&begin).await.map_err(store_error)?;
        let first = format!("INSERT INTO \"{schema}\".version VALUES (0)");
        transaction.batch_execute(&first).await.map_err(store_error)?;
    }
    for sql in &VERSIONS[from..] {
        transaction.batch_execute(&sql.replace("@schema@", &format!("\"{schema}\""))).await.map_err(store_error)?;
    }
    let set = format!("UPDATE \"{schema}\".version SET version = {}", VERSIONS.len());
    transaction.batch_execute(&set).await.map_err(store_error)
}

/// Returns the version of the schema; [`None`] where there is none.
async fn version(client: &Client, schema: &str) -> Result<Option<usize>, tokio_postgres::Error> {
    // Read from the catalogue's tables: `to_regclass` remembers what was not there before the lock was held.
    let exists = "SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relname = 'version'";
    if client.query_typed(exists, &[(&schema, Type::TEXT)]).await?.is_empty() {
        return Ok(None);
    }
    let rows = client.query_typed(&format!("SELECT max(version) FROM \"{schema}\".version"), &[]).await?;
    let version = rows.first().and_then(|row| row.get::<_, Option<i64>>(0)).unwrap_or(0);
    Ok(Some(usize::try_from(version).unwrap_or(usize::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::ledger::{LEASE, MAX_BRANCHES, SKEW, TRIES};

    #[test]
    fn the_functions_count_with_the_numbers_of_the_core() {
        let [sql, ..] = VERSIONS;
        for (name, number) in [
            ("_lease CONSTANT bigint", LEASE.as_millis()),
            ("_skew CONSTANT bigint", SKEW.as_millis()),
            ("_most_branches CONSTANT bigint", MAX_BRANCHES as u128),
            ("_most_tries CONSTANT smallint", u128::from(TRIES)),
        ] {
            let mut values = sql.split(name).skip(1).map(|after| after.split([' ', ';']).nth(2).unwrap_or_default());
            assert!(sql.contains(name) && values.all(|value| value == number.to_string()), "{name}");
        }
        // In the statements that most calls run, constants would cost time.
        assert_eq!(sql.matches("_now + 30000").count(), 2, "LEASE");
        assert_eq!(sql.matches("_now + 600000").count(), 1, "SKEW");
    }
}

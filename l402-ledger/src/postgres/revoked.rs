//! The deny-list.

use super::error::store_error;
use super::store::{PostgresStore, damaged, unsigned};
use crate::error::StoreError;
use crate::revoke::{Revocation, Revocations, Revoked};
use l402_core::UnixSeconds;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

impl PostgresStore {
    pub(super) async fn put_on_the_list(&self, revocation: &Revocation) -> Result<(), StoreError> {
        let what = revocation.what.key();
        let until = i64::try_from(revocation.until.get()).unwrap_or(i64::MAX);
        let statement = &self.statements.revoke;
        self.call(statement, &[(&what, Type::BYTEA), (&until, Type::INT8)]).await.map(drop)
    }

    pub(super) async fn list(&self, seen: Option<u64>) -> Result<Option<Revocations>, StoreError> {
        let seen = seen.map(|seen| i64::try_from(seen).unwrap_or(i64::MAX));
        let rows = self.call(&self.statements.revocations, &[(&seen, Type::INT8)]).await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let version = unsigned(first.try_get(0).map_err(store_error)?);
        let entries = rows.iter().filter_map(|row| entry(row).transpose()).collect::<Result<_, _>>()?;
        Ok(Some(Revocations { version, entries }))
    }
}

/// An entry; none where the list is empty.
fn entry(row: &Row) -> Result<Option<Revocation>, StoreError> {
    let Some(key) = row.try_get::<_, Option<&[u8]>>(1).map_err(store_error)? else { return Ok(None) };
    let until = UnixSeconds::new(unsigned(row.try_get(2).map_err(store_error)?));
    Ok(Some(Revocation { what: Revoked::of_key(key).ok_or_else(damaged)?, until }))
}

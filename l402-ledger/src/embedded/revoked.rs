//! The deny-list in the file: [what](Revoked::key) is denied, and until when.

use super::fault::Error;
use crate::revoke::{Revocation, Revoked};
use l402_core::UnixSeconds;
use l402_core::ledger::{SKEW, StoreTime};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

const REVOKED: TableDefinition<'_, &[u8], u64> = TableDefinition::new("revoked");

/// Makes the table where there is none.
pub(super) fn begin(transaction: &WriteTransaction) -> Result<(), Error> {
    transaction.open_table(REVOKED)?;
    Ok(())
}

/// Adds an entry, or makes it last longer.
pub(super) fn insert(transaction: &WriteTransaction, revocation: &Revocation) -> Result<(), Error> {
    let mut table = transaction.open_table(REVOKED)?;
    let key = revocation.what.key();
    let until = table.get(&*key)?.map_or(0, |until| until.value());
    table.insert(&*key, until.max(revocation.until.get()))?;
    Ok(())
}

/// Reads all entries.
pub(super) fn all(transaction: &ReadTransaction) -> Result<Vec<Revocation>, Error> {
    let table = transaction.open_table(REVOKED)?;
    let mut entries = Vec::new();
    for entry in table.iter()? {
        let (key, until) = entry?;
        let what = Revoked::of_key(key.value()).ok_or(super::wire::RowError::Damaged)?;
        entries.push(Revocation { what, until: UnixSeconds::new(until.value()) });
    }
    Ok(entries)
}

/// Takes off what is over.
pub(super) fn sweep(transaction: &WriteTransaction, now: StoreTime) -> Result<(), Error> {
    let mut table = transaction.open_table(REVOKED)?;
    table.retain(|_, until| StoreTime::from(UnixSeconds::new(until)).after(SKEW) > now)?;
    Ok(())
}

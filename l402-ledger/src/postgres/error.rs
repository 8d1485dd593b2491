//! What an error of PostgreSQL means for the ledger.

use crate::error::{StoreError, StoreErrorKind};
use core::error::Error as _;
use deadpool_postgres::PoolError;
use std::io;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// Says what an error means.
pub(super) fn store_error(error: Error) -> StoreError {
    StoreError::with_source(kind(&error), error)
}

/// Says what it means that there is no connection.
pub(super) fn pool_error(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) => store_error(error),
        error => StoreError::with_source(StoreErrorKind::Unavailable, error),
    }
}

fn kind(error: &Error) -> StoreErrorKind {
    let Some(reply) = error.as_db_error() else { return local_kind(error) };
    let code = reply.code();
    if *code == SqlState::INVALID_PASSWORD
        || *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION
        || *code == SqlState::INSUFFICIENT_PRIVILEGE
        || is_denied_by_pgbouncer(code, reply.message())
    {
        StoreErrorKind::Denied
    } else if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        StoreErrorKind::ReadOnly
    } else if *code == SqlState::LOCK_NOT_AVAILABLE {
        StoreErrorKind::Busy // the transaction is rolled back
    } else if [SqlState::UNDEFINED_FUNCTION, SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME].contains(code)
        || [SqlState::DATA_CORRUPTED, SqlState::INDEX_CORRUPTED].contains(code)
    {
        StoreErrorKind::Damaged
    } else {
        StoreErrorKind::Unavailable
    }
}

/// pgbouncer has one code for all it does not like.
fn is_denied_by_pgbouncer(code: &SqlState, message: &str) -> bool {
    *code == SqlState::PROTOCOL_VIOLATION
        && ["password authentication failed", "SASL authentication failed", "no such user"]
            .iter()
            .any(|denied| message.contains(denied))
}

/// What went wrong on this side of the connection.
fn local_kind(error: &Error) -> StoreErrorKind {
    let cause = error.source();
    if cause.is_some_and(|cause| cause.to_string() == "password missing") {
        return StoreErrorKind::Denied;
    }
    // Of several hosts none takes writes.
    let cause = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
    if cause.is_some_and(|cause| cause.kind() == io::ErrorKind::PermissionDenied && error.code().is_none())
        && cause.is_some_and(|cause| cause.to_string() == "database does not allow writes")
    {
        return StoreErrorKind::ReadOnly;
    }
    StoreErrorKind::Unavailable
}

/// Whether the same call may succeed on another connection, at once: this one was closed, or two transactions were in each
/// other's way.
pub(super) fn is_passing(error: &Error) -> bool {
    let passing = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    error.is_closed() || error.code().is_some_and(|code| passing.contains(code))
}

//! What goes wrong in a transaction of the file.

use super::wire::RowError;
use crate::error::{StoreError, StoreErrorKind};

/// What goes wrong in a transaction.
#[derive(Debug)]
pub(super) enum Error {
    Engine(redb::Error),
    Row(RowError),
    TooNew,
}

impl<E: Into<redb::Error>> From<E> for Error {
    fn from(error: E) -> Self {
        Self::Engine(error.into())
    }
}

impl From<RowError> for Error {
    fn from(error: RowError) -> Self {
        Self::Row(error)
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match error {
            Error::Engine(error @ redb::Error::Corrupted(_)) => Self::with_source(StoreErrorKind::Damaged, error),
            Error::Engine(error) => Self::with_source(StoreErrorKind::Failed, error),
            Error::Row(error @ RowError::TooNew) => Self::with_source(StoreErrorKind::TooNew, error),
            Error::Row(error) => Self::with_source(StoreErrorKind::Damaged, error),
            Error::TooNew => Self::new(StoreErrorKind::TooNew),
        }
    }
}

//! Why the database cannot be used.

use super::format::{FIRST_VERSION, VERSION};
use super::private::PrivateError;
use core::fmt;
use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};

/// Why the database cannot be used. Nothing is paid without it.
#[derive(Debug)]
#[non_exhaustive]
pub enum DatabaseError {
    /// A file cannot be used.
    File(PrivateError),
    /// The database cannot be understood. It is left as it is.
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it, where more is known than that it is none of ours.
        cause: Option<rusqlite::Error>,
    },
    /// A later version of this program wrote the database.
    Version {
        /// Where it is.
        path: PathBuf,
        /// The version of its format.
        version: i32,
    },
    /// There is a log and no database that it belongs to.
    Orphan {
        /// The log.
        log: PathBuf,
    },
    /// It cannot be read or written.
    Sqlite {
        /// Where it is.
        path: PathBuf,
        /// Why.
        cause: rusqlite::Error,
    },
    /// The files of the first format cannot be taken over. They are left as they are.
    Import(ImportError),
}

impl DatabaseError {
    pub(super) fn damaged(path: &Path, cause: Option<rusqlite::Error>) -> Self {
        Self::Damaged { path: path.to_owned(), cause }
    }

    pub(super) fn of(path: &Path, cause: rusqlite::Error) -> Self {
        use rusqlite::Error::{FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, SqliteFailure};
        let is_damage = match &cause {
            SqliteFailure(fault, _) => matches!(fault.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase),
            FromSqlConversionFailure(..) | IntegralValueOutOfRange(..) | InvalidColumnType(..) => true,
            _ => false,
        };
        if is_damage { Self::damaged(path, Some(cause)) } else { Self::Sqlite { path: path.to_owned(), cause } }
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(cause) => cause.fmt(f),
            Self::Import(cause) => cause.fmt(f),
            Self::Damaged { path, .. } => write!(
                f,
                "{} is damaged; restore a copy, or move it away, with the files beside it whose names \
                 begin with its own, to start without tokens and payments",
                path.display()
            ),
            Self::Version { path, version } => {
                write!(f, "{} has version {version}; this program supports up to version {VERSION}", path.display())
            }
            Self::Orphan { log } => {
                write!(f, "{} belongs to a missing database; restore it, or move this file away, too", log.display())
            }
            Self::Sqlite { path, .. } => write!(f, "cannot use {}", path.display()),
        }
    }
}

impl core::error::Error for DatabaseError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(cause) => cause.source(),
            Self::Import(cause) => cause.source(),
            Self::Damaged { cause, .. } => cause.as_ref().map(|cause| cause as _),
            Self::Sqlite { cause, .. } => Some(cause),
            Self::Version { .. } | Self::Orphan { .. } => None,
        }
    }
}

/// Why the files of the first format cannot be taken over.
#[derive(Debug)]
#[non_exhaustive]
pub enum ImportError {
    /// A file cannot be used.
    File(PrivateError),
    /// A file cannot be understood.
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        cause: serde_json::Error,
    },
    /// A file has a version that never was.
    Version {
        /// Where it is.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// An earlier version of this program sees to this payment at this moment.
    InUse(PathBuf),
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(cause) => cause.fmt(f),
            Self::Damaged { path, .. } => {
                write!(f, "{} is damaged; repair it, or move it away to continue without it", path.display())
            }
            Self::Version { path, version } => {
                write!(f, "{} has version {version}; files of this kind have version {FIRST_VERSION}", path.display())
            }
            Self::InUse(path) => write!(
                f,
                "an earlier version of this program is resolving the payment in {}; run the command again later",
                path.display()
            ),
        }
    }
}

impl core::error::Error for ImportError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(cause) => cause.source(),
            Self::Damaged { cause, .. } => Some(cause),
            Self::Version { .. } | Self::InUse(_) => None,
        }
    }
}

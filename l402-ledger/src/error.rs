//! Why a store cannot say.

use core::error::Error;
use core::fmt;

/// A store did not carry out what it was asked, or its reply was lost: then it may have.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// It cannot be reached, or did not answer in time. It may have carried out what it was asked.
    Unavailable,
    /// It has too much to do, or nothing could be sent in time: it did not carry out what it was asked.
    Busy,
    /// It takes no more writes until it is opened again: a write or a sync failed.
    Failed,
    /// It is not writable, such as a read-only replica.
    ReadOnly,
    /// Its data are damaged.
    Damaged,
    /// A later version of this program wrote its data.
    TooNew,
    /// Another process has it open.
    InUse,
    /// It refuses the user, the password, or a right that the user needs.
    Denied,
    /// Its settings make it lose what was committed.
    Unsafe,
    /// It is not the one that was used before.
    Another,
    /// There is none.
    Absent,
    /// Other users of the machine can read or write it.
    Exposed,
}

impl StoreError {
    /// Says what went wrong.
    pub const fn new(kind: StoreErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// Says what went wrong, and why.
    pub fn with_source(kind: StoreErrorKind, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// Returns what went wrong.
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StoreErrorKind::Unavailable => "cannot reach the ledger",
            StoreErrorKind::Busy => "the ledger has too much to do",
            StoreErrorKind::Failed => "the ledger takes no more writes, because one failed; restart the gateway",
            StoreErrorKind::ReadOnly => "the ledger is read-only; connect to its primary",
            StoreErrorKind::Damaged => "the ledger is damaged; restore a backup",
            StoreErrorKind::TooNew => "a newer version of l402 wrote the ledger; install that version",
            StoreErrorKind::InUse => "another process has the ledger open",
            StoreErrorKind::Denied => "the ledger refuses the user, the password, or a right of the user",
            StoreErrorKind::Unsafe => "the ledger can lose committed uses with its present settings",
            StoreErrorKind::Another => "this is not the ledger that was used before",
            StoreErrorKind::Exposed => "the ledger is not private",
            StoreErrorKind::Absent => "there is no ledger to count uses with",
        })
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

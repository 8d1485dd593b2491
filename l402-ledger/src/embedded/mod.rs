//! A store in one file, for one program.
//!
//! ```
//! use l402_core::PaymentHash;
//! use l402_core::ledger::{AttemptId, Event, Reply};
//! use l402_ledger::embedded::{Durability, Embedded};
//! use l402_ledger::{LedgerStore, testing::reserve};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("ledger");
//! let store = Embedded::open_or_create(&path, Durability::Power)?;
//! let (payment, attempt) = (PaymentHash::from_bytes([1; 32]), AttemptId::from_bytes([1; 16]));
//! store.apply(&payment, attempt, Event::Reserve(reserve(1))).await?;
//! let spent = Reply::Committed { remaining: 0, is_spent: true };
//! assert_eq!(store.apply(&payment, attempt, Event::Commit { amount: 1 }).await?, spent);
//!
//! drop(store); // or the power fails
//! let store = Embedded::open(&path, Durability::Power)?;
//! let uses = store.uses(&payment).await?.ok_or("it was committed")?;
//! assert_eq!(uses.tallies[0].1.committed, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! 1. The winner is named from memory. The reservation of a request that only reads is never written: after a crash its use is
//!    available, and its commit is the only step that waits for the disk.
//! 2. Everything else that changes a counter or a doubt is durable before its reply. One thread writes for all callers: what waits
//!    goes into one transaction with one sync, as one entry of a table that only grows. Rows go to their places later, many
//!    neighbours at a time.
//! 3. Only one program has the file open ([`StoreErrorKind::InUse`]). So a reservation that a predecessor left has no holder any
//!    more: if its request may have had an effect, it is in doubt as soon as the file is opened.
//! 4. Once a write or a sync has failed, every call fails with [`StoreErrorKind::Failed`] until the file is opened again. What is in
//!    memory may be ahead of the disk then. The deny-list can still be read.
//! 5. A transaction that a crash cut off is as if it had never been: nobody was told of it. Other damage stops the start
//!    ([`StoreErrorKind::Damaged`]) and leaves the file as it is; so does a file of a later version ([`StoreErrorKind::TooNew`]).
//! 6. A spent token costs its row in the file, and in time no memory: only rows that are not in their places yet are in memory too. Rows are deleted by [`sweep`](LedgerStore::sweep).
//!
//! Events look into the file where a payment is not in memory. Its upper levels are cached; a look costs microseconds, or one read
//! from the disk.

mod fault;
mod file;
mod layer;
mod memory;
mod queue;
mod recent;
mod revoked;
mod row;
mod tables;
#[cfg(test)]
mod tests;
mod waiting;
mod wire;
mod writer;

use crate::error::{StoreError, StoreErrorKind};
use crate::revoke::{Revocation, Revocations};
use crate::store::{DoubtfulUse, LedgerStore, PaymentUses};
use core::fmt;
use file::File;
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, Now, Reply, StoreTime};
use layer::Layer;
use memory::Memory;
use queue::Queue;
use redb::StorageBackend;
use redb::backends::FileBackend;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use writer::Writer;

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The loss of power: each commit waits for the disk.
    #[default]
    Power,
    /// The end of the process, whatever ends it. Nothing waits for the disk; if the machine loses power or its system crashes,
    /// uses of the last half minute or so may be available again, or the file may be [damaged](StoreErrorKind::Damaged).
    Process,
}

/// A store in one file. Clones are the same store; with the last one, the file is closed.
#[derive(Clone)]
pub struct Embedded {
    // Dropped first: it writes what is queued.
    _writer: Arc<Writer>,
    memory: Arc<Memory>,
    file: Arc<File>,
}

impl Embedded {
    /// Opens the file at a path. All of it is read once, to see that it is whole.
    ///
    /// # Errors
    /// [`StoreErrorKind::Absent`] where there is none, [`StoreErrorKind::InUse`], [`StoreErrorKind::Damaged`],
    /// [`StoreErrorKind::TooNew`], [`StoreErrorKind::ReadOnly`], or [`StoreErrorKind::Failed`] where the disk does.
    pub fn open(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        Self::open_with(path, durability, Clock::default())
    }

    /// The same; where there is no file, one is made. Whoever knows that there was one calls [`open`](Self::open): an empty
    /// ledger in place of one that is lost would sell every use again.
    ///
    /// # Errors
    /// The same, but for [`StoreErrorKind::Absent`].
    pub fn open_or_create(path: &Path, durability: Durability) -> Result<Self, StoreError> {
        if !fs::exists(path).map_err(of_file)? {
            create(path)?;
        }
        Self::open(path, durability)
    }

    /// Opens the file with a clock of one's own.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    #[cfg(feature = "testing")]
    pub fn open_with_clock(
        path: &Path,
        durability: Durability,
        clock: impl Fn() -> StoreTime + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        Self::open_with(path, durability, Clock(Arc::new(clock)))
    }

    /// Returns how often the file was synced since it was opened.
    pub fn syncs(&self) -> u64 {
        self.file.syncs()
    }

    /// Returns how many payments are in memory: those with requests under way, and those that settled many or gave some back in
    /// the last ten minutes.
    pub fn live(&self) -> usize {
        self.memory.len()
    }

    fn open_with(path: &Path, durability: Durability, clock: Clock) -> Result<Self, StoreError> {
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(of_file)?;
        if file.metadata().map_err(of_file)?.len() == 0 {
            return Err(StoreError::with_source(StoreErrorKind::Damaged, "the file is empty"));
        }
        let file = FileBackend::new(file).map_err(|error| StoreError::with_source(StoreErrorKind::Failed, error))?;
        Self::open_on(Box::new(file), durability, clock)
    }

    fn open_on(file: Box<dyn StorageBackend>, durability: Durability, clock: Clock) -> Result<Self, StoreError> {
        let file = Arc::new(File::open(Layer::hold(file, durability).map_err(of_file)?)?);
        let queue = Queue::default();
        let memory = Arc::new(Memory::new(Arc::clone(&file), queue.clone(), clock)?);
        memory.end_leases()?;
        let writer = Writer::start(queue, Arc::clone(&file), Arc::clone(&memory)).map_err(of_file)?;
        Ok(Self { _writer: Arc::new(writer), memory, file })
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Embedded")
    }
}

impl LedgerStore for Embedded {
    async fn apply(&self, payment: &PaymentHash, attempt: AttemptId, event: Event) -> Result<Reply, StoreError> {
        let (reply, done) = self.memory.apply(payment, &attempt, &event)?;
        if let Some(done) = done {
            done.await.map_err(|_| self.memory.failure())?;
        }
        Ok(reply)
    }

    async fn now(&self) -> Result<Now, StoreError> {
        self.memory.is_whole()?;
        Ok(self.memory.now())
    }

    async fn uses(&self, payment: &PaymentHash) -> Result<Option<PaymentUses>, StoreError> {
        self.memory.uses(payment)
    }

    async fn doubtful(&self, most: usize) -> Result<Vec<DoubtfulUse>, StoreError> {
        self.memory.doubtful(most)
    }

    async fn revoke(&self, revocation: Revocation) -> Result<(), StoreError> {
        self.memory.revoke(revocation)?.await.map_err(|_| self.memory.failure())
    }

    /// Reads what is in the file, also after a write has failed: nobody else can have put anything on the list.
    async fn revocations(&self, seen: Option<u64>) -> Result<Option<Revocations>, StoreError> {
        self.file.revocations(seen)
    }

    async fn sweep(&self, most: usize) -> Result<usize, StoreError> {
        self.memory.sweep(most)?.await.map_err(|_| self.memory.failure())
    }
}

/// The clock of a store.
#[derive(Clone)]
struct Clock(Arc<dyn Fn() -> StoreTime + Send + Sync>);

impl Clock {
    fn time(&self) -> StoreTime {
        (self.0)()
    }
}

impl Default for Clock {
    /// That of the system.
    fn default() -> Self {
        Self(Arc::new(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            StoreTime::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
        }))
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// Makes an empty store beside the path, then gives it its name, if there is none of that name by then. A crash in between leaves
/// no half of a file under that name.
fn create(path: &Path) -> Result<(), StoreError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{}", std::process::id()));
    let new = path.with_file_name(name);
    let made = make(&new).and_then(|()| match fs::hard_link(&new, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(of_file(error)),
        _ => Ok(()),
    });
    fs::remove_file(&new).map_err(of_file)?;
    made?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(directory).and_then(|directory| directory.sync_all()).map_err(of_file)
}

fn make(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(of_file)?;
    let file = FileBackend::new(file).map_err(|error| StoreError::with_source(StoreErrorKind::Failed, error))?;
    File::open(Layer::hold(Box::new(file), Durability::Power).map_err(of_file)?).map(drop)
}

fn of_file(error: io::Error) -> StoreError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound => StoreErrorKind::Absent,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreErrorKind::ReadOnly,
        _ => StoreErrorKind::Failed,
    };
    StoreError::with_source(kind, error)
}

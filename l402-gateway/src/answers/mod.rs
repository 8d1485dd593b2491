//! Kept answers in files: each has one, in a directory of its own, and one thread writes them all.
//!
//! ```text
//! l402 answer 1⏎ (14) · until (8) · times given (1) · sealed answer, to the end
//! ```
//!
//! 1. The name of a file is the name of its answer, in hexadecimal, its mode 0600 and that of the directory 0700. The answer in it is
//!    sealed: without the master key and the credential nobody reads it.
//! 2. What is to be kept goes through a bounded queue. Where the queue or the disk is full, or all files together are as large as they
//!    may be, it is dropped: nobody waits for this thread.
//! 3. A file appears under its name only when it is whole. Nothing is synced: after a loss of power an answer may be gone, or torn, and
//!    then it is not given.
//! 4. That an answer is given again is written into its file, and synced, before it is.
//! 5. At the start the directory is read; what has ended, and whatever is no whole file of this kind, is deleted. Later the thread
//!    deletes what ends.

mod file;
mod index;

use core::fmt;
use core::time::Duration;
use l402_core::UnixSeconds;
use l402_http::service::kept::{AnswerName, AnswerStore, Parcel, Sealed};
use l402_lightning::{folder, unix_now};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use index::Index;

/// Answers in a directory.
#[derive(Debug)]
pub(crate) struct FileAnswers {
    shelf: Arc<Shelf>,
    queue: SyncSender<Parcel>,
}

/// What the writer shares with those who read.
struct Shelf {
    dir: PathBuf,
    index: Index,
}

impl FileAnswers {
    /// Opens a directory, makes it where there is none, and starts the thread. All files together have no more than so many bytes.
    ///
    /// # Errors
    /// Where the directory cannot be made or read, or a thread cannot be started.
    pub(crate) fn open(dir: &Path, total: u64) -> io::Result<Self> {
        folder::make(dir)?;
        let index = Index::read(dir, total, unix_now())?;
        let shelf = Arc::new(Shelf { dir: dir.to_owned(), index });
        let (queue, parcels) = sync_channel(QUEUE);
        let writer = Arc::clone(&shelf);
        thread::Builder::new().name("answers".to_owned()).spawn(move || writer.run(&parcels))?;
        Ok(Self { shelf, queue })
    }
}

impl AnswerStore for FileAnswers {
    fn keep(&self, parcel: Parcel) {
        let _ = self.queue.try_send(parcel); // where there is no room it is dropped
    }

    fn knows(&self, name: &AnswerName, now: UnixSeconds) -> bool {
        self.shelf.index.knows(name, now)
    }

    fn read(&self, name: &AnswerName) -> Option<Sealed> {
        file::read(&self.shelf.path(name)).ok().flatten()
    }

    fn give(&self, name: &AnswerName) -> bool {
        self.shelf.index.give(name, |given| file::count(&self.shelf.path(name), given))
    }
}

impl Shelf {
    /// Writes what comes, until nobody can send any more.
    fn run(&self, parcels: &Receiver<Parcel>) {
        let mut swept = Instant::now();
        loop {
            match parcels.recv_timeout(SWEEP) {
                Ok(parcel) => self.keep(&parcel),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if swept.elapsed() >= SWEEP {
                swept = Instant::now();
                self.delete_ended(unix_now());
            }
        }
    }

    fn delete_ended(&self, now: UnixSeconds) {
        for name in self.index.ended(now) {
            file::remove(&self.path(&name));
        }
    }

    fn keep(&self, parcel: &Parcel) {
        let size = u64::try_from(parcel.size()).unwrap_or(u64::MAX);
        if !self.index.has_room(size) {
            return;
        }
        let Some(sealed) = parcel.seal() else { return };
        match file::write(&self.path(parcel.name()), &sealed) {
            Ok(size) => self.index.add(*parcel.name(), sealed.until, size),
            Err(error) => tracing::warn!(%error, "an answer cannot be kept"),
        }
    }

    fn path(&self, name: &AnswerName) -> PathBuf {
        self.dir.join(name.to_string())
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("dir", &self.dir).finish_non_exhaustive()
    }
}

/// Answers that wait for the writer.
const QUEUE: usize = 256;

/// How often ended files are looked for at least.
const SWEEP: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s4_what_has_ended_is_deleted_while_the_gateway_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        let [lives, ends] = [[1; 32], [2; 32]].map(AnswerName::from_bytes);
        for (name, until) in [(lives, 10), (ends, 5)] {
            let sealed = Sealed { until: until.into(), bytes: vec![0; 7] };
            file::write(&folder.path().join(name.to_string()), &sealed).expect("written");
        }
        let index = Index::read(folder.path(), 100, 4.into()).expect("read");
        let shelf = Shelf { dir: folder.path().to_owned(), index };
        for (now, left) in [(4, 2), (5, 1), (9, 1), (10, 0)] {
            shelf.delete_ended(now.into());
            assert_eq!(folder.path().read_dir().expect("a folder").count(), left, "{now}");
        }
        assert!(!shelf.index.knows(&lives, 0.into()));
    }
}

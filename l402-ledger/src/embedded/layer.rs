//! The layer between the engine and its file.
//!
//! 1. Until the engine has looked through the file and found it whole, what it writes is held back. A file that is damaged stays
//!    as it is, for whoever repairs it.
//! 2. What was held back is then written in the order in which the engine wrote it, syncs included, so that it means the same
//!    after a crash in the middle.
//! 3. With [`Durability::Process`] nothing is synced: the kernel has what was written, and keeps it if the process is killed.

use super::Durability;
use core::ops::Bound;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use redb::{BackendError, StorageBackend};
use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const PAGE: usize = 4_096;

/// Stands before a file. Clones are the same layer.
#[derive(Debug, Clone)]
pub(super) struct Layer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: Box<dyn StorageBackend>,
    durability: Durability,
    syncs: AtomicU64,
    holds: AtomicBool,
    held: Mutex<Held>,
}

/// What the engine wrote, and what the file would be with it.
#[derive(Debug, Default)]
struct Held {
    deeds: Vec<Deed>,
    pages: HashMap<u64, Box<[u8; PAGE]>>,
    len: u64,
    /// How much of the file still counts: it may have been cut, and grown again.
    kept: u64,
}

#[derive(Debug)]
enum Deed {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
}

impl Layer {
    /// Begins to hold back what is written.
    ///
    /// # Errors
    /// Where the length of the file cannot be read.
    pub(super) fn hold(file: Box<dyn StorageBackend>, durability: Durability) -> io::Result<Self> {
        let len = file.len()?;
        let held = Mutex::new(Held { len, kept: len, ..Held::default() });
        let (syncs, holds) = (AtomicU64::new(0), AtomicBool::new(true));
        Ok(Self(Arc::new(Inner { file, durability, syncs, holds, held })))
    }

    /// Writes what was held back, and holds back no more.
    ///
    /// # Errors
    /// Where that fails.
    pub(super) fn release(&self) -> io::Result<()> {
        let mut held = self.0.held();
        for deed in held.deeds.drain(..) {
            match deed {
                Deed::Write(offset, data) => self.0.file.write(offset, &data)?,
                Deed::SetLen(len) => self.0.file.set_len(len)?,
                Deed::Sync => self.0.sync()?,
            }
        }
        *held = Held::default();
        self.0.holds.store(false, Ordering::Release);
        Ok(())
    }

    /// Returns how often the file was synced.
    pub(super) fn syncs(&self) -> u64 {
        self.0.syncs.load(Ordering::Relaxed)
    }
}

impl Inner {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is held back, as long as it is.
    fn if_held(&self) -> Option<MutexGuard<'_, Held>> {
        self.holds.load(Ordering::Acquire).then(|| self.held())
    }

    fn sync(&self) -> io::Result<()> {
        if self.durability == Durability::Process {
            return Ok(());
        }
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.file.sync_data()
    }
}

impl StorageBackend for Layer {
    fn len(&self) -> io::Result<u64> {
        self.0.if_held().map_or_else(|| self.0.file.len(), |held| Ok(held.len))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let Some(held) = self.0.if_held() else { return self.0.file.read(offset, out) };
        held.read(&*self.0.file, offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let Some(mut held) = self.0.if_held() else { return self.0.file.set_len(len) };
        held.set_len(len);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let Some(mut held) = self.0.if_held() else { return self.0.sync() };
        held.deeds.push(Deed::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let Some(mut held) = self.0.if_held() else { return self.0.file.write(offset, data) };
        held.write(&*self.0.file, offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.query_lock_range(start, end)
    }
}

impl Held {
    fn read(&self, file: &dyn StorageBackend, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let end = offset.saturating_add(out.len() as u64);
        if end > self.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        for (number, within, part) in pages(offset, out.len()) {
            let page = match self.pages.get(&number) {
                Some(page) => **page,
                None => self.underneath(file, number)?,
            };
            if let (Some(out), Some(from)) = (out.get_mut(part), page.get(within)) {
                out.copy_from_slice(from);
            }
        }
        Ok(())
    }

    fn write(&mut self, file: &dyn StorageBackend, offset: u64, data: &[u8]) -> io::Result<()> {
        for (number, within, part) in pages(offset, data.len()) {
            let mut page = match self.pages.remove(&number) {
                Some(page) => page,
                None => Box::new(self.underneath(file, number)?),
            };
            if let (Some(to), Some(data)) = (page.get_mut(within), data.get(part)) {
                to.copy_from_slice(data);
            }
            self.pages.insert(number, page);
        }
        self.len = self.len.max(offset.saturating_add(data.len() as u64));
        self.deeds.push(Deed::Write(offset, data.to_vec()));
        Ok(())
    }

    fn set_len(&mut self, len: u64) {
        self.kept = self.kept.min(len);
        for (number, page) in &mut self.pages {
            let begin = number.saturating_mul(PAGE as u64);
            let left = usize::try_from(len.saturating_sub(begin)).unwrap_or(PAGE).min(PAGE);
            page.iter_mut().skip(left).for_each(|byte| *byte = 0);
        }
        self.len = len;
        self.deeds.push(Deed::SetLen(len));
    }

    /// A page of the file, with zeros after what counts of it.
    fn underneath(&self, file: &dyn StorageBackend, number: u64) -> io::Result<[u8; PAGE]> {
        let (mut page, begin) = ([0; PAGE], number.saturating_mul(PAGE as u64));
        let left = usize::try_from(self.kept.saturating_sub(begin)).unwrap_or(PAGE).min(PAGE);
        if let Some(part) = page.get_mut(..left).filter(|part| !part.is_empty()) {
            file.read(begin, part)?;
        }
        Ok(page)
    }
}

/// The pages that so many bytes touch: the number of each, where in it they stand, and which of them they are.
fn pages(offset: u64, len: usize) -> impl Iterator<Item = (u64, core::ops::Range<usize>, core::ops::Range<usize>)> {
    let mut done = 0;
    core::iter::from_fn(move || {
        if done == len {
            return None;
        }
        let at = offset.saturating_add(done as u64);
        let within = usize::try_from(at % PAGE as u64).unwrap_or_default();
        let count = (PAGE - within).min(len - done);
        let part = done..done + count;
        done += count;
        Some((at / PAGE as u64, within..within + count, part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use redb::backends::InMemoryBackend;

    #[derive(Debug, Clone)]
    enum Asked {
        Write(u64, Vec<u8>),
        SetLen(u64),
    }

    fn asked() -> impl Strategy<Value = Asked> {
        let data = prop::collection::vec(any::<u8>(), 1..9_000);
        prop_oneof![
            3 => (0..20_000u64, data).prop_map(|(offset, data)| Asked::Write(offset, data)),
            1 => (0..30_000u64).prop_map(Asked::SetLen),
        ]
    }

    fn carry_out(asked: &Asked, file: &dyn StorageBackend) {
        match asked {
            Asked::Write(offset, data) => {
                let end = offset + data.len() as u64;
                if file.len().unwrap() < end {
                    file.set_len(end).unwrap();
                }
                file.write(*offset, data).unwrap();
            }
            Asked::SetLen(len) => file.set_len(*len).unwrap(),
        }
    }

    fn all(file: &dyn StorageBackend) -> Vec<u8> {
        let mut all = vec![0; usize::try_from(file.len().unwrap()).unwrap()];
        file.read(0, &mut all).unwrap();
        all
    }

    /// The layer keeps the only other handle of its file.
    #[derive(Debug, Clone)]
    struct Shared(Arc<InMemoryBackend>);

    impl StorageBackend for Shared {
        fn len(&self) -> io::Result<u64> {
            self.0.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
            self.0.read(offset, out)
        }
        fn set_len(&self, len: u64) -> io::Result<()> {
            self.0.set_len(len)
        }
        fn sync_data(&self) -> io::Result<()> {
            self.0.sync_data()
        }
        fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
            self.0.write(offset, data)
        }
    }

    proptest! {
        #[test]
        fn what_is_held_back_reads_as_if_it_were_written(
            before in prop::collection::vec(asked(), 0..5), after in prop::collection::vec(asked(), 0..8)
        ) {
            let (file, plain) = (Shared(Arc::default()), InMemoryBackend::new());
            for asked in &before {
                carry_out(asked, &file);
                carry_out(asked, &plain);
            }
            let untouched = all(&file);
            let layer = Layer::hold(Box::new(file.clone()), Durability::Power).unwrap();
            for asked in &after {
                carry_out(asked, &layer);
                carry_out(asked, &plain);
                prop_assert!(all(&layer) == all(&plain));
            }
            prop_assert!(all(&file) == untouched, "the file stays as it is");
            layer.release().unwrap();
            prop_assert!(all(&file) == all(&plain));
            prop_assert!(all(&layer) == all(&plain));
        }
    }
}

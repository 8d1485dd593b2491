//! A disk that keeps a record of what is done to it, and of what was told to callers by then.

use redb::StorageBackend;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

/// A disk. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(in crate::embedded) struct Disk {
    state: Arc<Mutex<State>>,
    /// Who has it keeps every sync waiting.
    syncs: Arc<Mutex<()>>,
}

#[derive(Debug, Default)]
struct State {
    image: Vec<u8>,
    log: Vec<Entry>,
    /// How many more writes there is room for.
    room: Option<usize>,
}

/// What happened to the disk.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    Write(u64, Vec<u8>),
    SetLen(u64),
    Sync,
    /// A caller was told something.
    Told(usize),
}

impl Disk {
    pub(super) fn new(image: Vec<u8>) -> Self {
        Self { state: Arc::new(Mutex::new(State { image, ..State::default() })), syncs: Arc::default() }
    }

    /// Notes that a caller was told something.
    pub(super) fn note(&self, what: usize) {
        self.state().log.push(Entry::Told(what));
    }

    /// Has room for so many more writes, if that is limited.
    pub(super) fn set_room(&self, room: Option<usize>) {
        self.state().room = room;
    }

    /// Keeps every sync waiting until the guard is dropped.
    pub(super) fn hold_syncs(&self) -> MutexGuard<'_, ()> {
        self.syncs.lock().unwrap()
    }

    pub(in crate::embedded) fn image(&self) -> Vec<u8> {
        self.state().image.clone()
    }

    pub(super) fn log(&self) -> Vec<Entry> {
        self.state().log.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn done(&mut self, entry: Entry) -> io::Result<()> {
        if let Some(room) = &mut self.room {
            *room = room.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        }
        apply(&mut self.image, &entry);
        self.log.push(entry);
        Ok(())
    }
}

/// Does to a disk what an entry says.
pub(super) fn apply(image: &mut Vec<u8>, entry: &Entry) {
    match entry {
        Entry::Write(offset, data) => {
            let begin = usize::try_from(*offset).unwrap();
            if image.len() < begin + data.len() {
                image.resize(begin + data.len(), 0);
            }
            image[begin..begin + data.len()].copy_from_slice(data);
        }
        Entry::SetLen(len) => image.resize(usize::try_from(*len).unwrap(), 0),
        Entry::Sync | Entry::Told(_) => {}
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.state().image.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let (state, begin) = (self.state(), usize::try_from(offset).unwrap());
        let part = state.image.get(begin..begin + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(part);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.state().done(Entry::SetLen(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let _may = self.syncs.lock().unwrap();
        self.state().done(Entry::Sync)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.state().done(Entry::Write(offset, data.to_vec()))
    }
}

//! Bodies that are too long for an answer, or no text, as files in a folder of the owner's.
//!
//! 1. A name is fresh, drawn at random, and nothing of it comes from a server. A file that exists is never written to.
//! 2. The folder is opened once. A file is made beneath it and nowhere else: a link in its place is not followed.
//! 3. All files together stay below a quota. A body that would exceed it is refused, and what was written of it removed.

use core::sync::atomic::{AtomicU64, Ordering};
use rustix::fs::{Mode, OFlags};
use std::fs::{DirBuilder, File};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Files(Arc<Folder>);

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    handle: OwnedFd,
    /// Bytes of all files in it.
    used: AtomicU64,
    quota: u64,
}

impl Files {
    /// Opens a folder, which is made where there is none, mode 0700.
    pub(super) fn open(path: &Path, quota: u64) -> io::Result<Self> {
        if !path.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        }
        let path = path.canonicalize()?;
        let handle = rustix::fs::open(&path, OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY, Mode::empty())?;
        let mut used = 0;
        for entry in path.read_dir()? {
            used += entry?.metadata()?.len();
        }
        Ok(Self(Arc::new(Folder { path, handle, used: AtomicU64::new(used), quota })))
    }

    /// Tells whether there is room for a body that does not fit into an answer.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        self.0.used.load(Ordering::SeqCst).saturating_add(bytes) <= self.0.quota
    }

    /// Makes a file.
    pub(super) fn create(&self) -> io::Result<Spill> {
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let name = format!("{:016x}.body", u64::from_be_bytes(random));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = beneath(&self.0.handle, &name, flags)?.into();
        Ok(Spill { files: self.clone(), name, file, length: 0, is_kept: false })
    }

    /// Takes room for more bytes, or says that there is none.
    fn take(&self, bytes: u64) -> io::Result<()> {
        let take = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.0.quota);
        self.0
            .used
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
            .map(drop)
            .map_err(|_| io::Error::from(io::ErrorKind::QuotaExceeded))
    }
}

/// Opens a name beneath a folder.
#[cfg(target_os = "linux")]
fn beneath(folder: &OwnedFd, name: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    use rustix::fs::ResolveFlags;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(folder, name, flags, MODE, resolve) {
        // A kernel before 5.6, or a sandbox that does not know the call. The name has no separator.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => rustix::fs::openat(folder, name, flags, MODE),
        result => result,
    }
}

#[cfg(not(target_os = "linux"))]
fn beneath(folder: &OwnedFd, name: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(folder, name, flags, MODE)
}

const MODE: Mode = Mode::RUSR.union(Mode::WUSR);

/// A file that is being written. It is removed unless it is kept.
#[derive(Debug)]
pub(super) struct Spill {
    files: Files,
    name: String,
    file: File,
    length: u64,
    is_kept: bool,
}

impl Spill {
    pub(super) fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        let bytes = piece.len() as u64;
        self.files.take(bytes)?;
        self.length += bytes;
        self.file.write_all(piece)
    }

    /// Keeps the file, and returns its path.
    pub(super) fn keep(mut self) -> PathBuf {
        self.is_kept = true;
        self.files.0.path.join(&self.name)
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = rustix::fs::unlinkat(&self.files.0.handle, &self.name, rustix::fs::AtFlags::empty());
            self.files.0.used.fetch_sub(self.length, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn a_file_is_private_and_has_a_fresh_name() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(&folder.path().join("new"), 100).unwrap();
        let (mut one, mut two) = (files.create().unwrap(), files.create().unwrap());
        one.write(b"one").unwrap();
        two.write(b"two").unwrap();
        let (one, two) = (one.keep(), two.keep());
        assert_ne!(one, two);
        assert_eq!(fs::read(&one).unwrap(), b"one");
        assert_eq!(fs::metadata(one).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_quota_holds_over_starts_and_what_is_dropped_gives_it_back() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("old"), [0; 60]).unwrap();
        let files = Files::open(folder.path(), 100).unwrap();
        let mut file = files.create().unwrap();
        file.write(&[0; 30]).unwrap();
        assert_eq!(file.write(&[0; 30]).unwrap_err().kind(), io::ErrorKind::QuotaExceeded);
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        files.create().unwrap().write(&[0; 40]).unwrap();
    }

    #[test]
    fn nothing_is_written_through_a_link_or_over_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path(), 100).unwrap();
        let target = folder.path().join("target");
        fs::write(&target, "kept").unwrap();
        symlink(&target, folder.path().join("link")).unwrap();
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW;
        for name in ["link", "../outside", "/etc/passwd"] {
            assert!(beneath(&files.0.handle, name, flags).is_err() || cfg!(not(target_os = "linux")), "{name}");
        }
        assert!(beneath(&files.0.handle, "target", flags | OFlags::EXCL).is_err());
        assert_eq!(fs::read_to_string(target).unwrap(), "kept");
    }
}

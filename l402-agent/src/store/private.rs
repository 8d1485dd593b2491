//! Files and folders that only their owner can read, and locks.
//!
//! 1. Folders are made with mode 0700, files with mode 0600. What others can write to, or a file that others can read,
//!    is refused instead of trusted.
//! 2. A new name is on the disk when the call that gives it returns.
//! 3. A lock is given back by the system when the process that holds it dies.

use core::fmt;
use core::time::Duration;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;
use zeroize::Zeroizing;

/// A folder of ours.
#[derive(Debug, Clone)]
pub struct PrivateDir(PathBuf);

impl PrivateDir {
    /// Opens a folder, which is made with mode 0700 where it does not exist.
    ///
    /// # Errors
    /// [`PrivateError`] where it cannot be made, or others can write to it.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, PrivateError> {
        let path = path.into();
        let failed = |cause| PrivateError::new(Doing::OpenDir, &path, cause);
        if !path.exists() {
            DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(failed)?;
            path.parent().filter(|parent| parent.is_dir()).map_or(Ok(()), sync).map_err(failed)?;
        }
        let mode = fs::metadata(&path).map_err(failed)?.mode();
        if mode & 0o022 != 0 {
            return Err(failed(exposed("other users can write to it; run `chmod go-w` on it")));
        }
        Ok(Self(path))
    }

    /// Opens a folder inside this one.
    ///
    /// # Errors
    /// As [`PrivateDir::open`].
    pub fn folder(&self, name: &str) -> Result<Self, PrivateError> {
        Self::open(self.0.join(name))
    }

    /// Returns the path of a file inside.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Returns the names of the files inside, sorted.
    ///
    /// # Errors
    /// [`PrivateError`] where the folder cannot be read.
    pub fn names(&self) -> Result<Vec<String>, PrivateError> {
        let failed = |cause| PrivateError::new(Doing::Read, &self.0, cause);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(failed)? {
            names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Reads a file; `None` where there is none.
    ///
    /// # Errors
    /// [`PrivateError`] where it cannot be read, is far too long, or others can read it.
    pub fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, PrivateError> {
        let path = self.path(name);
        let failed = |cause| PrivateError::new(Doing::Read, &path, cause);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(failed(cause)),
        };
        if file.metadata().map_err(failed)?.mode() & 0o077 != 0 {
            return Err(failed(exposed("other users can read it; run `chmod 600` on it")));
        }
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(MAX_LEN + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MAX_LEN {
            return Err(failed(io::Error::new(io::ErrorKind::InvalidData, "the file is too long")));
        }
        Ok(Some(bytes))
    }

    /// Makes an empty file, in place of one that is there.
    ///
    /// # Errors
    /// [`PrivateError`].
    pub fn create(&self, name: &str) -> Result<PathBuf, PrivateError> {
        let path = self.path(name);
        let create = || {
            remove_if_there(&path)?;
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)
        };
        create().map(|_| path.clone()).map_err(|cause| PrivateError::new(Doing::Write, &path, cause))
    }

    /// Looks whether a file is there; what others can read is refused.
    ///
    /// # Errors
    /// [`PrivateError`] where it cannot be looked at, or others can read it.
    pub fn find(&self, name: &str) -> Result<Option<fs::Metadata>, PrivateError> {
        let path = self.path(name);
        let failed = |cause| PrivateError::new(Doing::Read, &path, cause);
        match fs::metadata(&path) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(failed(cause)),
            Ok(found) if found.mode() & 0o077 != 0 => {
                Err(failed(exposed("other users can read it; run `chmod 600` on it")))
            }
            Ok(found) => Ok(Some(found)),
        }
    }

    /// Gives a file or folder another name, which may be in a folder inside this one; on the disk when this returns.
    ///
    /// # Errors
    /// [`PrivateError`]; it has its old name then.
    pub fn rename(&self, from: &str, to: &str) -> Result<(), PrivateError> {
        let (from, to) = (self.path(from), self.path(to));
        let rename = || {
            fs::rename(&from, &to)?;
            to.parent().map_or(Ok(()), sync)?;
            self.sync()
        };
        rename().map_err(|cause| PrivateError::new(Doing::Write, &from, cause))
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// [`PrivateError`].
    pub fn remove(&self, name: &str) -> Result<(), PrivateError> {
        let path = self.path(name);
        remove_if_there(&path).map_err(|cause| PrivateError::new(Doing::Write, &path, cause))
    }

    /// Waits until no other holder of the lock of this name is left, in this process or another. A holder keeps it for a
    /// moment only, unless it is stopped: it is waited for some seconds.
    ///
    /// # Errors
    /// [`PrivateError`] where the lock file cannot be made, or the holder goes no further.
    pub fn lock(&self, name: &str) -> Result<Lock, PrivateError> {
        self.lock_within(name, PATIENCE)
    }

    #[expect(clippy::disallowed_methods, reason = "the store works with files on threads that may block")]
    fn lock_within(&self, name: &str, patience: Duration) -> Result<Lock, PrivateError> {
        let begun = Instant::now();
        loop {
            match self.try_lock(name)? {
                Some(lock) => return Ok(lock),
                None if begun.elapsed() < patience => thread::sleep(POLL),
                None => {
                    let cause = io::Error::new(io::ErrorKind::TimedOut, "locked by another process; is one suspended?");
                    return Err(PrivateError::new(Doing::Lock, &self.path(name), cause));
                }
            }
        }
    }

    /// Takes the lock of this name; `None` where somebody else holds it, in this process or another.
    ///
    /// # Errors
    /// [`PrivateError`] where the lock file cannot be made.
    pub fn try_lock(&self, name: &str) -> Result<Option<Lock>, PrivateError> {
        match self.take(name, |file| file.try_lock().map_err(io::Error::from)) {
            Ok(lock) => Ok(Some(lock)),
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(cause) => Err(PrivateError::new(Doing::Lock, &self.path(name), cause)),
        }
    }

    fn take(&self, name: &str, lock: impl Fn(&File) -> io::Result<()>) -> io::Result<Lock> {
        let path = self.path(name);
        loop {
            let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
            lock(&file)?;
            // Removed by its last holder after it was opened here: the next to come would make, and hold, another file.
            if file.metadata()?.nlink() > 0 {
                return Ok(Lock { _file: file, path });
            }
        }
    }

    fn sync(&self) -> io::Result<()> {
        sync(&self.0)
    }
}

/// The right to see to something; given back when dropped, and by the system when the process dies.
#[derive(Debug)]
pub struct Lock {
    _file: File,
    path: PathBuf,
}

impl Lock {
    /// Gives the lock back for good: its file goes. One that cannot be removed is an empty file too many, and no harm.
    pub fn discard(self) {
        let _ = remove_if_there(&self.path);
    }
}

/// A file of ours cannot be used.
#[derive(Debug)]
pub struct PrivateError {
    doing: Doing,
    path: PathBuf,
    cause: io::Error,
}

impl PrivateError {
    fn new(doing: Doing, path: &Path, cause: io::Error) -> Self {
        Self { doing, path: path.to_owned(), cause }
    }
}

impl fmt::Display for PrivateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let doing = match self.doing {
            Doing::OpenDir => "cannot use the directory",
            Doing::Read => "cannot read",
            Doing::Write => "cannot write",
            Doing::Lock => "cannot lock",
        };
        write!(f, "{doing} {}", self.path.display())
    }
}

impl core::error::Error for PrivateError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.cause)
    }
}

#[derive(Debug, Clone, Copy)]
enum Doing {
    OpenDir,
    Read,
    Write,
    Lock,
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause),
        _ => Ok(()),
    }
}

/// A new name is durable once its folder is.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn exposed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, what)
}

/// How long to wait for the holder of a lock, and how often to look.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(1);

/// No file of ours comes near it; a longer one was put there by mistake.
const MAX_LEN: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::Ordering;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    fn dir() -> (tempfile::TempDir, PrivateDir) {
        let home = tempfile::tempdir().unwrap();
        let dir = PrivateDir::open(home.path().join("a/b")).unwrap();
        (home, dir)
    }

    #[test]
    fn only_the_owner_can_read() {
        let (_home, dir) = dir();
        let path = dir.create("secret").unwrap();
        let _lock = dir.lock("lock").unwrap();
        fs::write(&path, "two").unwrap();
        assert_eq!(mode(&dir.0), 0o700);
        assert_eq!((mode(&path), mode(&dir.path("lock"))), (0o600, 0o600));
        assert_eq!(dir.read("secret").unwrap().unwrap().as_slice(), b"two");
        assert!(dir.read("nothing").unwrap().is_none() && dir.find("nothing").unwrap().is_none());
    }

    #[test]
    fn what_others_could_touch_is_refused() {
        let (_home, dir) = dir();
        dir.create("secret").unwrap();
        fs::set_permissions(dir.path("secret"), fs::Permissions::from_mode(0o644)).unwrap();
        for fault in [dir.read("secret").unwrap_err(), dir.find("secret").unwrap_err()] {
            assert!(format!("{:#}", anyhow::Error::from(fault)).contains("chmod 600"));
        }
        fs::set_permissions(&dir.0, fs::Permissions::from_mode(0o770)).unwrap();
        assert!(PrivateDir::open(&dir.0).is_err());
    }

    #[test]
    fn a_lock_is_held_by_one() {
        let (_home, dir) = dir();
        let held = dir.lock("lock").unwrap();
        assert!(dir.try_lock("lock").unwrap().is_none());
        let gave_up = anyhow::Error::from(dir.lock_within("lock", Duration::from_millis(20)).unwrap_err());
        assert!(format!("{gave_up:#}").contains("is one suspended?"), "{gave_up:#}");
        drop(held);
        dir.try_lock("lock").unwrap().unwrap().discard();
        assert!(!dir.path("lock").exists());
    }

    #[test]
    fn a_lock_whose_file_went_is_held_by_one_all_the_same() {
        let (_home, dir) = dir();
        let holders = core::sync::atomic::AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let lock = dir.lock("lock").unwrap();
                        assert_eq!(holders.fetch_add(1, Ordering::SeqCst), 0);
                        thread::park_timeout(Duration::from_micros(20)); // so that others wait with an open file
                        holders.fetch_sub(1, Ordering::SeqCst);
                        lock.discard();
                    }
                });
            }
        });
    }
}

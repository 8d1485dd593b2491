//! Files that only their owner can read, written so that a crash leaves the old content or the new, never half of either.
//!
//! 1. Folders are made with mode 0700, files with mode 0600. What others can write to, or a file that others can read,
//!    is refused instead of trusted.
//! 2. A file is replaced by a rename, after its content is on the disk; the rename is on the disk when the call returns.
//! 3. Nothing here holds a lock for long: [`Lock`] orders whoever reads, changes and replaces one file.

use core::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
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
        DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(failed)?;
        let mode = fs::metadata(&path).map_err(failed)?.mode();
        if mode & 0o022 != 0 {
            return Err(failed(exposed("others can write to it; run `chmod go-w` on it")));
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

    /// Returns the names of the files inside, sorted; those that [`PrivateDir::replace`] left behind in a crash are not
    /// among them.
    ///
    /// # Errors
    /// [`PrivateError`] where the folder cannot be read.
    pub fn names(&self) -> Result<Vec<String>, PrivateError> {
        let failed = |cause| PrivateError::new(Doing::Read, &self.0, cause);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name().to_string_lossy().into_owned();
            if !name.ends_with(UNFINISHED) {
                names.push(name);
            }
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
            return Err(failed(exposed("others can read it; run `chmod 600` on it")));
        }
        let mut bytes = Zeroizing::new(Vec::new());
        file.take(MAX_LEN + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MAX_LEN {
            return Err(failed(io::Error::new(io::ErrorKind::InvalidData, "it is longer than any file of ours")));
        }
        Ok(Some(bytes))
    }

    /// Replaces a file, or makes it, and returns the open file once the content and its name are on the disk.
    ///
    /// The caller makes sure that nobody else replaces the same file at the same time.
    ///
    /// # Errors
    /// [`PrivateError`]; the old content is then still there.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> Result<File, PrivateError> {
        self.replace_with(name, bytes, |_| Ok(()))
    }

    /// As [`PrivateDir::replace`]; the file is already locked when it appears under its name.
    ///
    /// # Errors
    /// As [`PrivateDir::replace`].
    pub fn replace_locked(&self, name: &str, bytes: &[u8]) -> Result<File, PrivateError> {
        self.replace_with(name, bytes, File::lock)
    }

    fn replace_with(
        &self,
        name: &str,
        bytes: &[u8],
        prepare: impl FnOnce(&File) -> io::Result<()>,
    ) -> Result<File, PrivateError> {
        let (path, unfinished) = (self.path(name), self.path(&format!("{name}{UNFINISHED}")));
        let write = || {
            remove_if_there(&unfinished)?;
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
            prepare(&file)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&unfinished, &path)?;
            self.sync()?;
            Ok(file)
        };
        write().map_err(|cause| PrivateError::new(Doing::Write, &path, cause))
    }

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// [`PrivateError`].
    pub fn remove(&self, name: &str) -> Result<(), PrivateError> {
        let path = self.path(name);
        remove_if_there(&path).and_then(|()| self.sync()).map_err(|cause| PrivateError::new(Doing::Write, &path, cause))
    }

    /// Waits until no other holder of the lock of this name is left, in this process or another.
    ///
    /// # Errors
    /// [`PrivateError`] where the lock file cannot be made.
    pub fn lock(&self, name: &str) -> Result<Lock, PrivateError> {
        let path = self.path(name);
        let lock = || {
            let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
            file.lock()?;
            Ok(Lock(file))
        };
        lock().map_err(|cause| PrivateError::new(Doing::Lock, &path, cause))
    }

    /// A rename or removal is durable once the folder is.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

/// The right to change a file; given back when dropped, and by the system when the process dies.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held for its lock, which closing it gives back")] File);

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
            Doing::OpenDir => "cannot use the folder",
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

fn exposed(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, what)
}

/// Ends the name of a file that is not complete yet.
const UNFINISHED: &str = ".new";

/// No file of ours comes near it; a longer one was put there by mistake.
const MAX_LEN: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn only_the_owner_can_read() {
        let home = tempfile::tempdir().unwrap();
        let dir = PrivateDir::open(home.path().join("a/b")).unwrap();
        dir.replace("secret", b"one").unwrap();
        dir.replace("secret", b"two").unwrap();
        assert_eq!(mode(&dir.0), 0o700);
        assert_eq!(mode(&dir.path("secret")), 0o600);
        assert_eq!(dir.read("secret").unwrap().unwrap().as_slice(), b"two");
        assert!(dir.read("nothing").unwrap().is_none());
    }

    #[test]
    fn what_others_could_touch_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let dir = PrivateDir::open(home.path().join("ours")).unwrap();
        dir.replace("secret", b"one").unwrap();
        fs::set_permissions(dir.path("secret"), fs::Permissions::from_mode(0o644)).unwrap();
        let fault = dir.read("secret").unwrap_err();
        assert!(format!("{:#}", anyhow::Error::from(fault)).contains("chmod 600"));
        fs::set_permissions(&dir.0, fs::Permissions::from_mode(0o770)).unwrap();
        assert!(PrivateDir::open(&dir.0).is_err());
    }

    #[test]
    fn a_crash_before_the_rename_leaves_the_old_content() {
        let home = tempfile::tempdir().unwrap();
        let dir = PrivateDir::open(home.path().join("ours")).unwrap();
        dir.replace("secret", b"old").unwrap();
        fs::write(dir.path("secret.new"), b"ha").unwrap();
        assert_eq!(dir.read("secret").unwrap().unwrap().as_slice(), b"old");
        assert_eq!(dir.names().unwrap(), ["secret"]);
        dir.replace("secret", b"next").unwrap();
        assert_eq!(dir.read("secret").unwrap().unwrap().as_slice(), b"next");
        assert!(!dir.path("secret.new").exists());
    }
}

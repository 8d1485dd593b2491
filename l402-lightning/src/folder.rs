//! Folders of what must not be lost: private, and complete.
//!
//! 1. A folder is made with mode 0700 and a file with mode 0600, whatever the umask. What others can touch is refused.
//! 2. A folder that has been used has a [`Manifest`]: a list of the files that it must contain. If one of them is missing, it is
//!    not replaced in silence: the start stops, and the error says how to go on.
//!
//! ```text
//! l402 data folder, format 1
//! root.keys
//! ```

// Threats O2, S6.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The name of the manifest in its folder.
pub const MANIFEST: &str = "manifest";

/// Makes a folder where it does not exist, and the folders above it: with mode 0700, whatever the umask.
///
/// # Errors
/// Those of the file system.
pub fn make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() || folder.as_os_str().is_empty() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => fs::set_permissions(folder, Permissions::from_mode(0o700)),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()), // by another process
        Err(cause) => Err(cause),
    }
}

/// Tells whether [`make`] could make a folder, and leaves nothing behind: an empty folder is made where the first would be, and removed.
///
/// # Errors
/// Those of the file system.
pub fn try_make(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let is_there = |path: &&Path| path.as_os_str().is_empty() || path.symlink_metadata().is_ok();
    let probe = folder.ancestors().find(is_there).unwrap_or(folder).join(format!(".{}", draft_name()));
    DirBuilder::new().mode(0o700).create(&probe)?;
    fs::remove_dir(&probe)
}

/// Opens a file to read and write, and makes it with mode 0600, whatever the umask, where it does not exist.
///
/// # Errors
/// Those of the file system.
pub fn open(path: &Path) -> io::Result<File> {
    match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => file.set_permissions(Permissions::from_mode(0o600)).map(|()| file),
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
            OpenOptions::new().read(true).write(true).open(path)
        }
        Err(cause) => Err(cause),
    }
}

/// Refuses a folder that others than its owner can use, and one that holds a file of that kind. An empty one is closed instead. What
/// lies deeper is not looked at.
///
/// # Errors
/// [`FolderError::Exposed`] and [`FolderError::Io`].
pub fn guard(folder: &Path) -> Result<(), FolderError> {
    let at = |cause| FolderError::Io { path: folder.to_owned(), cause };
    if fs::read_dir(folder).map_err(at)?.next().is_none() {
        return fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(at);
    }
    refuse(folder, &fs::metadata(folder).map_err(at)?, 0o700)?;
    for entry in fs::read_dir(folder).map_err(at)? {
        let entry = entry.map_err(at)?;
        match entry.metadata() {
            Ok(about) if about.is_file() => refuse(&entry.path(), &about, 0o600)?,
            _ => {} // gone meanwhile, or nothing of the node's
        }
    }
    Ok(())
}

/// Refuses a file that others than its owner can use. One that does not exist is none.
///
/// # Errors
/// [`FolderError::Exposed`] and [`FolderError::Io`].
pub fn guard_file(path: &Path) -> Result<(), FolderError> {
    match fs::metadata(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(FolderError::Io { path: path.to_owned(), cause }),
        Ok(about) => refuse(path, &about, 0o600),
    }
}

fn refuse(path: &Path, about: &fs::Metadata, wanted: u32) -> Result<(), FolderError> {
    let mode = about.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(FolderError::Exposed { path: path.to_owned(), mode, wanted });
    }
    Ok(())
}

/// What a folder must contain.
#[derive(Debug, Clone)]
pub struct Manifest {
    folder: PathBuf,
    parts: BTreeSet<String>,
}

impl Manifest {
    /// Reads the manifest of a folder. A folder without one demands nothing.
    ///
    /// # Errors
    /// [`FolderError::Io`] and [`FolderError::Malformed`].
    pub fn read(folder: &Path) -> Result<Self, FolderError> {
        let path = folder.join(MANIFEST);
        let parts = match fs::read_to_string(&path) {
            Ok(text) => parts(&text).ok_or(FolderError::Malformed { path })?,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
            Err(cause) => return Err(FolderError::Io { path, cause }),
        };
        Ok(Self { folder: folder.to_owned(), parts })
    }

    /// Tells whether the folder must contain a part.
    pub fn demands(&self, part: &str) -> bool {
        self.parts.contains(part)
    }

    /// Stops where a part that must be there is missing, or is an empty file: no part is one once it was used. `loss` completes "if it is lost for good, …": it says what starting
    /// without it means.
    ///
    /// # Errors
    /// [`FolderError::Missing`].
    pub fn demand(&self, part: &str, path: &Path, loss: &'static str) -> Result<(), FolderError> {
        let is_there = fs::metadata(path).is_ok_and(|about| !about.is_file() || about.len() > 0);
        if is_there { Ok(()) } else { self.lost(part, path, loss) }
    }

    /// Stops where a part must be there: what was found is not it.
    ///
    /// # Errors
    /// [`FolderError::Missing`].
    pub fn lost(&self, part: &str, path: &Path, loss: &'static str) -> Result<(), FolderError> {
        if !self.demands(part) {
            return Ok(());
        }
        let manifest = self.folder.join(MANIFEST);
        Err(FolderError::Missing { path: path.to_owned(), part: part.to_owned(), manifest, loss })
    }

    /// Adds parts, durably: they exist by now. Blocks for the disk.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn add(&mut self, parts: &[&str]) -> Result<(), FolderError> {
        self.change(|all| all.extend(parts.iter().map(|&part| part.to_owned())))
    }

    /// Takes a part out, durably: from now on the folder is complete without it. Blocks for the disk.
    ///
    /// # Errors
    /// [`FolderError::Io`].
    pub fn release(&mut self, part: &str) -> Result<(), FolderError> {
        self.change(|all| {
            all.remove(part);
        })
    }

    fn change(&mut self, change: impl FnOnce(&mut BTreeSet<String>)) -> Result<(), FolderError> {
        let mut changed = self.parts.clone();
        change(&mut changed);
        if changed == self.parts {
            return Ok(());
        }
        self.write(&changed).map_err(|cause| FolderError::Io { path: self.folder.join(MANIFEST), cause })?;
        self.parts = changed;
        Ok(())
    }

    /// A reader sees the list of before or the new one, whole.
    fn write(&self, parts: &BTreeSet<String>) -> io::Result<()> {
        let draft = self.folder.join(draft_name());
        let mut file = open(&draft)?;
        writeln!(file, "{HEADER}")?;
        for part in parts {
            writeln!(file, "{part}")?;
        }
        file.sync_all()?;
        fs::rename(&draft, self.folder.join(MANIFEST))?;
        File::open(&self.folder)?.sync_all()
    }
}

/// Several may be writing at once: threads, processes, and containers in which processes have the same number.
fn draft_name() -> String {
    static DRAFTS: AtomicU64 = AtomicU64::new(0);
    let (process, draft) = (std::process::id(), DRAFTS.fetch_add(1, Ordering::Relaxed));
    let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
    format!("{MANIFEST}.{process}.{draft}.{now}")
}

fn parts(text: &str) -> Option<BTreeSet<String>> {
    let mut lines = text.lines().map(str::trim);
    let begins = lines.next()? == HEADER;
    begins.then(|| lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect())
}

/// A folder cannot be used as it is.
#[derive(Debug)]
#[non_exhaustive]
pub enum FolderError {
    /// It does not exist, and cannot be created.
    Create {
        /// The folder.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Something in it cannot be read or written.
    Io {
        /// What.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Others than its owner can use it, or a file in it.
    Exposed {
        /// The folder or the file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
        /// The mode that it should have.
        wanted: u32,
    },
    /// Its manifest is not one.
    Malformed {
        /// The manifest.
        path: PathBuf,
    },
    /// It has been used, and a part of it is missing.
    Missing {
        /// What is missing.
        path: PathBuf,
        /// Its name in the manifest.
        part: String,
        /// The manifest that names it.
        manifest: PathBuf,
        /// What it means to go on without it.
        loss: &'static str,
    },
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Create { path, .. } => write!(f, "cannot create {}", path.display()),
            Self::Io { path, .. } => write!(f, "cannot read or write {}", path.display()),
            Self::Exposed { path, mode, wanted } => {
                let path = path.display();
                write!(f, "other users can access {path} (mode {mode:o}); run chmod {wanted:o} {path}")
            }
            Self::Malformed { path } => write!(f, "{}: the first line is not {HEADER:?}", path.display()),
            Self::Missing { path, part, manifest, loss } => write!(
                f,
                "{} is missing{}, but it existed before. Restore it from a backup, or mount the right directory. \
                 If it is lost, {loss}. To accept that, remove the line {part:?} from {}",
                path.display(),
                if path.exists() { " its content" } else { "" },
                manifest.display()
            ),
        }
    }
}

impl core::error::Error for FolderError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Create { cause, .. } | Self::Io { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

const HEADER: &str = "l402 data folder, format 1";

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn o2_what_is_made_is_private_and_what_is_not_is_refused() {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(0o755)).unwrap();
        guard(home.path()).unwrap();
        assert_eq!(mode(home.path()), 0o700);
        let folder = home.path().join("a/b");
        make(&folder).unwrap();
        make(&folder).unwrap();
        drop(open(&folder.join("file")).unwrap());
        assert_eq!((mode(&home.path().join("a")), mode(&folder), mode(&folder.join("file"))), (0o700, 0o700, 0o600));
        guard(&folder).unwrap();

        fs::set_permissions(folder.join("file"), Permissions::from_mode(0o640)).unwrap();
        let said = guard(&folder).unwrap_err().to_string();
        assert!(said.contains("file (mode 640); run chmod 600 "), "{said}");
        assert_eq!(guard_file(&folder.join("file")).unwrap_err().to_string(), said);
        fs::set_permissions(folder.join("file"), Permissions::from_mode(0o600)).unwrap();
        guard_file(&folder.join("file")).and_then(|()| guard_file(&folder.join("none"))).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o710)).unwrap();
        assert!(matches!(guard(&folder), Err(FolderError::Exposed { mode: 0o710, .. })));
    }

    #[test]
    fn a_folder_that_could_be_made_is_not_made() {
        let home = tempfile::tempdir().unwrap();
        try_make(&home.path().join("a/b")).unwrap();
        try_make(home.path()).unwrap();
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        fs::write(home.path().join("file"), "").unwrap();
        for path in ["file", "file/a", "file/a/b"] {
            assert!(try_make(&home.path().join(path)).is_err(), "{path}");
        }
        assert!(try_make(Path::new("/proc/l402/data")).is_err(), "in a file system that makes none");
    }

    #[test]
    fn s6_a_listed_file_is_required_until_its_line_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let mut manifest = Manifest::read(home.path()).unwrap();
        let part = home.path().join("part");
        manifest.demand("part", &part, "nothing").unwrap();
        manifest.add(&["part", "other"]).unwrap();
        assert_eq!(mode(&home.path().join(MANIFEST)), 0o600);

        let manifest = Manifest::read(home.path()).unwrap();
        let said = manifest.demand("part", &part, "all is lost").unwrap_err().to_string();
        assert!(said.contains("part is missing") && said.contains("all is lost"), "{said}");
        assert!(said.contains("remove the line \"part\" from "), "{said}");
        fs::write(&part, "state").unwrap();
        manifest.demand("part", &part, "all is lost").unwrap();

        let text = fs::read_to_string(home.path().join(MANIFEST)).unwrap();
        fs::write(home.path().join(MANIFEST), text.replace("part\n", "")).unwrap();
        fs::remove_file(&part).unwrap();
        let mut manifest = Manifest::read(home.path()).unwrap();
        manifest.demand("part", &part, "all is lost").unwrap();
        assert!(manifest.demands("other"));
        manifest.release("other").unwrap();
        assert!(!Manifest::read(home.path()).unwrap().demands("other"));
    }

    #[test]
    fn s6_a_part_that_was_emptied_is_missing() {
        let home = tempfile::tempdir().unwrap();
        let part = home.path().join("part");
        fs::write(&part, "").unwrap();
        let mut manifest = Manifest::read(home.path()).unwrap();
        manifest.demand("part", &part, "it is lost").unwrap();
        manifest.add(&["part"]).unwrap();
        let fault = manifest.demand("part", &part, "it is lost").unwrap_err().to_string();
        assert!(fault.contains("part is missing its content, but it existed before"), "{fault}");
        fs::write(&part, "state").unwrap();
        manifest.demand("part", &part, "it is lost").unwrap();
    }

    #[test]
    fn many_may_write_a_manifest_at_once() {
        let home = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| Manifest::read(home.path()).unwrap().add(&["part"]).unwrap());
            }
        });
        assert!(Manifest::read(home.path()).unwrap().demands("part"));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(MANIFEST), "").unwrap();
        assert!(matches!(Manifest::read(home.path()), Err(FolderError::Malformed { .. })));
    }
}

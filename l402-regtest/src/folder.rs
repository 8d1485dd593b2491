//! Where a network keeps its files.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// The environment variable that keeps every temporary folder.
const KEEP: &str = "L402_KEEP";

pub(crate) enum Folder {
    Given(PathBuf),
    /// Removed on drop.
    Temporary(TempDir),
}

impl Folder {
    /// Takes the folder `dir`, or a temporary one whose name begins with `prefix`.
    pub(crate) fn open(dir: Option<PathBuf>, prefix: &str) -> io::Result<Self> {
        if let Some(dir) = dir {
            return l402_lightning::folder::make(&dir).map(|()| Self::Given(dir));
        }
        let mut folder = tempfile::Builder::new().prefix(prefix).tempdir()?;
        folder.disable_cleanup(std::env::var_os(KEEP).is_some());
        Ok(Self::Temporary(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Given(dir) => dir,
            Self::Temporary(dir) => dir.path(),
        }
    }

    /// Leaves everything where it is, and says where that is: `reason`.
    pub(crate) fn keep(&mut self, reason: &str) {
        if let Self::Temporary(dir) = self {
            dir.disable_cleanup(true);
        }
        eprintln!("{reason}: its files and logs are in {}", self.path().display());
    }
}

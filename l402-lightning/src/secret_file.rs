//! Files that hold a secret: readable by their owner only, and refused otherwise.

// Threat O2.

use crate::folder;
use core::fmt;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Reads a file if it is a regular one, belongs to this user, and no other user may read or write it.
///
/// # Errors
/// [`SecretFileError`] when it cannot be read, or is not kept as a secret has to be.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    let fault = |fault| SecretFileError { path: path.to_owned(), fault };
    let mut file = File::open(path).map_err(|cause| fault(Fault::Io(cause)))?;
    let about = file.metadata().map_err(|cause| fault(Fault::Io(cause)))?;
    if !about.is_file() || about.len() > MAX_LEN as u64 {
        return Err(fault(Fault::NotSecretFile));
    }
    if about.uid() != rustix::process::geteuid().as_raw() {
        return Err(fault(Fault::ForeignOwner));
    }
    if about.mode() & 0o077 != 0 {
        return Err(fault(Fault::Exposed { mode: about.mode() & 0o777 }));
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN)); // never grows: no copy is left behind
    (&mut file).take(MAX_LEN as u64).read_to_end(&mut bytes).map_err(|cause| fault(Fault::Io(cause)))?;
    Ok(bytes)
}

/// Writes a file that does not exist yet, durably.
///
/// # Errors
/// [`SecretFileError`] when it exists, or cannot be written.
pub fn create(path: &Path, bytes: &[u8]) -> Result<(), SecretFileError> {
    write_new(path, bytes).map_err(|cause| SecretFileError { path: path.to_owned(), fault: Fault::Io(cause) })
}

/// Writes a file in one step, durably: a reader sees the old one or the new one, whole. The new one has the owner of the old one.
///
/// # Errors
/// [`SecretFileError`] when it cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), SecretFileError> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = match fs::remove_file(&draft) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => Err(fault),
        _ => write_new(&draft, bytes).and_then(|()| take_place(&draft, path)),
    };
    if written.is_err() {
        let _ = fs::remove_file(&draft); // the error before says why
    }
    written.map_err(|cause| SecretFileError { path: path.to_owned(), fault: Fault::Io(cause) })
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        folder::make(parent)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?; // whatever the umask
    file.write_all(bytes)?;
    file.sync_all()?;
    sync_folder(path)
}

fn take_place(draft: &Path, path: &Path) -> io::Result<()> {
    if let Some(was) = fs::metadata(path).map(Some).or_else(missing)? {
        let is = fs::metadata(draft)?;
        if (was.uid(), was.gid()) != (is.uid(), is.gid()) {
            chown(draft, Some(was.uid()), Some(was.gid()))?;
        }
    }
    fs::rename(draft, path)?;
    sync_folder(path)
}

fn missing<T>(fault: io::Error) -> io::Result<Option<T>> {
    if fault.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(fault) }
}

/// A name is durable only when its directory is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// A file with a secret could not be read or written, or is not kept as a secret has to be.
#[derive(Debug)]
pub struct SecretFileError {
    path: PathBuf,
    fault: Fault,
}

impl SecretFileError {
    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether the file is simply not there.
    pub fn is_missing(&self) -> bool {
        matches!(&self.fault, Fault::Io(cause) if cause.kind() == io::ErrorKind::NotFound)
    }

    /// Says that what is in the file is not what belongs there.
    pub fn malformed(path: &Path) -> Self {
        Self { path: path.to_owned(), fault: Fault::NotSecretFile }
    }
}

impl fmt::Display for SecretFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.fault {
            Fault::Io(_) => write!(f, "cannot read or write {path}"),
            Fault::NotSecretFile => write!(f, "{path} is not the expected file"),
            Fault::ForeignOwner => write!(f, "{path} belongs to another user"),
            Fault::Exposed { mode } => write!(f, "other users can read {path} (mode {mode:o} instead of 600)"),
        }
    }
}

impl core::error::Error for SecretFileError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match &self.fault {
            Fault::Io(cause) => Some(cause),
            _ => None,
        }
    }
}

#[derive(Debug)]
enum Fault {
    Io(io::Error),
    NotSecretFile,
    ForeignOwner,
    Exposed { mode: u32 },
}

const MAX_LEN: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o2_a_secret_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        write_new(&path, b"secret").unwrap();
        assert_eq!(&**read(&path).unwrap(), b"secret");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);

        for mode in [0o604, 0o640, 0o660, 0o601] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert!(matches!(read(&path).unwrap_err().fault, Fault::Exposed { .. }), "{mode:o}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
        assert!(read(&path).is_ok());
    }

    #[test]
    fn a_secret_is_never_overwritten_by_creating_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper").join("secret");
        write_new(&path, b"first").unwrap();
        assert!(write_new(&path, b"second").is_err());
        assert_eq!(&**read(&path).unwrap(), b"first");
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path()).unwrap_err().fault, Fault::NotSecretFile));
        assert!(read(&folder.path().join("missing")).unwrap_err().is_missing());
    }
}

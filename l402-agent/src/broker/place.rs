//! Where the sockets are.
//!
//! 1. One broker serves a data folder: it holds a lock in it.
//! 2. A socket of another user, or a file of any other kind, is left as it is. So is a socket that somebody listens on.
//! 3. The folder of a socket is one that nobody else can write to: who replaces the socket is given the keys.
//! 4. At the end a socket is removed if it is still the one that was made.

use crate::store::private::{Lock, PrivateDir, PrivateError};
use core::fmt;
use l402_lightning::socket;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use tokio::net::UnixListener;

/// The folder of a broker in a data folder; its lock is held as long as this lives.
#[derive(Debug)]
pub struct Folder {
    folder: PrivateDir,
    _lock: Lock,
}

impl Folder {
    /// Takes the folder, which nobody else uses then.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn open(data: &PrivateDir) -> Result<Self, PlaceError> {
        let folder = data.folder(NAME).map_err(PlaceError::Folder)?;
        let lock = folder.try_lock("serve.lock").map_err(PlaceError::Folder)?;
        Ok(Self { folder, _lock: lock.ok_or(PlaceError::Served)? })
    }

    /// Returns where agents connect unless it is said.
    pub fn agents(&self) -> PathBuf {
        self.folder.path("agent.sock")
    }

    /// Returns where the owner connects.
    pub fn owner(&self) -> PathBuf {
        self.folder.path(OWNER)
    }

    /// Returns where the owner connects to the broker of a data folder, if one serves it.
    pub fn owner_of(data: &PrivateDir) -> PathBuf {
        data.path(NAME).join(OWNER)
    }
}

/// A socket that is listened on.
#[derive(Debug)]
pub struct Socket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    /// Which file it is: another broker may have taken the path since.
    file: (u64, u64),
}

impl Socket {
    /// Listens. `mode` is that of the socket's file: 0600 is for this user only, 0666 for all.
    ///
    /// # Errors
    /// [`PlaceError`].
    pub fn bind(path: impl Into<PathBuf>, mode: u32) -> Result<Self, PlaceError> {
        let path = path.into();
        let unbound = |cause| PlaceError::Bind { path: path.clone(), cause };
        is_ours_alone(&path).map_err(unbound)?;
        if let Ok(found) = fs::symlink_metadata(&path)
            && found.file_type().is_socket()
            && found.uid() != rustix::process::geteuid().as_raw()
        {
            return Err(unbound(io::Error::other("there is a socket of another user; choose another path")));
        }
        let listener = socket::listen(&path).map_err(unbound)?;
        let found = fs::symlink_metadata(&path).map_err(unbound)?;
        fs::set_permissions(&path, Permissions::from_mode(mode & 0o666)).map_err(unbound)?;
        let listener = UnixListener::from_std(listener).map_err(unbound)?;
        Ok(Self { listener, path, file: (found.dev(), found.ino()) })
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let is_same = fs::symlink_metadata(&self.path).is_ok_and(|found| (found.dev(), found.ino()) == self.file);
        if is_same {
            let _ = fs::remove_file(&self.path); // one that stays is replaced by the next broker
        }
    }
}

/// Looks whether nobody else can put another file in the place of this one.
pub(super) fn is_ours_alone(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if fs::metadata(parent)?.mode() & 0o022 == 0 {
        return Ok(());
    }
    let text = format!("other users can write to the directory {}; use one that only its owner can", parent.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}

/// Why there is no socket.
#[derive(Debug)]
#[non_exhaustive]
pub enum PlaceError {
    /// The folder cannot be used.
    Folder(PrivateError),
    /// Another broker serves it.
    Served,
    /// The socket cannot be made.
    Bind {
        /// Where.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(cause) => cause.fmt(f),
            Self::Served => f.write_str("another `l402 serve` runs with this data directory"),
            Self::Bind { path, cause } => match cause.kind() {
                io::ErrorKind::AddrInUse => write!(f, "another program listens on {}", path.display()),
                io::ErrorKind::AlreadyExists => write!(f, "{} exists, and is not a socket", path.display()),
                _ => write!(f, "cannot listen on {}", path.display()),
            },
        }
    }
}

impl core::error::Error for PlaceError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Folder(cause) => cause.source(),
            Self::Served => None,
            Self::Bind { cause, .. } => Some(cause),
        }
    }
}

const NAME: &str = "broker";
const OWNER: &str = "owner.sock";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_what_this_user_left_behind_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let (path, file) = (home.path().join("a.sock"), home.path().join("file"));
        let socket = Socket::bind(&path, 0o666).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o666);
        assert_eq!(
            Socket::bind(&path, 0o600).unwrap_err().to_string(),
            format!("another program listens on {}", path.display())
        );
        fs::write(&file, "keys").unwrap();
        assert!(Socket::bind(&file, 0o600).is_err());
        assert_eq!(fs::read(&file).unwrap(), b"keys");
        drop(socket);
        assert!(!path.exists());
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(Socket::bind(&path, 0o600).is_ok(), "it was left behind");
    }

    #[tokio::test]
    async fn a_socket_that_another_broker_has_made_since_stays() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.sock");
        let socket = Socket::bind(&path, 0o600).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "not ours").unwrap();
        drop(socket);
        assert!(path.exists());
    }

    #[tokio::test]
    async fn a_folder_that_others_can_write_to_is_refused() {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), Permissions::from_mode(0o777)).unwrap();
        let fault = Socket::bind(home.path().join("a.sock"), 0o600).unwrap_err();
        let text = format!("{:#}", anyhow::Error::from(fault));
        assert!(text.contains("other users can write to the directory"), "{text}");
    }

    #[test]
    fn one_broker_serves_a_folder() {
        let home = tempfile::tempdir().unwrap();
        let data = PrivateDir::open(home.path().join("data")).unwrap();
        let folder = Folder::open(&data).unwrap();
        assert!(matches!(Folder::open(&data), Err(PlaceError::Served)));
        assert_eq!(folder.owner(), Folder::owner_of(&data));
        drop(folder);
        assert!(Folder::open(&data).is_ok());
    }
}

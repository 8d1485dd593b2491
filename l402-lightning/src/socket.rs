//! Unix sockets that only this user may connect to.
//!
//! A socket that a process has left behind is replaced. One that is listened on is not, nor is a file of any other kind: its path stands
//! in the settings by mistake.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// Listens on a socket, which does not block.
///
/// # Errors
/// [`io::ErrorKind::AddrInUse`] where somebody listens on it, [`io::ErrorKind::AlreadyExists`] where something else is there, and why
/// it cannot be made.
///
/// ```
/// let folder = tempfile::tempdir()?;
/// let listener = l402_lightning::socket::listen(&folder.path().join("a.sock"))?;
/// assert!(l402_lightning::socket::listen(&folder.path().join("a.sock")).is_err());
/// # drop(listener);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    if UnixStream::connect(path).is_ok() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path)?,
        Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(cause),
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_that_was_left_behind_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (socket, file) = (folder.path().join("socket"), folder.path().join("file"));
        let listener = listen(&socket).unwrap();
        assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(listen(&socket).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        drop(listener);
        assert!(listen(&socket).is_ok());
        fs::write(&file, "keys").unwrap();
        assert_eq!(listen(&file).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&file).unwrap(), b"keys");
    }
}

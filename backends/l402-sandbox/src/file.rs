//! How a client finds the wallet: an address and a secret, in a file of its owner.

use core::fmt;
use core::net::SocketAddr;
use l402_lightning::secret_file::{self, SecretFileError};
use serde::{Deserialize, Serialize};
use std::env;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Returns where the wallet of this user is announced: `$L402_SANDBOX`, or `l402/sandbox.json` in the user's state directory;
/// `None` where the system has no such directory.
pub fn default_path() -> Option<PathBuf> {
    match env::var_os("L402_SANDBOX") {
        Some(path) if !path.is_empty() => Some(path.into()),
        _ => dirs::state_dir().or_else(dirs::data_local_dir).map(|state| state.join("l402").join("sandbox.json")),
    }
}

/// Where a wallet listens, and the secret that opens it. `Debug` does not show the secret.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SandboxFile {
    /// A loopback address.
    pub address: SocketAddr,
    /// The bearer secret: visible ASCII characters.
    pub secret: Zeroizing<String>,
}

impl SandboxFile {
    /// Reads a file that belongs to this user and that no other user can read.
    ///
    /// # Errors
    /// [`SandboxFileError`].
    pub fn read(path: &Path) -> Result<Self, SandboxFileError> {
        let bytes = secret_file::read(path).map_err(SandboxFileError::File)?;
        // The cause is left out: it may quote the secret.
        let file: Self = serde_json::from_slice(&bytes).map_err(|_| SandboxFileError::Malformed)?;
        file.checked()
    }

    /// Writes the file with mode 0600, in one step, over an earlier one.
    ///
    /// # Errors
    /// [`SandboxFileError`].
    pub fn write(&self, path: &Path) -> Result<(), SandboxFileError> {
        let file = self.clone().checked()?;
        let bytes = serde_json::to_vec_pretty(&file).map(Zeroizing::new).map_err(|_| SandboxFileError::Malformed)?;
        secret_file::replace(path, &bytes).map_err(SandboxFileError::File)
    }

    fn checked(self) -> Result<Self, SandboxFileError> {
        if !self.address.ip().is_loopback() {
            return Err(SandboxFileError::NotLoopback(self.address));
        }
        if self.secret.is_empty() || !self.secret.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SandboxFileError::Malformed);
        }
        Ok(self)
    }
}

impl fmt::Debug for SandboxFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxFile").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Why the announcement of a wallet cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum SandboxFileError {
    /// The file cannot be read or written, or is not kept as a secret.
    File(SecretFileError),
    /// It is not what a wallet writes.
    Malformed,
    /// It names an address that is not on this machine.
    NotLoopback(SocketAddr),
}

impl fmt::Display for SandboxFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(_) => f.write_str("the sandbox's wallet file cannot be used"),
            Self::Malformed => f.write_str("the sandbox's wallet file is malformed"),
            Self::NotLoopback(address) => write!(f, "the sandbox's wallet is not on this machine: {address}"),
        }
    }
}

impl core::error::Error for SandboxFileError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(cause) => Some(cause),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(address: &str, secret: &str) -> SandboxFile {
        SandboxFile { address: address.parse().unwrap(), secret: Zeroizing::new(secret.to_owned()) }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l402").join("sandbox.json");
        file("127.0.0.1:1", "older").write(&path).unwrap();
        file("[::1]:4711", "c0ffee").write(&path).unwrap();

        let read = SandboxFile::read(&path).unwrap();
        assert_eq!((read.address.port(), read.secret.as_str()), (4711, "c0ffee"));
        assert!(!format!("{read:?}").contains("c0ffee"));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn an_address_elsewhere_is_refused() {
        let path = Path::new("never-written");
        let fault = file("192.0.2.1:80", "c0ffee").write(path).unwrap_err();
        assert!(matches!(fault, SandboxFileError::NotLoopback(_)));
        assert!(matches!(file("127.0.0.1:1", "line\nbreak").write(path), Err(SandboxFileError::Malformed)));
    }
}

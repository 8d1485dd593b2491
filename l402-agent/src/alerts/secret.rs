//! The secret that alerts are signed with, in a file.

use core::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// A file that only its owner can read. Its content, without white space at the ends, is the secret: at least 16 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile(PathBuf);

impl SecretFile {
    /// Takes its path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`SecretError`].
    pub fn read(&self) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let unreadable = |cause| SecretError::Unreadable { path: self.0.clone(), cause };
        let mut file = File::open(&self.0).map_err(unreadable)?;
        if file.metadata().map_err(unreadable)?.mode() & 0o077 != 0 {
            return Err(SecretError::Exposed(self.0.clone()));
        }
        let mut text = Zeroizing::new(Vec::with_capacity(MAX_LEN));
        Read::by_ref(&mut file).take(MAX_LEN as u64).read_to_end(&mut text).map_err(unreadable)?;
        let secret = text.trim_ascii();
        if secret.len() < MIN_LEN {
            return Err(SecretError::Short(self.0.clone()));
        }
        Ok(Zeroizing::new(secret.to_vec()))
    }
}

/// A secret cannot be used. No alert is sent without it.
#[derive(Debug)]
#[non_exhaustive]
pub enum SecretError {
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Others can read or write it.
    Exposed(PathBuf),
    /// It is too short to be one.
    Short(PathBuf),
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, .. } => write!(f, "cannot read the secret {}", path.display()),
            Self::Exposed(path) => {
                write!(f, "other users can read or write the secret {}; run `chmod 600` on it", path.display())
            }
            Self::Short(path) => write!(f, "the secret {} has less than {MIN_LEN} bytes", path.display()),
        }
    }
}

impl core::error::Error for SecretError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreadable { cause, .. } => Some(cause),
            Self::Exposed(_) | Self::Short(_) => None,
        }
    }
}

const MIN_LEN: usize = 16;
const MAX_LEN: usize = 4_096;

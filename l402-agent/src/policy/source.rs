//! The policy file on the disk, read again when it has changed.
//!
//! 1. Only its owner can read and write it, and it belongs to the user that runs, or to root. Nobody else can put another file in its
//!    place.
//! 2. It is looked at whenever the policy is asked for, and read where anything about it has changed. One that cannot be used stops
//!    payments until it can; what was read before does not go on.
//! 3. A file that may be missing is no policy. One that was there and is gone stops payments until the program starts again.

use super::{Policy, Setting};
use core::fmt;
use l402_program::config::ConfigError;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A policy file that is watched.
///
/// ```
/// use l402_agent::policy::{PolicySource, Setting};
///
/// # let folder = tempfile::tempdir()?;
/// let source = PolicySource::optional(folder.path().join("policy.toml"), Setting::Command);
/// assert!(source.current()?.is_absent());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PolicySource {
    path: PathBuf,
    setting: Setting,
    may_be_missing: bool,
    last: Mutex<Option<(Stamp, Arc<Policy>)>>,
}

impl PolicySource {
    /// Takes a file that must be there.
    pub fn of(path: impl Into<PathBuf>, setting: Setting) -> Self {
        Self { path: path.into(), setting, may_be_missing: false, last: Mutex::default() }
    }

    /// Takes a file that may be missing.
    pub fn optional(path: impl Into<PathBuf>, setting: Setting) -> Self {
        Self { may_be_missing: true, ..Self::of(path, setting) }
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the policy as it is now.
    ///
    /// # Errors
    /// [`PolicyError`]; nothing must be requested or paid then.
    pub fn current(&self) -> Result<Arc<Policy>, PolicyError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match fs::metadata(&self.path) {
            Ok(found) => Stamp::of(&found),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return self.missing(last.is_some()),
            Err(cause) => return Err(PolicyError::Unreadable { path: self.path.clone(), cause }),
        };
        if let Some((_, policy)) = last.as_ref().filter(|(stamp, _)| *stamp == found) {
            return Ok(Arc::clone(policy));
        }
        let (stamp, policy) = self.read()?;
        let policy = Arc::new(policy);
        *last = Some((stamp, Arc::clone(&policy)));
        Ok(policy)
    }

    fn missing(&self, was_there: bool) -> Result<Arc<Policy>, PolicyError> {
        if self.may_be_missing && !was_there {
            return Ok(Arc::new(Policy::absent(self.setting)));
        }
        let path = self.path.clone();
        Err(if was_there { PolicyError::Gone { path } } else { PolicyError::Missing { path } })
    }

    fn read(&self) -> Result<(Stamp, Policy), PolicyError> {
        let unreadable = |cause| PolicyError::Unreadable { path: self.path.clone(), cause };
        let mut file = File::open(&self.path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if let Some(why) = self.exposed(&metadata).map_err(unreadable)? {
            return Err(PolicyError::Exposed { path: self.path.clone(), why });
        }
        let mut text = String::new();
        Read::by_ref(&mut file).take(MAX_LEN + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > MAX_LEN {
            return Err(unreadable(io::Error::new(io::ErrorKind::InvalidData, "the file is too long")));
        }
        let policy = Policy::read(&text, self.setting).map_err(|problems| {
            PolicyError::Invalid(ConfigError::Invalid { path: Some(self.path.clone()), problems })
        })?;
        Ok((Stamp::of(&metadata), policy))
    }

    /// Says how somebody else could read or change the file.
    fn exposed(&self, file: &Metadata) -> io::Result<Option<Exposure>> {
        if !file.is_file() {
            return Ok(Some(Exposure::NoFile));
        }
        if file.mode() & 0o077 != 0 {
            return Ok(Some(Exposure::Mode));
        }
        let folder = match self.path.canonicalize()?.parent() {
            Some(folder) => fs::metadata(folder)?,
            None => return Ok(Some(Exposure::NoFile)),
        };
        let is_ours = |uid: u32| uid == 0 || uid == rustix::process::geteuid().as_raw();
        if !is_ours(file.uid()) {
            return Ok(Some(Exposure::Owner));
        }
        let is_open = folder.mode() & 0o022 != 0 && folder.mode() & STICKY == 0;
        Ok((is_open || !is_ours(folder.uid())).then_some(Exposure::Folder))
    }
}

/// What changes when a file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp([i64; 8]);

impl Stamp {
    fn of(file: &Metadata) -> Self {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        Self([
            number(file.dev()),
            number(file.ino()),
            number(file.len()),
            i64::from(file.mode()),
            file.mtime(),
            file.mtime_nsec(),
            file.ctime(),
            file.ctime_nsec(),
        ])
    }
}

/// How somebody else could read or change a policy file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exposure {
    /// It is no regular file.
    NoFile,
    /// Others may read or write it.
    Mode,
    /// It belongs to another user.
    Owner,
    /// Others may put another file in its place.
    Folder,
}

/// A policy cannot be used. Nothing is requested or paid then.
#[derive(Debug)]
#[non_exhaustive]
pub enum PolicyError {
    /// There is no such file.
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file was there when the program started.
    Gone {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Somebody else could read or change it.
    Exposed {
        /// The file.
        path: PathBuf,
        /// How.
        why: Exposure,
    },
    /// Something in it is wrong.
    Invalid(ConfigError),
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { path } => write!(f, "the policy {} does not exist", path.display()),
            Self::Gone { path } => {
                write!(f, "the policy {} was there and is gone; put it back, or start again without it", path.display())
            }
            Self::Unreadable { path, .. } => write!(f, "cannot read the policy {}", path.display()),
            Self::Exposed { path, why } => {
                let path = path.display();
                match why {
                    Exposure::NoFile => write!(f, "the policy {path} is no regular file"),
                    Exposure::Mode => {
                        write!(f, "other users can read or write the policy {path}; run `chmod 600` on it")
                    }
                    Exposure::Owner => write!(f, "the policy {path} belongs to another user; run `chown` on it"),
                    Exposure::Folder => {
                        write!(
                            f,
                            "other users can replace the policy {path}; run `chmod go-w` on its directory, or move it"
                        )
                    }
                }
            }
            Self::Invalid(cause) => cause.fmt(f),
        }
    }
}

impl core::error::Error for PolicyError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreadable { cause, .. } => Some(cause),
            Self::Invalid(cause) => cause.source(),
            Self::Missing { .. } | Self::Gone { .. } | Self::Exposed { .. } => None,
        }
    }
}

/// No policy is longer.
const MAX_LEN: u64 = 1 << 20;

/// In such a directory, only the owner of a file can replace it.
const STICKY: u32 = 0o1000;

//! Removing what a sandbox has kept.

use core::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use l402_lightning::folder::MANIFEST;

use crate::chain::{Chain, OpenError};

/// Removes the chain and the nodes in a folder, if it is a sandbox's and no process uses it. Everything else in it stays.
pub(crate) fn remove(dir: &Path) -> Result<(), ResetError> {
    let chain = dir.join("chain");
    if !chain.join("blocks.dat").exists() && !dir.join(MANIFEST).exists() {
        return Err(ResetError::NoSandbox(dir.to_owned()));
    }
    let held = match Chain::open(&chain) {
        Err(OpenError::InUse) => return Err(ResetError::InUse(dir.to_owned())),
        held => held, // a chain that is damaged can be removed, too
    };
    // The chain last: while it is there, what is left can be removed with another attempt.
    for part in ["payer", "payee", "chain"] {
        present(fs::remove_dir_all(dir.join(part)))?;
    }
    present(fs::remove_file(dir.join(MANIFEST)))?;
    drop(held);
    Ok(())
}

fn present(removed: io::Result<()>) -> Result<(), ResetError> {
    match removed {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(ResetError::Io(cause)),
        _ => Ok(()),
    }
}

/// A sandbox was not removed.
#[derive(Debug)]
#[non_exhaustive]
pub enum ResetError {
    /// The folder holds none.
    NoSandbox(PathBuf),
    /// It runs.
    InUse(PathBuf),
    /// A part of it cannot be removed.
    Io(io::Error),
}

impl fmt::Display for ResetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSandbox(dir) => write!(f, "no sandbox in {}", dir.display()),
            Self::InUse(dir) => write!(f, "the sandbox in {} is running; stop it first", dir.display()),
            Self::Io(_) => f.write_str("cannot delete the sandbox"),
        }
    }
}

impl core::error::Error for ResetError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(cause) => Some(cause),
            _ => None,
        }
    }
}

//! Seals between gateways that share a key file, which may change while they run.
//!
//! The file is looked at again once a second at most, where something is sealed or an epoch is unknown. One that cannot be read is
//! logged, and the keys from before go on.

use crate::keys::{self, KeyFileError};
use core::time::Duration;
use l402_core::{Seal, SealError, SealKeys, Sealer};
use l402_program::Causes;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

/// Keys of one purpose, from a key file.
#[derive(Debug)]
pub struct Seals {
    folder: PathBuf,
    label: &'static str,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    keys: SealKeys,
    written: Option<SystemTime>,
    looked: Instant,
}

impl Seals {
    /// Derives the keys of a purpose from the key file in a folder, which must exist.
    ///
    /// # Errors
    /// [`KeyFileError`].
    ///
    /// ```
    /// use l402_core::Sealer as _;
    /// use l402_gateway::{Seals, keys};
    ///
    /// let folder = tempfile::tempdir()?;
    /// keys::open(folder.path())?;
    /// let seals = Seals::open(folder.path(), Seals::REPLICAS)?;
    /// assert!(seals.verify(b"text", &seals.seal(b"text")).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(folder: &Path, label: &'static str) -> Result<Self, KeyFileError> {
        let written = written(folder);
        let state = State { keys: keys::sealing(folder, label)?, written, looked: Instant::now() };
        Ok(Self { folder: folder.to_owned(), label, state: Mutex::new(state) })
    }

    /// The label of the keys with which settlements are sealed in a shared store.
    pub const SETTLEMENTS: &'static str = "l402 shared settlement v1";

    /// The label of the keys with which a gateway and its replicas know each other.
    pub const REPLICAS: &'static str = "l402 replica v1";

    fn fresh(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() >= AGAIN {
            state.looked = Instant::now();
            let written = written(&self.folder);
            if written != state.written {
                match keys::sealing(&self.folder, self.label) {
                    Ok(keys) => (state.keys, state.written) = (keys, written),
                    Err(fault) => {
                        tracing::error!(cause = %Causes(&fault), "cannot read the key file again; the keys from before are used");
                    }
                }
            }
        }
        state
    }
}

impl Sealer for Seals {
    fn seal(&self, text: &[u8]) -> Seal {
        self.fresh().keys.seal(text)
    }

    fn verify(&self, text: &[u8], seal: &Seal) -> Result<(), SealError> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = if state.keys.knows(seal.epoch()) {
            state
        } else {
            drop(state);
            self.fresh()
        };
        state.keys.verify(text, seal)
    }
}

fn written(folder: &Path) -> Option<SystemTime> {
    fs::metadata(folder.join(keys::FILE)).and_then(|found| found.modified()).ok()
}

const AGAIN: Duration = Duration::from_secs(1);

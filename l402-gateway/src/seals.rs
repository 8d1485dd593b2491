//! Seals between gateways that share a key file, which may change while they run.
//!
//! 1. The file is looked at again once a second at most, where something is sealed or an epoch is unknown. One that cannot be read is
//!    logged, and the keys from before go on.
//! 2. A new key seals when it mints, so that whoever shares the file has read it by then.

use crate::keys::{self, KeyFileError, Stamp};
use core::time::Duration;
use l402_core::{Seal, SealError, SealKeys, Sealer};
use l402_lightning::unix_now;
use l402_program::Causes;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

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
    stamp: Option<Stamp>,
    /// When another key seals.
    next: Option<u64>,
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
        let stamp = keys::stamp(folder);
        let (keys, next) = keys::sealing(folder, label, unix_now().get())?;
        let state = State { keys, stamp, next, looked: Instant::now() };
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
            let (now, stamp) = (unix_now().get(), keys::stamp(&self.folder));
            if stamp != state.stamp || state.next.is_some_and(|next| next <= now) {
                match keys::sealing(&self.folder, self.label, now) {
                    Ok((keys, next)) => (state.keys, state.next, state.stamp) = (keys, next, stamp),
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

const AGAIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    /// A gateway that has last looked a second ago.
    fn a_second_later(seals: &Seals) {
        seals.state.lock().expect("no panic").looked = Instant::now().checked_sub(AGAIN).expect("a second");
    }

    #[test]
    fn s4_a_new_key_verifies_when_it_is_published_and_seals_when_it_mints() {
        let (home, now) = (tempfile::tempdir().expect("a directory"), unix_now().get());
        keys::open(home.path()).expect("keys");
        let seals = Seals::open(home.path(), Seals::REPLICAS).expect("seals");
        keys::rotate(home.path(), Duration::ZERO, now).expect("rotated");
        a_second_later(&seals);
        assert_eq!(seals.seal(b"text").epoch(), 0, "others may not have read it yet");
        assert!(seals.state.lock().expect("no panic").next.is_some());

        let (ahead, next) = keys::sealing(home.path(), Seals::REPLICAS, now + 60).expect("keys");
        assert_eq!((ahead.seal(b"text").epoch(), next), (1, None));
        assert!(seals.verify(b"text", &ahead.seal(b"text")).is_ok());
        seals.state.lock().expect("no panic").next = Some(now);
        a_second_later(&seals);
        seals.seal(b"text");
        assert_ne!(seals.state.lock().expect("no panic").next, Some(now), "its time has come: the file is read again");
    }

    #[test]
    fn s4_an_epoch_that_is_unknown_reads_the_file_again() {
        let (home, now) = (tempfile::tempdir().expect("a directory"), unix_now().get());
        keys::open(home.path()).expect("keys");
        let seals = Seals::open(home.path(), Seals::REPLICAS).expect("seals");
        keys::rotate(home.path(), Duration::ZERO, now - 61).expect("rotated");
        let seal = Seals::open(home.path(), Seals::REPLICAS).expect("seals").seal(b"text");
        seals.state.lock().expect("no panic").looked = Instant::now();
        assert_eq!((seal.epoch(), seals.verify(b"text", &seal)), (1, Err(SealError::UnknownEpoch(1))));
        a_second_later(&seals);
        assert_eq!(seals.verify(b"text", &seal), Ok(()));
    }
}

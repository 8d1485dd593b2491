//! Root keys that follow the key file while the gateway runs.
//!
//! 1. All threads share one set of keys. To verify with them costs no lock.
//! 2. The file is looked at before a token is minted, and where a token names an epoch that is not known: once a second at most.
//! 3. A file that cannot be read changes nothing, nor does one with another key for a known epoch: what was sold is still served. It
//!    is told in the log, and `/ready` says so.
//! 4. Before a token is minted, its end is [noted](keys::sold_until) in the same folder. If that fails, it is told in the log, and tokens
//!    are sold all the same: what is lost is only what shorter terms would have to know of longer ones.
//! 5. Where the settings say `rotate_every`, whoever mints notices that it is time, and a thread of its own rotates.

use arc_swap::ArcSwap;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use l402_core::macaroon::RootKey;
use l402_core::{DerivedKeys, Identifier, RootKeySource, TokenId};
use l402_lightning::unix_now;
use l402_program::Causes;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use crate::keys::{self, KeyFileError, Stamp, Standing};
use crate::settings::Settings;

/// Keys of a file. Clones are the same keys.
#[derive(Debug, Clone)]
pub(crate) struct FreshKeys(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    longest_sale: Duration,
    rotate_every: Option<Duration>,
    keys: ArcSwap<DerivedKeys>,
    looked: Mutex<Looked>,
    /// What is wrong with the file.
    fault: Mutex<Option<&'static str>>,
    /// The latest end of a token, as it is noted.
    sold_until: AtomicU64,
    /// When noting it failed.
    failed: Mutex<Option<Instant>>,
}

/// What the last look has found.
#[derive(Debug)]
struct Looked {
    at: Instant,
    stamp: Option<Stamp>,
    /// When a key begins to mint.
    next: Option<u64>,
    /// When it is time to rotate.
    rotates_at: Option<u64>,
}

impl FreshKeys {
    /// Opens the key file of the settings, and makes it where it does not exist.
    ///
    /// # Errors
    /// [`KeyFileError`].
    pub(crate) fn open(settings: &Settings) -> Result<Self, KeyFileError> {
        let keys = keys::open(&settings.key_dir)?;
        let looked = Looked { at: Instant::now(), stamp: None, next: None, rotates_at: None };
        let shared = Shared {
            folder: settings.key_dir.clone(),
            longest_sale: settings.longest_sale(),
            rotate_every: settings.rotate_every,
            keys: ArcSwap::from_pointee(keys),
            looked: Mutex::new(looked),
            fault: Mutex::new(None), // it has just been read
            sold_until: AtomicU64::new(0),
            failed: Mutex::new(None),
        };
        let keys = Self(Arc::new(shared));
        keys.look_after(Duration::ZERO);
        keys.note_sold();
        Ok(keys)
    }

    /// What `/ready` looks at.
    pub(crate) fn standing(&self) -> Result<(), &'static str> {
        self.look_after(PAUSE);
        match keys::stamp(&self.0.folder) {
            None => Err("the key file is missing"),
            Some(_) => (*self.fault()).map_or(Ok(()), Err),
        }
    }

    fn fault(&self) -> MutexGuard<'_, Option<&'static str>> {
        self.0.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the epoch that signs new tokens.
    pub(crate) fn minting(&self) -> u32 {
        self.0.keys.load().token_id([0; 28]).epoch()
    }

    /// Notes when a token ends that is sold now. Whoever else is about to sell waits until it is written.
    fn note_sold(&self) {
        let end = unix_now().get().saturating_add(self.0.longest_sale.as_secs()).saturating_add(1);
        if self.0.longest_sale.is_zero() || self.0.sold_until.load(Ordering::Acquire) >= end {
            return;
        }
        let mut failed = self.0.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if self.0.sold_until.load(Ordering::Acquire) >= end || failed.is_some_and(|at| at.elapsed() < AGAIN) {
            return;
        }
        match keys::note_sold(&self.0.folder, end) {
            Ok(until) => {
                self.0.sold_until.store(until, Ordering::Release);
                *failed = None;
            }
            Err(fault) => {
                *failed = Some(Instant::now());
                tracing::warn!(
                    cause = %Causes(&fault),
                    "cannot note until when tokens are sold: before you shorten valid_for, wait with revocations and rotations until \
                     those that were sold have ended"
                );
            }
        }
    }

    /// Looks at the file, unless somebody has just done so.
    #[cold]
    fn look_after(&self, pause: Duration) {
        let Ok(mut looked) = self.0.looked.try_lock() else { return };
        if looked.at.elapsed() < pause {
            return;
        }
        looked.at = Instant::now();
        let (now, stamp) = (unix_now().get(), keys::stamp(&self.0.folder));
        let is_due = looked.next.is_some_and(|next| next <= now);
        if stamp.is_some() && (stamp != looked.stamp || is_due) {
            match self.read(now, stamp) {
                Ok(found) => {
                    *looked = found;
                    *self.fault() = None;
                }
                Err(fault) => {
                    *self.fault() = Some(fault.told());
                    tracing::error!(cause = %Causes(&fault), "cannot read the key file again; the keys from before are used");
                }
            }
        }
        if looked.rotates_at.is_some_and(|at| at <= now) {
            looked.rotates_at = Some(now.saturating_add(AGAIN.as_secs())); // unless the file changes
            self.rotate(now);
        }
    }

    fn read(&self, now: u64, stamp: Option<Stamp>) -> Result<Looked, KeyFileError> {
        let keys = keys::read_again(&self.0.folder, now, &self.0.keys.load())?;
        self.0.keys.store(Arc::new(keys));
        let mut found = Looked { at: Instant::now(), stamp, next: None, rotates_at: None };
        for epoch in keys::epochs(&self.0.folder, now)? {
            match epoch.standing {
                Standing::Next { mints_at } => found.next = Some(mints_at),
                Standing::Mints { since } if found.next.is_none() => {
                    let written = || stamp?.0.duration_since(SystemTime::UNIX_EPOCH).ok().map(|at| at.as_secs());
                    let since = since.or_else(written);
                    found.rotates_at =
                        since.zip(self.0.rotate_every).map(|(since, every)| since.saturating_add(every.as_secs()));
                }
                Standing::Mints { .. } | Standing::Retired { .. } => {}
            }
        }
        tracing::info!(epoch = self.minting(), "read the key file");
        Ok(found)
    }

    /// Rotates beside the requests: writing takes as long as the disk does.
    fn rotate(&self, now: u64) {
        let (folder, longest_sale) = (self.0.folder.clone(), self.0.longest_sale);
        let rotation = move || match keys::rotate(&folder, longest_sale, now) {
            Ok(_) => tracing::info!("published a new key; it signs tokens in a minute"),
            Err(fault) => tracing::warn!(cause = %Causes(&fault), "cannot rotate the keys; trying again later"),
        };
        if let Err(fault) = std::thread::Builder::new().name("rotate".to_owned()).spawn(rotation) {
            tracing::warn!(%fault, "cannot rotate the keys; trying again later");
        }
    }
}

impl RootKeySource for FreshKeys {
    #[inline]
    fn root_key(&self, identifier: &Identifier) -> Option<RootKey> {
        let found = self.0.keys.load().root_key(identifier);
        if found.is_some() {
            return found;
        }
        self.look_after(PAUSE);
        self.0.keys.load().root_key(identifier)
    }

    fn token_id(&self, random: [u8; 28]) -> TokenId {
        self.look_after(PAUSE);
        self.note_sold();
        self.0.keys.load().token_id(random)
    }
}

/// How long a look at the file holds.
const PAUSE: Duration = Duration::from_secs(1);

/// When what failed is tried again: a rotation, or the note of an end.
const AGAIN: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;
    use l402_core::PaymentHash;
    use std::fs;
    use std::path::Path;

    fn open(folder: &Path, rotate_every: Option<Duration>) -> FreshKeys {
        FreshKeys::open(&Settings { key_dir: folder.to_owned(), rotate_every, ..settings() }).expect("keys")
    }

    fn a_second_later(keys: &FreshKeys) {
        keys.0.looked.lock().expect("no panic").at = Instant::now().checked_sub(PAUSE).expect("a second");
    }

    fn knows(keys: &FreshKeys, epoch: u32) -> bool {
        keys.root_key(&Identifier::new(PaymentHash::from_bytes([1; 32]), TokenId::new(epoch, [0; 28]))).is_some()
    }

    #[test]
    fn s4_an_unknown_epoch_reads_the_file_again_once_a_second() {
        let home = tempfile::tempdir().expect("a directory");
        let keys = open(home.path(), None);
        assert!(knows(&keys, 0) && !knows(&keys, 1));
        keys::rotate(home.path(), Duration::ZERO, unix_now().get() - 61).expect("rotated");
        keys.0.looked.lock().expect("no panic").at = Instant::now();
        assert!(!knows(&keys, 1), "somebody has just looked");
        assert_eq!(keys.token_id([0; 28]).epoch(), 0);
        a_second_later(&keys);
        assert!(knows(&keys, 1) && knows(&keys, 0));
        assert_eq!(keys.token_id([0; 28]).epoch(), 1, "the retired one never mints");
    }

    #[test]
    fn s4_who_mints_reads_the_file_again_also_when_the_time_of_its_new_key_has_come() {
        let (home, now) = (tempfile::tempdir().expect("a directory"), unix_now().get());
        let keys = open(home.path(), None);
        let next = || keys.0.looked.lock().expect("no panic").next;
        keys::rotate(home.path(), Duration::ZERO, now).expect("rotated");
        a_second_later(&keys);
        assert_eq!((keys.token_id([0; 28]).epoch(), next()), (0, Some(now + 60)));
        keys.0.looked.lock().expect("no panic").next = Some(now);
        a_second_later(&keys);
        keys.token_id([0; 28]);
        assert_eq!(next(), Some(now + 60), "the file is the same, and was read again");
    }

    #[test]
    fn s6_a_file_that_is_gone_or_damaged_changes_nothing() {
        let home = tempfile::tempdir().expect("a directory");
        let keys = open(home.path(), None);
        let (file, whole) = (home.path().join(keys::FILE), home.path().join("whole"));
        fs::copy(&file, &whole).expect("copied");
        assert_eq!(keys.standing(), Ok(()));
        fs::write(&file, "l402 root keys, format 2\n").expect("damaged");
        a_second_later(&keys);
        assert_eq!((keys.standing(), knows(&keys, 0)), (Err("the key file cannot be read"), true));
        fs::remove_file(&file).expect("removed");
        a_second_later(&keys);
        assert_eq!((keys.standing(), knows(&keys, 0)), (Err("the key file is missing"), true));
        fs::rename(&whole, &file).expect("moved back");
        a_second_later(&keys);
        assert_eq!(keys.standing(), Ok(()));
    }

    #[test]
    fn s4_another_key_under_a_known_epoch_is_not_taken() {
        let home = tempfile::tempdir().expect("a directory");
        let keys = open(home.path(), None);
        let known = || keys.0.keys.load_full();
        let file = home.path().join(keys::FILE);
        let (before, whole) = (known(), fs::read_to_string(&file).expect("read"));
        fs::write(&file, format!("l402 root keys, format 1\n0 {}\n1 {}\n", "7a".repeat(32), "7b".repeat(32)))
            .expect("written");
        a_second_later(&keys);
        assert_eq!(keys.standing(), Err("the key file has another key for a known epoch"));
        assert_eq!((known().conflict(&before), knows(&keys, 1)), (None, false));
        fs::write(&file, format!("{}1 {}\n", whole, "7b".repeat(32))).expect("written");
        a_second_later(&keys);
        assert_eq!((keys.standing(), knows(&keys, 1)), (Ok(()), true), "a new key under an epoch of its own");
    }

    #[test]
    fn s1_who_mints_notes_when_the_token_ends_and_shorter_terms_do_not_take_it_back() {
        let home = tempfile::tempdir().expect("a directory");
        let now = unix_now().get();
        let keys = open(home.path(), None);
        let sale = settings().longest_sale().as_secs();
        let noted = || keys::sold_until(home.path()).expect("read");
        assert!(noted() > now + sale && noted() <= unix_now().get() + sale + 1 + keys::AHEAD.as_secs());
        // Some time later.
        fs::write(home.path().join("sold.until"), format!("{}\n", now + sale - 1)).expect("written");
        keys.0.sold_until.store(now + sale - 1, Ordering::Relaxed);
        keys.token_id([0; 28]);
        let before = noted();
        assert!(before > now + sale, "it was noted before the token was minted");

        let services = vec![];
        let shorter =
            Settings { key_dir: home.path().to_owned(), ..Settings::new(home.path(), services).expect("settings") };
        assert!(shorter.longest_sale().as_secs() < sale);
        FreshKeys::open(&shorter).expect("keys");
        assert_eq!(noted(), before);
    }

    #[test]
    fn s1_a_folder_that_cannot_be_written_sells_all_the_same() {
        let home = tempfile::tempdir().expect("a directory");
        let keys = open(home.path(), None);
        fs::write(home.path().join("sold.until"), "damaged").expect("written");
        keys.0.sold_until.store(0, Ordering::Relaxed);
        assert_eq!(keys.token_id([0; 28]).epoch(), 0);
        assert!(keys.0.failed.lock().expect("no panic").is_some(), "it was told");
    }

    #[test]
    fn s4_the_time_to_rotate_is_noticed() {
        let home = tempfile::tempdir().expect("a directory");
        let keys = open(home.path(), Some(Duration::from_hours(1)));
        let rotates_at = || keys.0.looked.lock().expect("no panic").rotates_at.expect("a time");
        assert!(rotates_at() > unix_now().get(), "it is an hour old then");
        keys.0.looked.lock().expect("no panic").rotates_at = Some(0);
        keys.look_after(Duration::ZERO);
        while keys::epochs(home.path(), 0).expect("epochs").len() < 2 {
            std::thread::yield_now();
        }
        assert!(rotates_at() > unix_now().get(), "and not every second");
    }
}

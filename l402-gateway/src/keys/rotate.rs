//! Rotation: a new key is published, mints a minute later, and the one before verifies until its last sale has ended.
//!
//! 1. The new epoch stands in the file for [`PUBLISHED_FOR`] before it mints: until then every gateway that shares the file has read it.
//! 2. The one before is written off at once: its last token is minted just before the new one mints, and lasts for the longest sale, or
//!    until the latest end that was [sold](super::sold_until) before. It is taken out of the file by a later rotation, when that time
//!    is over.
//! 3. The file is replaced as a whole, with its owner and mode 0600. Of two rotations at once the second finds what the first has done.

use super::{FILE, Fault, HEADER_2, KeyFileError, Line, lines, text};
use core::fmt::Write as _;
use core::time::Duration;
use l402_core::ledger::SKEW;
use l402_core::macaroon::hex;
use l402_core::{DerivedKeys, MasterKey};
use l402_lightning::secret_file;
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

/// How long a new epoch is in the file before it mints.
pub const PUBLISHED_FOR: Duration = Duration::from_mins(1);

/// An epoch of a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    /// Its number.
    pub epoch: u32,
    /// What its key does.
    pub standing: Standing,
}

/// What a key does. Times are in Unix seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is going to mint.
    Next {
        /// From when on.
        mints_at: u64,
    },
    /// It mints and verifies.
    Mints {
        /// Since when, where the file says it.
        since: Option<u64>,
    },
    /// It only verifies.
    Retired {
        /// Until when, where the file says it.
        until: Option<u64>,
    },
}

/// Returns the epochs of the key file in a folder, the newest first.
///
/// # Errors
/// [`KeyFileError`].
pub fn epochs(folder: &Path, now: u64) -> Result<Vec<Epoch>, KeyFileError> {
    let path = folder.join(FILE);
    let read = existing(&path).map_err(|fault| KeyFileError { path: path.clone(), fault })?;
    Ok(standing(&read, now))
}

fn standing(lines: &[Line], now: u64) -> Vec<Epoch> {
    let minting = super::minting(lines, now).map(|line| line.epoch);
    let told = lines.iter().rev().map(|line| {
        let standing = match line.mints_at {
            Some(mints_at) if mints_at > now => Standing::Next { mints_at },
            since if Some(line.epoch) == minting => Standing::Mints { since },
            _ => Standing::Retired { until: line.until },
        };
        Epoch { epoch: line.epoch, standing }
    });
    told.collect()
}

/// Publishes a new epoch. Returns the epochs, the newest first.
///
/// # Errors
/// [`KeyFileError`]: also where one is published and does not mint yet, or there are too many that still verify.
///
/// ```
/// use l402_gateway::keys::{self, Standing};
/// use std::time::Duration;
///
/// let folder = tempfile::tempdir()?;
/// keys::open(folder.path())?;
/// let (now, longest_sale) = (1_800_000_000, Duration::from_secs(3_600));
/// let [next, first] = keys::rotate(folder.path(), longest_sale, now)?[..] else { panic!("two epochs") };
/// assert_eq!(next.standing, Standing::Next { mints_at: now + 60 });
/// assert_eq!(first.standing, Standing::Mints { since: None });
/// assert!(keys::rotate(folder.path(), longest_sale, now + 59).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn rotate(folder: &Path, longest_sale: Duration, now: u64) -> Result<Vec<Epoch>, KeyFileError> {
    let path = folder.join(FILE);
    let rotated = replace(folder, &path, longest_sale, now);
    rotated.map_err(|fault| KeyFileError { path, fault })
}

fn replace(folder: &Path, path: &Path, longest_sale: Duration, now: u64) -> Result<Vec<Epoch>, Fault> {
    super::prepare(folder)?;
    let _lock = super::lock(folder).map_err(Fault::Io)?;
    let mut lines = existing(path)?;
    lines.retain(|line| line.until.is_none_or(|until| until > now));
    let last = lines.last_mut().ok_or(Fault::Empty)?;
    if let Some(mints_at) = last.mints_at.filter(|mints_at| *mints_at > now) {
        return Err(Fault::Pending(mints_at));
    }
    let mints_at = now.saturating_add(PUBLISHED_FOR.as_secs());
    // Another gateway may go on selling on its own terms until the new epoch mints.
    let sold = super::sold::read(&folder.join(super::sold::FILE))?.saturating_add(PUBLISHED_FOR.as_secs());
    let until = mints_at.saturating_add(longest_sale.as_secs()).max(sold).saturating_add(SKEW.as_secs());
    last.until = Some(last.until.unwrap_or_default().max(until));
    let epoch = last.epoch.checked_add(1).ok_or(Fault::Last)?;
    if lines.len() > DerivedKeys::MAX_RETIRED {
        return Err(Fault::Full(lines.iter().filter_map(|line| line.until).min()));
    }
    let mut bytes = Zeroizing::new([0; 32]);
    getrandom::fill(bytes.as_mut()).map_err(|cause| Fault::Io(io::Error::other(cause)))?;
    lines.push(Line { epoch, key: MasterKey::from_bytes(*bytes), mints_at: Some(mints_at), until: None });
    secret_file::replace(path, print(&lines).as_bytes()).map_err(Fault::Replace)?;
    Ok(standing(&lines, now))
}

fn existing(path: &Path) -> Result<Vec<Line>, Fault> {
    let text = text(path)?.ok_or_else(|| Fault::Io(io::ErrorKind::NotFound.into()))?;
    lines(&text)
}

fn print(lines: &[Line]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(super::MAX_LEN));
    let _ = writeln!(text, "{HEADER_2}"); // a string takes everything
    for line in lines {
        let mut digits = Zeroizing::new([0; 64]);
        let digits = hex::encode_into(line.key.expose(), digits.as_mut()).unwrap_or_default();
        let _ = write!(text, "{} {digits}", line.epoch);
        for (name, time) in [("mints", line.mints_at), ("until", line.until)] {
            if let Some(time) = time {
                let _ = write!(text, " {name}={time}");
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::{open, read_at};
    use super::*;
    use std::fs;
    use std::os::unix::fs::MetadataExt as _;

    const NOW: u64 = 1_800_000_000;
    const SALE: Duration = Duration::from_hours(1);

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a directory");
        open(folder.path()).expect("made");
        folder
    }

    fn minting(folder: &Path, now: u64) -> u32 {
        read_at(folder, now).expect("keys").token_id([0; 28]).epoch()
    }

    fn known(folder: &Path, now: u64) -> Vec<u32> {
        use l402_core::{Identifier, PaymentHash, RootKeySource, TokenId};
        let keys = read_at(folder, now).expect("keys");
        let is_known = |epoch: &u32| {
            let id = Identifier::new(PaymentHash::from_bytes([1; 32]), TokenId::new(*epoch, [0; 28]));
            keys.root_key(&id).is_some()
        };
        (0..12).filter(is_known).collect()
    }

    #[test]
    fn s4_a_new_epoch_is_published_first_and_mints_a_minute_later() {
        let folder = folder();
        rotate(folder.path(), SALE, NOW).expect("rotated");
        assert_eq!((minting(folder.path(), NOW + 59), minting(folder.path(), NOW + 60)), (0, 1));
        assert_eq!(known(folder.path(), NOW), [0, 1], "it verifies before it mints");
        let mode = fs::metadata(folder.path().join(FILE)).expect("metadata").mode() & 0o777;
        assert_eq!(mode, 0o600);
        let files = fs::read_dir(folder.path()).expect("a directory").count();
        assert_eq!(files, 3, "keys, manifest and lock; nothing unfinished");
    }

    #[test]
    fn s4_a_retired_epoch_verifies_until_its_last_sale_has_ended_and_never_mints() {
        let folder = folder();
        rotate(folder.path(), SALE, NOW).expect("rotated");
        let over = NOW + 60 + SALE.as_secs() + SKEW.as_secs();
        assert_eq!(known(folder.path(), over - 1), [0, 1]);
        assert_eq!(known(folder.path(), over), [1]);
        assert_eq!(minting(folder.path(), over - 1), 1);
        rotate(folder.path(), SALE, over).expect("rotated");
        let told = epochs(folder.path(), over).expect("epochs");
        assert_eq!(told.iter().map(|epoch| epoch.epoch).collect::<Vec<_>>(), [2, 1], "what is over is forgotten");
    }

    #[test]
    fn s4_a_key_verifies_what_was_sold_before_the_terms_became_shorter() {
        let folder = folder();
        let month = NOW + 30 * 86_400;
        let end = super::super::note_sold(folder.path(), month).expect("noted");
        rotate(folder.path(), SALE, NOW).expect("rotated");
        let over = end + PUBLISHED_FOR.as_secs() + SKEW.as_secs();
        assert_eq!((known(folder.path(), over - 1), known(folder.path(), over)), (vec![0, 1], vec![1]));
        assert!(over > month);
    }

    #[test]
    fn s4_as_many_rotations_as_there_is_room_for_and_no_more() {
        let folder = folder();
        for number in 0..7 {
            rotate(folder.path(), Duration::from_hours(24), NOW + number * 100).expect("rotated");
        }
        assert_eq!(known(folder.path(), NOW + 700), [0, 1, 2, 3, 4, 5, 6, 7]);
        let before = fs::read(folder.path().join(FILE)).expect("read");
        let full = rotate(folder.path(), Duration::from_hours(24), NOW + 700).expect_err("full");
        assert!(full.to_string().contains("verify"), "{full}");
        assert_eq!(fs::read(folder.path().join(FILE)).expect("read"), before);
    }

    #[test]
    fn s4_of_rotations_at_once_one_publishes() {
        let folder = folder();
        let done = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| rotate(folder.path(), SALE, NOW).is_ok())).collect();
            threads.into_iter().map(|thread| thread.join().expect("joined")).filter(|done| *done).count()
        });
        assert_eq!((done, known(folder.path(), NOW)), (1, vec![0, 1]));
    }

    #[test]
    fn s6_a_rotation_makes_no_key_file() {
        let folder = tempfile::tempdir().expect("a directory");
        assert!(rotate(folder.path(), SALE, NOW).is_err());
        assert!(!folder.path().join(FILE).exists());
    }
}

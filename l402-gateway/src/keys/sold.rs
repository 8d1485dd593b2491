//! The latest end of a token that was sold, in a file beside the keys: shorter terms do not cut off what was sold under longer ones.
//!
//! 1. Before a token is minted, the file says an end that is no earlier than that of the token. It is written [`AHEAD`], so that this is
//!    seldom.
//! 2. It never goes back, also if the clock does. Gateways that share the key file share it, and a lock keeps one from undoing what
//!    another has written.
//! 3. A key that is retired, and a revocation of a payment whose end nobody knows, last until then.

use super::{Fault, KeyFileError, lock};
use core::time::Duration;
use l402_lightning::secret_file;
use std::fs;
use std::io;
use std::path::Path;

/// How much later an end is written than it need be.
pub const AHEAD: Duration = Duration::from_mins(10);

/// Returns the latest end of a token that was sold with the keys in a folder, in Unix seconds; 0 where none was.
///
/// # Errors
/// [`KeyFileError`] where the file cannot be read.
///
/// ```
/// use l402_gateway::keys;
///
/// let folder = tempfile::tempdir()?;
/// assert_eq!(keys::sold_until(folder.path())?, 0);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub fn sold_until(folder: &Path) -> Result<u64, KeyFileError> {
    let path = folder.join(FILE);
    read(&path).map_err(|fault| KeyFileError { path, fault })
}

/// Notes that tokens are sold which end as late as this. Returns the end that the file says; it is written only if it is earlier.
pub(crate) fn note(folder: &Path, end: u64) -> Result<u64, KeyFileError> {
    let path = folder.join(FILE);
    raise(folder, &path, end).map_err(|fault| KeyFileError { path, fault })
}

fn raise(folder: &Path, path: &Path, end: u64) -> Result<u64, Fault> {
    let known = read(path)?;
    if known >= end {
        return Ok(known);
    }
    let _lock = lock(folder).map_err(Fault::Io)?;
    let known = read(path)?;
    if known >= end {
        return Ok(known);
    }
    let end = end.saturating_add(AHEAD.as_secs());
    secret_file::replace(path, format!("{end}\n").as_bytes()).map_err(Fault::Replace)?;
    Ok(end)
}

pub(super) fn read(path: &Path) -> Result<u64, Fault> {
    match fs::read_to_string(path) {
        Ok(text) => text.trim().parse().map_err(|_| Fault::Sold),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(cause) => Err(Fault::Io(cause)),
    }
}

/// The name of the file in the folder of the keys.
pub(super) const FILE: &str = "sold.until";

#[cfg(test)]
mod tests {
    use super::*;

    const END: u64 = 1_800_003_600;

    #[test]
    fn s1_the_end_is_written_ahead_and_never_goes_back() {
        let folder = tempfile::tempdir().expect("a directory");
        let ahead = END + AHEAD.as_secs();
        assert_eq!(note(folder.path(), END).expect("noted"), ahead);
        for earlier in [END, END - 3_000, ahead] {
            assert_eq!(note(folder.path(), earlier).expect("known"), ahead, "{earlier}");
        }
        assert_eq!(note(folder.path(), ahead + 1).expect("noted"), ahead + 1 + AHEAD.as_secs());
        assert_eq!(sold_until(folder.path()).expect("read"), ahead + 1 + AHEAD.as_secs());
    }

    #[test]
    fn s1_gateways_that_share_the_folder_keep_the_latest() {
        let folder = tempfile::tempdir().expect("a directory");
        std::thread::scope(|scope| {
            for number in 0..8 {
                let folder = folder.path();
                scope.spawn(move || note(folder, END + number * 1_000).expect("noted"));
            }
        });
        assert!(sold_until(folder.path()).expect("read") >= END + 7_000);
    }

    #[test]
    fn a_file_that_says_no_time_is_an_error() {
        let folder = tempfile::tempdir().expect("a directory");
        fs::write(folder.path().join(FILE), "soon").expect("written");
        assert!(sold_until(folder.path()).expect_err("no time").to_string().contains("sold.until"));
        assert!(note(folder.path(), END).is_err(), "it is not replaced");
    }
}

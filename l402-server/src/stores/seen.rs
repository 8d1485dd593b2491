//! Which ledger a shared store had at the first start, in a file of the data directory, and in one beside the keys.
//!
//! 1. In a store that was emptied a new ledger begins by itself, in which every token that was sold is unused (threat S6). The file in
//!    the data directory says so.
//! 2. Gateways that share their keys serve each other's tokens, so that they must count in one ledger: each of two would serve every
//!    use. The file beside the keys says so. Where those cannot be written, it is left out.

use l402_ledger::{StoreError, StoreErrorKind};
use l402_lightning::folder;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::config::LedgerTable;

/// The files.
pub(super) struct Seen {
    own: PathBuf,
    shared: Option<PathBuf>,
}

impl Seen {
    /// The files of a gateway, whose own has this name; [`None`] where it is not known where its data are.
    pub(super) fn of(table: &LedgerTable, name: &str) -> Option<Self> {
        let shared = table.key_dir.as_ref().map(|keys| keys.join(SHARED));
        Some(Self { own: table.data_dir.as_ref()?.join(name), shared })
    }

    /// Stops where this is not the ledger of the last start, or not that of other gateways with the same keys.
    pub(super) fn compare(&self, created: u64) -> Result<(), StoreError> {
        let is_same = is_same(&self.own, created)?;
        let is_shared = self.shared.as_deref().map_or(Ok(true), |shared| is_same_shared(shared, created))?;
        let shared = || self.shared.as_deref().unwrap_or(&self.own).display();
        let why = match (is_same, is_shared) {
            (true, true) => return Ok(()),
            (false, true) => format!("restore that one, or delete {} to accept {LOSS}", self.own.display()),
            (false, false) => {
                format!("restore that one, or delete {} and {} to accept {LOSS}", self.own.display(), shared())
            }
            (true, false) => format!(
                "gateways with these keys count in another one, and each of the two would serve every use: set the same [ledger] for \
                 all of them, or delete {} to accept {LOSS}",
                shared()
            ),
        };
        Err(StoreError::with_source(StoreErrorKind::Another, why))
    }

    /// Notes at the first start which ledger this is.
    pub(super) fn note(&self, created: u64) -> Result<(), StoreError> {
        if !self.own.parent().is_some_and(Path::is_dir) {
            return Ok(()); // a command before the first start
        }
        write(&self.own, created).map_err(failed)?;
        let Some(shared) = self.shared.as_ref().filter(|shared| shared.parent().is_some_and(Path::is_dir)) else {
            return Ok(());
        };
        match write(shared, created) {
            Err(cause) if !is_read_only(&cause) => Err(failed(cause)),
            _ => self.compare(created), // another gateway may have been faster
        }
    }
}

fn is_same(seen: &Path, created: u64) -> Result<bool, StoreError> {
    match fs::read_to_string(seen) {
        Ok(text) => Ok(text.trim() == created.to_string()),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(true), // the first start
        Err(cause) => Err(failed(cause)),
    }
}

/// Who may not read the keys is told so when they are opened.
fn is_same_shared(seen: &Path, created: u64) -> Result<bool, StoreError> {
    if fs::metadata(seen).is_err_and(|cause| is_read_only(&cause)) { Ok(true) } else { is_same(seen, created) }
}

/// Writes a file that is not there yet: all of it, or nothing.
fn write(seen: &Path, created: u64) -> io::Result<()> {
    if seen.exists() {
        return Ok(());
    }
    let draft = seen.with_extension(format!("{:016x}.new", getrandom::u64().map_err(io::Error::other)?));
    let written = folder::open(&draft).and_then(|mut file| {
        writeln!(file, "{created}")?;
        file.sync_all()
    });
    let linked = written.and_then(|()| match fs::hard_link(&draft, seen) {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => Err(cause),
        _ => Ok(()),
    });
    let removed = fs::remove_file(&draft);
    linked.and(removed)
}

fn is_read_only(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

/// The name of the file beside the keys.
const SHARED: &str = "ledger.seen";

const LOSS: &str = "that used tokens can be used again";

fn failed(cause: io::Error) -> StoreError {
    StoreError::with_source(StoreErrorKind::Failed, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(data: &Path, keys: &Path) -> Seen {
        Seen { own: data.join("seen-ledger"), shared: Some(keys.join(SHARED)) }
    }

    #[test]
    fn s6_a_ledger_that_began_anew_stops_the_start() {
        let home = tempfile::tempdir().expect("a directory");
        let (own, keys) = (home.path().join("seen-ledger"), home.path().join("keys"));
        let seen = seen(home.path(), &keys);
        seen.compare(7).expect("a look");
        seen.compare(6).expect("a look notes nothing");
        assert!(!own.exists());
        fs::create_dir(&keys).expect("a directory");
        seen.note(7).expect("noted");
        seen.compare(7).expect("the same");
        assert_eq!(fs::read_dir(&keys).expect("a folder").count(), 1, "no draft stays");
        let fault = seen.compare(8).expect_err("another");
        assert_eq!(fault.kind(), StoreErrorKind::Another);
        let why = core::error::Error::source(&fault).expect("a reason").to_string();
        assert!(why.contains("seen-ledger and ") && why.contains(SHARED), "{why}");
        fs::remove_file(&own).expect("removed");
        fs::remove_file(keys.join(SHARED)).expect("removed");
        seen.compare(8).expect("accepted");
        let before = Seen { own: home.path().join("none/seen-ledger"), shared: None };
        before.compare(9).expect("a look before the first start");
        before.note(9).expect("a command before the first start");
    }

    #[test]
    fn s3_gateways_with_the_same_keys_count_in_one_ledger() {
        let [one, other, keys] = [(); 3].map(|()| tempfile::tempdir().expect("a directory"));
        seen(one.path(), keys.path()).note(7).expect("noted");
        seen(other.path(), keys.path()).note(7).expect("the same ledger");
        fs::remove_file(other.path().join("seen-ledger")).expect("removed");
        let other = seen(other.path(), keys.path());
        for fault in [other.compare(8), other.note(8)] {
            let fault = fault.expect_err("another ledger");
            assert_eq!(fault.kind(), StoreErrorKind::Another);
            let why = core::error::Error::source(&fault).expect("a reason").to_string();
            assert!(why.contains("the same [ledger] for all of them") && why.contains(SHARED), "{why}");
        }
        fs::remove_file(keys.path().join(SHARED)).expect("removed");
        other.note(8).expect("accepted");
    }
}

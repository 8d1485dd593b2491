//! Which ledger a shared store had at the first start, in a file of the data directory.

use l402_ledger::{StoreError, StoreErrorKind};
use l402_lightning::folder;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Stops where this is not the ledger of the last start: in a store that was emptied a new one begins by itself, in which every token
/// that was sold is unused (threat S6).
pub(super) fn compare(seen: &Path, created: u64) -> Result<(), StoreError> {
    match fs::read_to_string(seen) {
        Ok(text) if text.trim() == created.to_string() => Ok(()),
        Ok(_) => {
            let why =
                format!("restore that one, or delete {} to accept that used tokens can be used again", seen.display());
            Err(StoreError::with_source(StoreErrorKind::Another, why))
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()), // the first start
        Err(cause) => Err(failed(cause)),
    }
}

/// Notes at the first start which ledger this is.
pub(super) fn note(seen: &Path, created: u64) -> Result<(), StoreError> {
    if seen.exists() || !seen.parent().is_some_and(Path::is_dir) {
        return Ok(()); // a command before the first start
    }
    folder::open(seen).and_then(|mut file| writeln!(file, "{created}")).map_err(failed)
}

fn failed(cause: io::Error) -> StoreError {
    StoreError::with_source(StoreErrorKind::Failed, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s6_a_ledger_that_began_anew_stops_the_start() {
        let home = tempfile::tempdir().expect("a directory");
        let seen = home.path().join("seen-ledger");
        compare(&seen, 7).expect("a look");
        compare(&seen, 6).expect("a look notes nothing");
        note(&seen, 7).expect("noted");
        compare(&seen, 7).expect("the same");
        let fault = compare(&seen, 8).expect_err("another");
        assert_eq!(fault.kind(), StoreErrorKind::Another);
        fs::remove_file(&seen).expect("removed");
        compare(&seen, 8).expect("accepted");
        compare(&home.path().join("none/seen-ledger"), 9).expect("a look before the first start");
    }
}

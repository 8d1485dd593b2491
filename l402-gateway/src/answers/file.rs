//! One file: written whole, read whole, and a count that changes in its place.

use l402_core::UnixSeconds;
use l402_http::service::kept::Sealed;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

/// What a file begins with.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) until: UnixSeconds,
    pub(super) given: u8,
    /// Bytes of the whole file.
    pub(super) size: u64,
}

/// Writes a file beside its place, and moves it there. Returns its size.
pub(super) fn write(path: &Path, sealed: &Sealed) -> io::Result<u64> {
    let unfinished = path.with_extension(UNFINISHED);
    let written = write_new(&unfinished, sealed).and_then(|size| fs::rename(&unfinished, path).map(|()| size));
    if written.is_err() {
        remove(&unfinished);
    }
    written
}

fn write_new(path: &Path, sealed: &Sealed) -> io::Result<u64> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    let mut bytes = Vec::with_capacity(HEAD.saturating_add(sealed.bytes.len()));
    bytes.extend(MAGIC);
    bytes.extend(sealed.until.get().to_be_bytes());
    bytes.push(0);
    bytes.extend(&sealed.bytes);
    file.write_all(&bytes)?;
    Ok(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
}

/// Reads a file; [`None`] where it is no answer.
pub(super) fn read(path: &Path) -> io::Result<Option<Sealed>> {
    let bytes = fs::read(path)?;
    let Some((head, sealed)) = bytes.split_first_chunk() else { return Ok(None) };
    Ok(parse(head).map(|(until, _)| Sealed { until, bytes: sealed.to_vec() }))
}

/// Reads how a file begins; [`None`] where it is no answer.
pub(super) fn look(path: &Path) -> io::Result<Option<Head>> {
    let mut file = File::open(path)?;
    let (mut head, size) = ([0; HEAD], file.metadata()?.len());
    if file.read_exact(&mut head).is_err() {
        return Ok(None);
    }
    Ok(parse(&head).map(|(until, given)| Head { until, given, size }))
}

/// Writes how often an answer was given; false where that fails.
pub(super) fn count(path: &Path, given: u8) -> bool {
    let counted = OpenOptions::new().write(true).open(path).and_then(|file| {
        file.write_all_at(&[given], COUNT)?;
        file.sync_data()
    });
    counted.is_ok()
}

/// Deletes a file. One that stays is deleted at the next start.
pub(super) fn remove(path: &Path) {
    let _ = fs::remove_file(path); // it may be gone
}

fn parse(head: &[u8; HEAD]) -> Option<(UnixSeconds, u8)> {
    let (until, [given]) = head.strip_prefix(MAGIC)?.split_first_chunk()? else { return None };
    Some((u64::from_be_bytes(*until).into(), *given))
}

const MAGIC: &[u8; 14] = b"l402 answer 1\n";
const HEAD: usize = MAGIC.len() + 8 + 1;
const COUNT: u64 = HEAD as u64 - 1;

/// The ending of a file that is not whole yet.
const UNFINISHED: &str = "new";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s4_a_file_is_read_as_it_was_written_and_its_count_changes_in_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        let sealed = Sealed { until: 5.into(), bytes: b"sealed".to_vec() };
        assert_eq!(write(&path, &sealed).expect("written"), 29);
        assert_eq!(read(&path).expect("read"), Some(sealed.clone()));
        assert!(count(&path, 2));
        let head = look(&path).expect("read").expect("an answer");
        assert_eq!((head.until, head.given, head.size), (5.into(), 2, 29));
        assert_eq!(read(&path).expect("read"), Some(sealed));
        fs::write(&path, b"l402 answer 2\n000000000").expect("written");
        assert!(look(&path).expect("read").is_none() && read(&path).expect("read").is_none());
        assert!(!count(&folder.path().join("b"), 1), "there is none");
    }
}

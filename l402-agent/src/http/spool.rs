//! A body that can be read only once, such as standard input or a pipe, kept so that it can be sent again.
//!
//! 1. What is short stays in memory. What is longer goes to a file without a name, which only this process can open, and which is gone
//!    with it.
//! 2. It has a limit: a body without an end fills no disk.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

/// A body that was read to its end.
#[derive(Debug)]
pub(super) enum Spooled {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file without a name, from its beginning.
    File(File),
}

/// Reads a body to its end.
///
/// # Errors
/// Where it cannot be read or kept, or is longer than `MAX_BODY`.
pub(super) fn read(input: &mut dyn Read) -> io::Result<Spooled> {
    read_at_most(input, IN_MEMORY, MAX_BODY)
}

fn read_at_most(input: &mut dyn Read, in_memory: u64, max: u64) -> io::Result<Spooled> {
    let mut start = Vec::new();
    (&mut *input).take(in_memory).read_to_end(&mut start)?;
    if (start.len() as u64) < in_memory {
        return Ok(Spooled::Bytes(start));
    }
    let mut file = unnamed()?;
    file.write_all(&start)?;
    let room = max.saturating_sub(in_memory);
    let rest = io::copy(&mut (&mut *input).take(room.saturating_add(1)), &mut file)?;
    if rest > room {
        let limit = max >> 20;
        let why = format!("it is longer than {limit} MiB; save it to a file first");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
    }
    file.rewind()?;
    Ok(Spooled::File(file))
}

/// A file that has no name, and that no other user can open.
fn unnamed() -> io::Result<File> {
    let file = tempfile::tempfile()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// What takes more memory than this goes to a file.
const IN_MEMORY: u64 = 1 << 20;

/// The longest body that is kept, in bytes.
const MAX_BODY: u64 = 1 << 30;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_is_kept_in_a_file() {
        for (length, is_file) in [(0, false), (9, false), (10, true), (100, true)] {
            let bytes: Vec<u8> = (0..length).collect();
            let read = match read_at_most(&mut &bytes[..], 10, 100).unwrap() {
                Spooled::Bytes(read) if !is_file => read,
                Spooled::File(mut file) if is_file => {
                    let mut read = Vec::new();
                    file.read_to_end(&mut read).unwrap();
                    read
                }
                other => panic!("{length}: {other:?}"),
            };
            assert_eq!(read, bytes);
        }
    }

    #[test]
    fn what_has_no_end_is_refused() {
        let fault = read_at_most(&mut io::repeat(1), 10, 1 << 20).unwrap_err();
        assert_eq!(fault.to_string(), "it is longer than 1 MiB; save it to a file first");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn nobody_else_can_open_the_file() {
        use std::os::unix::fs::MetadataExt;
        let file = unnamed().unwrap().metadata().unwrap();
        assert_eq!((file.mode() & 0o777, file.nlink()), (0o600, 0));
    }
}

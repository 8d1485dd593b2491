//! Where the body goes.
//!
//! 1. The file that `-o` names is opened before the first request, so that nothing is paid for a body that cannot be written.
//! 2. What was in it stays until there is a body to put in its place. A file that was made for nothing is removed.

use super::draft::remote_name;
use super::resume::Resume;
use crate::cli::OutputArgs;
use crate::exit::{Exit, Failure, OrExit};
use core::fmt;
use http::Uri;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Where the body goes, and where the heads go.
#[derive(Debug)]
pub struct Files {
    /// The file of the body; standard output without one.
    pub body: Option<OutputFile>,
    /// The file that `-D` names.
    pub heads_file: Option<HeadsFile>,
    /// Whether `-D` names standard output.
    pub heads_to_out: bool,
    /// What is known of an earlier part of the file of the body.
    pub(super) resume: Option<Resume>,
}

impl Files {
    /// Opens what the options name. With `-O`, the file has the name that ends the URL.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn open(args: &OutputArgs, uri: &Uri) -> Result<Self, Failure> {
        let path = match &args.output {
            None if args.remote_name => {
                let name = remote_name(uri);
                let name =
                    name.ok_or_else(|| Failure::say(Exit::Usage, "-O needs a URL that ends with a file name"))?;
                Some(PathBuf::from(name))
            }
            path => path.clone(),
        };
        let body = path.as_deref().map(OutputFile::open).transpose().or_exit(Exit::Local)?.flatten();
        let resume = resume(args, body.as_ref(), uri)?;
        let heads = args.dump_header.as_deref();
        let heads_to_out = heads.is_some_and(|path| path.as_os_str() == "-");
        let heads_file = heads.filter(|_| !heads_to_out).map(OutputFile::open).transpose().or_exit(Exit::Local)?;
        Ok(Self { body, heads_file: heads_file.flatten().map(HeadsFile), heads_to_out, resume })
    }
}

/// Only a file can be continued, and no pipe.
fn resume(args: &OutputArgs, body: Option<&OutputFile>, uri: &Uri) -> Result<Option<Resume>, Failure> {
    let len = body.and_then(OutputFile::len);
    match (body, len) {
        (Some(file), Some(len)) => Resume::open(&file.path, len, uri, args.continue_at.is_some()).map(Some),
        _ if args.continue_at.is_some() => Err(Failure::say(Exit::Usage, "-C needs a file: -o FILE or -O")),
        _ => Ok(None),
    }
}

/// The file that `-D` names.
#[derive(Debug)]
pub struct HeadsFile(OutputFile);

impl HeadsFile {
    /// Writes the heads, in place of what was in the file.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn write_all(&mut self, heads: &[u8]) -> Result<(), OutputError> {
        let written = self.0.take().and_then(|mut file| file.write_all(heads));
        written.map_err(|cause| self.0.error(cause))
    }
}

/// The file that `-o` names.
#[derive(Debug)]
pub struct OutputFile {
    path: PathBuf,
    file: Option<File>,
    is_new: bool,
}

impl OutputFile {
    /// Opens the file; [`None`] for `-`, which is standard output.
    ///
    /// # Errors
    /// [`OutputError`], which names the file.
    pub fn open(path: &Path) -> Result<Option<Self>, OutputError> {
        if path.as_os_str() == "-" {
            return Ok(None);
        }
        let made = OpenOptions::new().write(true).create_new(true).open(path);
        let (opened, is_new) = match made {
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {
                (OpenOptions::new().write(true).create(true).truncate(false).open(path), false)
            }
            made => (made, true),
        };
        let file = opened.map_err(|cause| OutputError { path: path.to_owned(), cause })?;
        Ok(Some(Self { path: path.to_owned(), file: Some(file), is_new }))
    }

    /// Returns the file, empty, for a body to be written to.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn emptied(&mut self) -> Result<tokio::fs::File, OutputError> {
        self.take().map(tokio::fs::File::from_std).map_err(|cause| self.error(cause))
    }

    /// Returns the file, for the rest of a body to be written to.
    ///
    /// # Errors
    /// [`OutputError`].
    pub(super) fn continued(&mut self) -> Result<tokio::fs::File, OutputError> {
        let opened = self.file.take().ok_or_else(|| io::ErrorKind::NotFound.into());
        let sought = opened.and_then(|mut file| file.seek(SeekFrom::End(0)).map(|_| file));
        sought.map(tokio::fs::File::from_std).map_err(|cause| self.error(cause))
    }

    /// Returns how many bytes are in it; [`None`] where it is no file.
    fn len(&self) -> Option<u64> {
        let found = self.file.as_ref()?.metadata().ok()?;
        found.is_file().then_some(found.len())
    }

    fn take(&mut self) -> io::Result<File> {
        let file = self.file.take().ok_or(io::ErrorKind::NotFound)?;
        if file.metadata()?.is_file() {
            file.set_len(0)?; // what is no file, such as a pipe, has no length
        }
        Ok(file)
    }

    /// Names the file that could not be written.
    pub fn error(&self, cause: io::Error) -> OutputError {
        OutputError { path: self.path.clone(), cause }
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if self.is_new && self.file.is_some() {
            let _ = std::fs::remove_file(&self.path); // an empty file is no harm
        }
    }
}

/// The file that `-o` names cannot be written.
#[derive(Debug)]
pub struct OutputError {
    path: PathBuf,
    cause: io::Error,
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write {}", self.path.display())
    }
}

impl core::error::Error for OutputError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&self.cause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_stays_until_something_else_comes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("body");
        drop(OutputFile::open(&path).unwrap().unwrap());
        assert!(!path.exists(), "made for nothing");
        std::fs::write(&path, "old").unwrap();
        drop(OutputFile::open(&path).unwrap().unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        OutputFile::open(&path).unwrap().unwrap().emptied().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let fault = OutputFile::open(Path::new("/does/not/exist")).unwrap_err();
        assert_eq!(fault.to_string(), "cannot write /does/not/exist");
        assert!(OutputFile::open(Path::new("-")).unwrap().is_none());
    }

    #[test]
    fn what_is_no_file_is_written_to_as_it_is() {
        let mut null = OutputFile::open(Path::new("/dev/null")).unwrap().unwrap();
        assert!(null.emptied().is_ok());
        drop(null);
        assert!(Path::new("/dev/null").exists());
    }
}

//! The body of a request: from the command line, from standard input, straight from a file, or joined of those.
//!
//! 1. A file is opened once and read anew for each sending, a piece at a time: however long it is, little of it is in memory.
//! 2. It must stay what it was when it was opened. What changed meanwhile is an error, before anything is paid where that can be, for
//!    the server would get another body than the one that it named a price for.

use super::spool::{self, Spooled};
use bytes::Bytes;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use http_body::{Body, Frame, SizeHint};
use l402_http::pay::Replay;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// What is sent as the body, as often as it must be.
#[derive(Debug, Clone)]
pub enum Payload {
    /// These bytes, all of them in memory.
    Bytes(Bytes),
    /// What a file holds.
    File(Arc<PayloadFile>),
    /// One after another.
    Joined(Arc<[Self]>),
}

impl Payload {
    /// Opens a file. Only a regular file can be read twice; anything else, such as a pipe, is read to its end now, and kept
    /// in a file without a name where it is long.
    ///
    /// # Errors
    /// [`PayloadError::Unreadable`].
    pub fn from_path(path: &Path) -> Result<Self, PayloadError> {
        let opened = File::open(path).and_then(|mut file| {
            if file.metadata()?.is_file() { Self::from_open(path, file) } else { Self::kept(spool::read(&mut file)?) }
        });
        opened.map_err(|cause| PayloadError::Unreadable { path: path.to_owned(), cause })
    }

    /// Reads something to its end, and keeps it as [`from_path`](Self::from_path) does. `name` is for errors.
    ///
    /// # Errors
    /// [`PayloadError::Unreadable`].
    pub fn from_reader(name: impl Into<PathBuf>, mut input: impl Read) -> Result<Self, PayloadError> {
        spool::read(&mut input)
            .and_then(Self::kept)
            .map_err(|cause| PayloadError::Unreadable { path: name.into(), cause })
    }

    /// Tells whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.body().is_end_stream()
    }

    /// Joins bodies, one after another.
    pub fn join(parts: Vec<Self>) -> Self {
        match <[Self; 1]>::try_from(parts) {
            Ok([single]) => single,
            Err(parts) => Self::Joined(parts.into()),
        }
    }

    fn kept(spooled: Spooled) -> io::Result<Self> {
        match spooled {
            Spooled::Bytes(bytes) => Ok(bytes.into()),
            Spooled::File(file) => Self::from_open("the body", file),
        }
    }

    fn from_open(path: impl Into<PathBuf>, file: File) -> io::Result<Self> {
        let state = State::of(&file.metadata()?);
        Ok(Self::File(Arc::new(PayloadFile { path: path.into(), file, state })))
    }

    fn is_same(&self) -> Result<(), PayloadError> {
        match self {
            Self::Bytes(_) => Ok(()),
            Self::File(source) => source.is_same(),
            Self::Joined(parts) => parts.iter().try_for_each(Self::is_same),
        }
    }

    /// Returns the body, from its beginning.
    pub fn body(&self) -> PayloadBody {
        match self {
            Self::Bytes(bytes) => PayloadBody::Bytes(bytes.clone()),
            Self::File(source) => PayloadBody::File { source: Arc::clone(source), offset: 0, reading: None },
            Self::Joined(parts) => PayloadBody::Joined(parts.iter().map(Self::body).collect()),
        }
    }

    /// Returns the SHA-256 of the body; [`None`] where it is a file that is too long to be read for that, or is not what it was.
    pub fn digest(&self) -> Option<[u8; 32]> {
        let in_files = self.body().size_hint().exact().filter(|_| !matches!(self, Self::Bytes(_))).unwrap_or_default();
        let mut sha256 = Sha256::new();
        (in_files <= MAX_DIGESTED).then(|| self.add_to(&mut sha256)).flatten()?;
        Some(sha256.finalize().into())
    }

    fn add_to(&self, sha256: &mut Sha256) -> Option<()> {
        match self {
            Self::Bytes(bytes) => sha256.update(bytes),
            Self::File(source) => source.digest(sha256)?,
            Self::Joined(parts) => parts.iter().try_for_each(|part| part.add_to(sha256))?,
        }
        Some(())
    }

    /// Returns what makes the body once more.
    pub fn replay(&self) -> Replay<PayloadBody> {
        let payload = self.clone();
        Replay::new(move || {
            payload.is_same()?;
            Ok(payload.body())
        })
    }
}

impl From<()> for Payload {
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::Bytes(text.into())
    }
}

impl From<&'static str> for Payload {
    fn from(text: &'static str) -> Self {
        Self::Bytes(Bytes::from_static(text.as_bytes()))
    }
}

impl Default for Payload {
    fn default() -> Self {
        Self::Bytes(Bytes::new())
    }
}

/// A file that is sent.
#[derive(Debug)]
pub struct PayloadFile {
    path: PathBuf,
    file: File,
    state: State,
}

impl PayloadFile {
    fn is_same(&self) -> Result<(), PayloadError> {
        let metadata = self.file.metadata().map_err(|cause| self.unreadable(cause))?;
        if State::of(&metadata) == self.state { Ok(()) } else { Err(self.changed()) }
    }

    /// Reads the piece at an offset, which is empty at the end.
    fn read(&self, offset: u64) -> Result<Bytes, PayloadError> {
        let left = self.state.length.saturating_sub(offset);
        let mut piece = vec![0; usize::try_from(left).unwrap_or(PIECE).min(PIECE)];
        self.file.read_exact_at(&mut piece, offset).map_err(|cause| match cause.kind() {
            io::ErrorKind::UnexpectedEof => self.changed(),
            _ => self.unreadable(cause),
        })?;
        self.is_same()?;
        Ok(piece.into())
    }

    fn digest(&self, sha256: &mut Sha256) -> Option<()> {
        let mut offset = 0;
        while offset < self.state.length {
            let piece = self.read(offset).ok()?;
            sha256.update(&piece);
            offset = offset.saturating_add(piece.len() as u64);
        }
        Some(())
    }

    fn unreadable(&self, cause: io::Error) -> PayloadError {
        PayloadError::Unreadable { path: self.path.clone(), cause }
    }

    fn changed(&self) -> PayloadError {
        PayloadError::Changed { path: self.path.clone() }
    }
}

/// What tells whether somebody has written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    length: u64,
    modified: (i64, i64),
}

impl State {
    fn of(metadata: &Metadata) -> Self {
        // The time of the last change of the inode says less: it moves when the file gets another name, or none.
        Self { length: metadata.len(), modified: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}

/// A body on its way.
#[derive(Debug)]
pub enum PayloadBody {
    /// Bytes in memory, a piece at a time.
    Bytes(Bytes),
    /// A file, a piece at a time.
    File {
        /// The file.
        source: Arc<PayloadFile>,
        /// Where the next piece begins.
        offset: u64,
        /// The piece that is being read.
        reading: Option<JoinHandle<Result<Bytes, PayloadError>>>,
    },
    /// Those that are left.
    Joined(VecDeque<Self>),
}

impl Body for PayloadBody {
    type Data = Bytes;
    type Error = PayloadError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, PayloadError>>> {
        if self.is_end_stream() {
            return Poll::Ready(None);
        }
        match self.get_mut() {
            Self::Bytes(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes.split_to(bytes.len().min(PIECE)))))),
            Self::File { source, offset, reading } => {
                let task = reading.get_or_insert_with(|| {
                    let (source, offset) = (Arc::clone(source), *offset);
                    tokio::task::spawn_blocking(move || source.read(offset))
                });
                let read = ready!(Pin::new(task).poll(cx));
                *reading = None;
                let piece = read.unwrap_or_else(|stopped| Err(source.unreadable(io::Error::other(stopped))));
                Poll::Ready(Some(piece.map(|piece| {
                    *offset = offset.saturating_add(piece.len() as u64);
                    Frame::data(piece)
                })))
            }
            Self::Joined(parts) => {
                while parts.front().is_some_and(Self::is_end_stream) {
                    parts.pop_front();
                }
                parts.front_mut().map_or(Poll::Ready(None), |part| Pin::new(part).poll_frame(cx))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { source, offset, .. } => source.state.length.saturating_sub(*offset),
            Self::Joined(parts) => {
                let left = parts.iter().filter_map(|part| part.size_hint().exact());
                left.fold(0, u64::saturating_add)
            }
        })
    }
}

/// Why a body cannot be sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum PayloadError {
    /// It cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file is not any more what it was at the beginning.
    Changed {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, .. } => write!(f, "cannot read {}", path.display()),
            Self::Changed { path } => write!(f, "{} changed while the command ran", path.display()),
        }
    }
}

impl core::error::Error for PayloadError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreadable { cause, .. } => Some(cause),
            Self::Changed { .. } => None,
        }
    }
}

/// The longest file that is read for its digest: it takes a moment.
const MAX_DIGESTED: u64 = 64 * 1024 * 1024;

/// How much of a body is handed over at a time.
pub const PIECE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use std::io::Write;

    fn file(content: &[u8]) -> (tempfile::NamedTempFile, Payload) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let payload = Payload::from_path(file.path()).unwrap();
        (file, payload)
    }

    #[tokio::test]
    async fn a_file_is_sent_piece_by_piece_as_often_as_it_must_be() {
        let content: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let (_file, payload) = file(&content);
        for _ in 0..2 {
            let (mut body, mut read) = (payload.replay().body().unwrap(), Vec::new());
            assert_eq!(body.size_hint().exact(), Some(200_000));
            while let Some(frame) = body.frame().await {
                let piece = frame.unwrap().into_data().unwrap();
                assert!(piece.len() <= PIECE);
                read.extend_from_slice(&piece);
            }
            assert!(read == content && body.is_end_stream());
        }
        assert!(matches!(payload, Payload::File(_)));
    }

    /// The pieces show the caller that waits for the server that it goes on.
    #[tokio::test]
    async fn bytes_are_sent_piece_by_piece() {
        let text = "x".repeat(PIECE + 1);
        let mut body = Payload::from(text).body();
        let mut lengths = Vec::new();
        while let Some(frame) = body.frame().await {
            lengths.push(frame.unwrap().into_data().unwrap().len());
        }
        assert_eq!(lengths, [PIECE, 1]);
    }

    #[tokio::test]
    async fn bodies_are_joined_and_sent_one_after_another() {
        let (_file, from_file) = file(b"from a file");
        let joined = Payload::join(vec!["".into(), "a=".into(), from_file, "".into(), "&b".into(), "".into()]);
        for _ in 0..2 {
            let body = joined.replay().body().unwrap();
            assert_eq!(body.size_hint().exact(), Some(15));
            assert_eq!(body.collect().await.unwrap().to_bytes(), "a=from a file&b");
        }
        assert!(Payload::join(vec!["".into(), "".into()]).body().is_end_stream());
        assert!(matches!(Payload::join(vec!["a".into()]), Payload::Bytes(_)));
    }

    #[tokio::test]
    async fn an_empty_file_is_an_empty_body() {
        let (_file, payload) = file(b"");
        assert!(payload.body().is_end_stream());
        assert!(payload.body().frame().await.is_none());
    }

    #[tokio::test]
    async fn a_file_that_changed_is_noticed() {
        for change in [&|file: &mut File| file.write_all(b"more").unwrap(), &|file: &mut File| file.set_len(3).unwrap()]
            as [&dyn Fn(&mut File); 2]
        {
            let (mut file, payload) = file(b"some text");
            let mut begun = payload.body();
            change(file.as_file_mut());
            assert!(payload.replay().body().unwrap_err().to_string().contains("changed while"));
            let fault = begun.frame().await.unwrap().unwrap_err();
            assert!(matches!(fault, PayloadError::Changed { .. }), "{fault}");
        }
    }

    #[tokio::test]
    async fn a_file_that_was_replaced_is_sent_as_it_was() {
        let (file, payload) = file(b"old");
        let other = tempfile::NamedTempFile::new_in(file.path().parent().unwrap()).unwrap();
        std::fs::write(other.path(), b"new and longer").unwrap();
        std::fs::rename(other.path(), file.path()).unwrap();
        let body = payload.replay().body().unwrap();
        assert_eq!(body.collect().await.unwrap().to_bytes(), "old");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let fault = Payload::from_path(Path::new("/does/not/exist")).unwrap_err();
        assert_eq!(fault.to_string(), "cannot read /does/not/exist");
    }
}

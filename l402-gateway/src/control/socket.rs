//! The socket that the commands come through.

use core::fmt;
use core::time::Duration;
use l402_lightning::folder::{self, FolderError, Manifest};
use l402_lightning::operate::Operator;
use l402_lightning::socket;
use rustix::process::geteuid;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::books::Books;
use super::desk::Desk;
use super::node::{NodeDesk, OPERATIONS};
use super::wire::{Reply, Request};
use crate::inventory::Kept;

/// The folder of the socket in the data folder.
const FOLDER: &str = "control";

/// Where the running gateway listens for commands.
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(FOLDER).join("node.sock")
}

/// The record of what moves money.
pub fn kept(data_dir: &Path) -> Kept {
    Kept { name: "control", path: data_dir.join(FOLDER).join(OPERATIONS), loss: LOSS }
}

/// What a start without that record means.
const LOSS: &str = "a repeated command is executed again";

/// Listens for commands until it is dropped. What has begun runs to its end, if the process does.
#[derive(Debug)]
pub struct Control {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl Control {
    /// Begins to listen, on the caller's runtime: for calls about a node and the books, as far as there are any.
    ///
    /// # Errors
    /// [`ControlError`].
    pub fn open(data_dir: &Path, node: Option<Arc<dyn Operator>>, books: Option<Books>) -> Result<Self, ControlError> {
        let (folder, path) = (data_dir.join(FOLDER), path(data_dir));
        let desk = desk(&folder, node, books).map_err(ControlError::Folder)?;
        let unbound = |cause| ControlError::Bind { path: path.clone(), cause };
        let listener = socket::listen(&path).and_then(UnixListener::from_std).map_err(unbound)?;
        let task = tokio::spawn(listen(listener, Arc::new(desk)));
        Ok(Self { path, task })
    }
}

/// Answers one call from the books without a socket: where no gateway runs. It leaves its line in the audit log, too.
///
/// # Errors
/// [`ControlError::Folder`].
pub async fn answer(data_dir: &Path, books: Books, request: &Request) -> Result<Reply, ControlError> {
    let desk = desk(&data_dir.join(FOLDER), None, Some(books)).map_err(ControlError::Folder)?;
    Ok(desk.answer(geteuid().as_raw(), request).await)
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
        let _ = fs::remove_file(&self.path); // the next start removes it as well
    }
}

fn desk(folder: &Path, node: Option<Arc<dyn Operator>>, books: Option<Books>) -> Result<Desk, FolderError> {
    let io = |cause| FolderError::Io { path: folder.to_owned(), cause };
    folder::make(folder).map_err(io)?;
    folder::guard(folder)?;
    let node = match node {
        Some(node) => {
            let mut manifest = Manifest::read(folder)?;
            manifest.demand(OPERATIONS, &folder.join(OPERATIONS), LOSS)?;
            let desk = NodeDesk::open(folder, node).map_err(io)?;
            manifest.add(&[OPERATIONS])?;
            Some(desk)
        }
        None => None,
    };
    Desk::open(folder, node, books).map_err(io)
}

async fn listen(listener: UnixListener, desk: Arc<Desk>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Not awaited: what has begun goes on though the socket closes.
                tokio::spawn(serve(stream, Arc::clone(&desk)));
            }
            Err(error) => {
                tracing::warn!(%error, "a command cannot be accepted");
                sleep(BACK_OFF).await;
            }
        }
    }
}

async fn serve(stream: UnixStream, desk: Arc<Desk>) {
    let reply = match stream.peer_cred().map(|peer| peer.uid()) {
        Ok(uid) if uid == 0 || uid == geteuid().as_raw() => {
            let mut stream = BufReader::new(stream);
            let reply = match read(&mut stream).await {
                Ok(request) => desk.answer(uid, &request).await,
                Err(fault) => Reply::Refused(format!("invalid command: {fault}")),
            };
            (stream.into_inner(), reply)
        }
        Ok(uid) => (stream, Reply::Refused(format!("the user {uid} may not command the gateway"))),
        Err(fault) => (stream, Reply::Refused(format!("cannot identify the calling user: {fault}"))),
    };
    let (mut stream, reply) = reply;
    let mut line = serde_json::to_vec(&reply).unwrap_or_default(); // it has no map whose keys are no text
    line.push(b'\n');
    let _ = stream.write_all(&line).await; // one who does not wait can ask again with the same id
}

async fn read(stream: &mut BufReader<UnixStream>) -> io::Result<Request> {
    let mut line = String::new();
    let mut limited = stream.take(MAX_LINE);
    timeout(READ_TIMEOUT, limited.read_line(&mut line)).await??;
    Ok(serde_json::from_str(&line)?)
}

/// Commands cannot be taken.
#[derive(Debug)]
#[non_exhaustive]
pub enum ControlError {
    /// The folder of the socket and the records cannot be used.
    Folder(FolderError),
    /// The socket cannot be made.
    Bind {
        /// Where.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(_) => f.write_str("cannot use the record of commands"),
            Self::Bind { path, .. } => write!(f, "cannot listen on {}", path.display()),
        }
    }
}

impl core::error::Error for ControlError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Folder(cause) => Some(cause),
            Self::Bind { cause, .. } => Some(cause),
        }
    }
}

/// An invoice has some hundred bytes.
const MAX_LINE: u64 = 64 * 1024;
const READ_TIMEOUT: Duration = Duration::from_secs(10);
const BACK_OFF: Duration = Duration::from_millis(50);

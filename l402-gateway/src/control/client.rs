//! Asking the running gateway.

use core::fmt;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use super::wire::{Reply, Request};

/// Sends one request and waits for its answer.
///
/// # Errors
/// [`AskError`].
pub fn ask(socket: &Path, request: &Request) -> Result<Reply, AskError> {
    let mut stream =
        UnixStream::connect(socket).map_err(|cause| AskError::Unreachable { socket: socket.to_owned(), cause })?;
    let mut line = serde_json::to_vec(request).map_err(|cause| AskError::Broken(cause.into()))?;
    line.push(b'\n');
    stream.write_all(&line).map_err(AskError::Broken)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).map_err(AskError::Broken)?;
    serde_json::from_str(&answer).map_err(|cause| AskError::Broken(cause.into()))
}

/// The gateway has not answered.
#[derive(Debug)]
#[non_exhaustive]
pub enum AskError {
    /// It does not run, or not with this data directory. Nothing was sent.
    Unreachable {
        /// The socket where it would be.
        socket: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// It broke off. What it was told to do may have been done.
    Broken(io::Error),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable { socket, .. } => {
                write!(f, "cannot reach the gateway at {}; is it running with this configuration?", socket.display())
            }
            Self::Broken(_) => f.write_str(
                "the gateway closed the connection; repeat the command with the same --id to learn the outcome",
            ),
        }
    }
}

impl core::error::Error for AskError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreachable { cause, .. } | Self::Broken(cause) => Some(cause),
        }
    }
}

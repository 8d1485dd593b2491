//! The payer's wallet over HTTP, for programs on this machine: what
//! [`SandboxWallet`](l402_sandbox::SandboxWallet) talks to.
//!
//! 1. It listens on 127.0.0.1 only. That is no authentication: every request carries a bearer secret of 32 random bytes,
//!    which is compared in constant time.
//! 2. The secret lives in a file that only its owner can read ([`SandboxFile`]). The file goes away with the server, unless
//!    a younger server has put its own there meanwhile.
//! 3. `Host` must be the server's own address, so that no web page reaches it through a name that it makes up.
//!
//! [`l402_sandbox`] describes the requests and answers.

// Threat O1.

mod answer;

use core::fmt;
use core::net::SocketAddr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use l402_ldk::LdkNode;
use l402_lightning::{NodeId, PaymentSource};
use l402_sandbox::{SandboxFile, SandboxFileError};

use crate::loopback::{self, Server};
use crate::secret::{self, same};

/// The longest request that is read; an invoice is a tenth of it.
const MAX_BODY: usize = 64 << 10;

/// Serves the wallet of `payer` on a free port and announces it in the file at `path`.
///
/// # Errors
///
/// See [`WalletServer::start`].
pub fn serve(payer: LdkNode, path: PathBuf) -> Result<WalletServer, ServeError> {
    let node_id = payer.node_id();
    WalletServer::start(payer, node_id, path)
}

/// A running wallet server. Dropping it stops it and removes its file.
pub struct WalletServer {
    server: Server,
    announced: SandboxFile,
    path: PathBuf,
}

impl WalletServer {
    /// Serves `wallet`, whose node is `node_id`, on a free port and announces it in the file at `path`.
    ///
    /// A file that is there already is replaced: it belongs to a server that has ended, or whose place this one takes.
    ///
    /// # Errors
    ///
    /// When there is no port, thread or randomness to be had, or the file cannot be written.
    pub fn start<W>(wallet: W, node_id: NodeId, path: PathBuf) -> Result<Self, ServeError>
    where
        W: PaymentSource + 'static,
    {
        let secret = secret::random_hex().map_err(io::Error::from)?;
        let listener = loopback::bind(0)?;
        let announced = SandboxFile { address: listener.local_addr()?, secret };
        let wallet = Arc::new(answer::Wallet::new(wallet, node_id, &announced));
        let handle = move |request| answer::respond(Arc::clone(&wallet), request);
        let server = Server::start("regtest-wallet", listener, MAX_BODY, handle)?;
        announced.write(&path).map_err(ServeError::File)?;
        Ok(Self { server, announced, path })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns the file that announces it.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for WalletServer {
    fn drop(&mut self) {
        let is_own = |file: SandboxFile| same(file.secret.as_bytes(), self.announced.secret.as_bytes());
        if SandboxFile::read(&self.path).is_ok_and(is_own) {
            // A file that stays behind names an address that does not answer: a nuisance, no danger.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Why a wallet could not be served.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// There was no port, thread or randomness to be had.
    Io(io::Error),
    /// The file that announces it could not be written.
    File(SandboxFileError),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Io(_) => "wallet server cannot be started",
            Self::File(_) => "wallet server cannot be announced",
        })
    }
}

impl core::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::File(error) => Some(error),
        }
    }
}

impl From<io::Error> for ServeError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

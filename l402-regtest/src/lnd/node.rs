//! The life of an LND process: made, started, paused, killed, started again.

use core::fmt;
use core::net::SocketAddr;
use core::time::Duration;
use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use hyper::Method;
use l402_lightning::NodeId;
use rustix::process::Signal;
use serde_json::Value;

use super::binaries::Binaries;
use super::config::{self, Addresses};
use super::error::LndError;
use super::process::Process;
use super::rest;
use super::wallet::{self, PASSWORD};
use crate::ports;
use crate::rpc::RpcServer;
use crate::wait;

/// The longest that a start may take on a busy machine, and an answer of a node without a wallet: to make one costs seconds.
const PATIENCE: Duration = Duration::from_mins(2);

/// The longest that an answer may take: as long as a payment.
const ANSWER_PATIENCE: Duration = Duration::from_mins(1);

/// What its own log ends with is shown when a process ends unexpectedly.
const LAST_LINES: usize = 15;

/// An LND process, running or not. Clones are the same node; it is killed when the last of them is dropped, and when this process
/// ends, however it ends.
#[derive(Clone)]
pub struct LndNode(Arc<Inner>);

struct Inner {
    name: String,
    dir: PathBuf,
    addresses: Addresses,
    binaries: Binaries,
    process: Mutex<Option<Running>>,
    id: OnceLock<NodeId>,
}

struct Running {
    process: Process,
    paused: bool,
}

impl LndNode {
    /// Makes the files of a new node in the folder `dir`. Nothing runs yet.
    pub(crate) fn create(
        name: &str,
        dir: PathBuf,
        binaries: Binaries,
        rpc: &RpcServer,
        options: &[String],
    ) -> Result<Self, LndError> {
        fs::create_dir_all(&dir)?;
        let addresses =
            Addresses { rpc: ports::free_address()?, rest: ports::free_address()?, peer: ports::free_address()? };
        write_private(&dir.join("lnd.conf"), config::text(name, addresses, rpc, options).as_bytes())?;
        write_private(&dir.join("password"), PASSWORD.as_bytes())?;
        let (process, id) = (Mutex::new(None), OnceLock::new());
        Ok(Self(Arc::new(Inner { name: name.to_owned(), dir, addresses, binaries, process, id })))
    }

    /// Starts the process, if it does not run, and returns when the node serves every call and knows the whole chain.
    ///
    /// # Errors
    ///
    /// When there is no such program, it ends again, or takes too long.
    pub async fn start(&self) -> Result<(), LndError> {
        let unlock = [OsString::from("--wallet-unlock-allow-create"), self.password_option()];
        self.launch(&unlock)?;
        if self.wait_for(&["NON_EXISTING", "SERVER_ACTIVE"]).await? == "NON_EXISTING" {
            wallet::create(self.0.addresses.rest, PATIENCE).await?;
        }
        self.serve().await
    }

    /// Starts the process, if it does not run, and returns when it waits for its wallet's password.
    ///
    /// # Errors
    ///
    /// See [`LndNode::start`].
    pub async fn start_locked(&self) -> Result<(), LndError> {
        self.launch(&[])?;
        self.wait_for(&["LOCKED"]).await.map(drop)
    }

    /// Gives the password to a node that waits for it, and returns when the node serves.
    ///
    /// # Errors
    ///
    /// When it does not wait for it, or does not serve afterwards.
    pub async fn unlock(&self) -> Result<(), LndError> {
        wallet::unlock(self.0.addresses.rest, PATIENCE).await?;
        self.serve().await
    }

    /// Ends the process in order (`SIGTERM`), if it runs, and returns when it has ended.
    ///
    /// # Errors
    ///
    /// When it cannot be told to, or takes too long.
    pub async fn stop(&self) -> Result<(), LndError> {
        if let Some(running) = &*self.process() {
            running.process.signal(Signal::TERM)?;
            // A paused one would not hear it.
            running.process.signal(Signal::CONT)?;
        }
        let still = || if self.is_running() { Err("it still runs".to_owned()) } else { Ok(()) };
        wait::until(PATIENCE, || core::future::ready(Ok(still()))).await
    }

    /// Kills the process (`SIGKILL`), if it runs, and returns when nothing of it is left but its files.
    pub fn kill(&self) {
        drop(self.process().take());
    }

    /// Stops the process in its tracks (`SIGSTOP`): connections stay open, nothing is answered.
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn pause(&self) -> Result<(), LndError> {
        let mut slot = self.process();
        let running = slot.as_mut().ok_or(LndError::NotRunning)?;
        running.process.pause()?;
        running.paused = true;
        Ok(())
    }

    /// Lets a paused process go on (`SIGCONT`).
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn resume(&self) -> Result<(), LndError> {
        let mut slot = self.process();
        let running = slot.as_mut().ok_or(LndError::NotRunning)?;
        running.process.signal(Signal::CONT)?;
        running.paused = false;
        Ok(())
    }

    /// Whether the process runs, paused or not.
    pub fn is_running(&self) -> bool {
        self.process_id().is_some()
    }

    /// Whether the process runs and is not paused.
    pub fn is_awake(&self) -> bool {
        self.is_running() && self.process().as_ref().is_some_and(|running| !running.paused)
    }

    /// Returns the id of the process, if it runs.
    pub fn process_id(&self) -> Option<u32> {
        let mut slot = self.process();
        let running = slot.as_mut()?;
        // Who cannot be asked has ended.
        let ended = running.process.ended().map_or(true, |status| status.is_some());
        if ended { None } else { Some(running.process.id()) }
    }

    /// Returns its name in the network, which is its alias, too.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns its public key, once it has been started.
    ///
    /// # Errors
    ///
    /// [`LndError::NotRunning`] before its first start.
    pub fn node_id(&self) -> Result<NodeId, LndError> {
        self.0.id.get().copied().ok_or(LndError::NotRunning)
    }

    /// Returns where it serves gRPC over TLS, with the certificate [`LndNode::tls_cert`].
    pub fn rpc_address(&self) -> SocketAddr {
        self.0.addresses.rpc
    }

    /// Returns where other nodes reach it.
    pub fn peer_address(&self) -> SocketAddr {
        self.0.addresses.peer
    }

    /// Returns its folder.
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// Returns the path of its log, which all its starts share.
    pub fn log(&self) -> PathBuf {
        self.0.dir.join("lnd.log")
    }

    /// Returns the path of its certificate, in PEM.
    pub fn tls_cert(&self) -> PathBuf {
        self.0.dir.join("tls.cert")
    }

    /// Returns `lncli` with the options that make it talk to this node, as the one who may do everything.
    pub fn lncli(&self) -> Command {
        let mut command = Command::new(self.0.binaries.lncli());
        command.arg(format!("--lnddir={}", self.0.dir.display()));
        command.args(["--network=regtest".to_owned(), format!("--rpcserver={}", self.0.addresses.rpc)]);
        command
    }

    /// Asks `path` of LND's REST interface, such as `/v1/getinfo`, as the one who may do everything.
    ///
    /// # Errors
    ///
    /// When it does not run or answer, or refuses.
    pub async fn get(&self, path: &str) -> Result<Value, LndError> {
        self.ask((Method::GET, path, None)).await
    }

    /// Sends `body` to `path` of LND's REST interface. Where answers stream, such as `/v2/router/send`, the last is returned.
    ///
    /// # Errors
    ///
    /// When it does not run or answer, or refuses.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, LndError> {
        self.ask((Method::POST, path, Some(body))).await
    }

    async fn ask(&self, question: (Method, &str, Option<&Value>)) -> Result<Value, LndError> {
        let macaroon = self.admin_macaroon()?;
        rest::call(self.0.addresses.rest, Some(&macaroon), question, ANSWER_PATIENCE).await
    }

    fn launch(&self, options: &[OsString]) -> Result<(), LndError> {
        if self.is_running() {
            return Ok(());
        }
        let log = OpenOptions::new().append(true).create(true).open(self.log())?;
        let mut directory = OsString::from("--lnddir=");
        directory.push(&self.0.dir);
        let arguments = [&[directory], options].concat();
        let process = Process::start(&self.0.binaries.lnd(), &arguments, log)?;
        *self.process() = Some(Running { process, paused: false });
        Ok(())
    }

    /// Waits until the node serves.
    async fn serve(&self) -> Result<(), LndError> {
        self.wait_for(&["SERVER_ACTIVE"]).await?;
        let info = self.synced().await?;
        let id = info["identity_pubkey"].as_str().and_then(|id| id.parse().ok());
        self.0.id.get_or_init(|| id.expect("LND names itself by a public key"));
        Ok(())
    }

    async fn synced(&self) -> Result<Value, LndError> {
        wait::until(PATIENCE, || async {
            let info = self.get("/v1/getinfo").await?;
            Ok::<_, LndError>(if info["synced_to_chain"] == true { Ok(info) } else { Err("not synced".into()) })
        })
        .await
    }

    /// Waits for one of these states, and returns which it is.
    async fn wait_for(&self, wanted: &[&str]) -> Result<String, LndError> {
        wait::until(PATIENCE, || async {
            Ok::<_, LndError>(match self.state().await? {
                Ok(state) if wanted.contains(&state.as_str()) => Ok(state),
                Ok(other) | Err(other) => Err(other),
            })
        })
        .await
    }

    /// Returns in what state LND says it is; the inner error: why it does not say.
    async fn state(&self) -> Result<Result<String, String>, LndError> {
        if !self.is_running() {
            return Err(LndError::Ended(self.last_lines()));
        }
        let question = (Method::GET, "/v1/state", None);
        Ok(match rest::call(self.0.addresses.rest, None, question, PATIENCE).await {
            Ok(answer) => Ok(answer["state"].as_str().unwrap_or("no state").to_owned()),
            Err(fault) => Err(fault.to_string()),
        })
    }

    fn last_lines(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }

    fn process(&self) -> MutexGuard<'_, Option<Running>> {
        // Nothing panics in the midst of a change.
        self.0.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn password_option(&self) -> OsString {
        let mut option = OsString::from("--wallet-unlock-password-file=");
        option.push(self.0.dir.join("password"));
        option
    }
}

impl fmt::Debug for LndNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LndNode")
            .field("name", &self.0.name)
            .field("rpc", &self.0.addresses.rpc)
            .finish_non_exhaustive()
    }
}

/// Writes a file that only its owner may read.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), LndError> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    Ok(file.write_all(bytes)?)
}

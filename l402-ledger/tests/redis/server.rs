//! Servers for tests: on free ports, with clocks that tests move, ended when dropped.

use super::server_clock::Clock;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use l402_core::ledger::SKEW;
use l402_ledger::redis::{RedisSettings, RedisStore};
use l402_ledger::testing::conformance::Harness;
use l402_ledger::{Ledger, StoreError};
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

/// A Redis that keeps what it says.
pub(crate) struct Server {
    child: Mutex<Option<Child>>,
    pub(crate) port: u16,
    arguments: Vec<String>,
    clock: Clock,
    folder: TempDir,
}

/// What it says once it serves; the output is read no further, which it does not mind.
const READY: &str = "Ready to accept connections";

/// Arguments of a Redis that loses nothing.
pub(crate) const SAFE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_at(arguments, Clock::new(), free_port())
    }

    pub(crate) fn start_at(arguments: &[&str], clock: Clock, port: u16) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let server = Self { child: Mutex::new(None), port, arguments, clock, folder };
        server.run();
        server
    }

    /// Runs it, again after it was killed.
    pub(crate) fn run(&self) {
        let mut command = Command::new("redis-server");
        if !self.arguments.iter().any(|argument| argument == "--tls-port") {
            command.args(["--port", &self.port.to_string()]);
        }
        command.args(["--bind", "127.0.0.1", "--save", "", "--dir"]).arg(self.folder.path()).args(&self.arguments);
        self.clock.rule(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("redis-server is installed");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines().map_while(Result::ok);
        let mut said = vec![];
        let is_ready = lines.inspect(|line| said.push(line.clone())).any(|line| line.contains(READY));
        *self.child() = Some(child);
        assert!(is_ready, "redis-server does not start:\n{}", said.join("\n"));
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            child.kill().expect("it runs");
            child.wait().expect("it has ended");
        }
    }

    /// Sends a signal such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child().as_ref().expect("it runs").id();
        assert!(Command::new("kill").args([&format!("-{name}"), &id.to_string()]).status().expect("kill").success());
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn settings(&self) -> RedisSettings {
        // Other tests keep the machine busy.
        RedisSettings::new(&self.url()).unwrap().deadline(Duration::from_secs(20))
    }

    pub(crate) async fn open(&self) -> Result<RedisStore, StoreError> {
        RedisStore::open(&self.settings()).await
    }

    /// Sends a command past the store.
    pub(crate) async fn raw<T: redis::FromRedisValue>(&self, command: &[&str]) -> T {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let (name, arguments) = command.split_first().unwrap();
        redis::cmd(name).arg(arguments).query_async(&mut connection).await.unwrap()
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.step(i64::try_from(time.as_millis()).unwrap());
    }

    /// Moves its clock by so many milliseconds.
    pub(crate) fn step(&self, millis: i64) {
        self.clock.step(millis);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Three connections in turn, and the clock of their server.
pub(crate) struct Shared {
    stores: Vec<RedisStore>,
    next: AtomicUsize,
    clock: Clock,
}

impl Shared {
    pub(crate) async fn open(settings: &RedisSettings, clock: &Clock) -> Self {
        let mut stores = vec![];
        for _ in 0..3 {
            stores.push(RedisStore::open(settings).await.expect("a store"));
        }
        Self { stores, next: AtomicUsize::new(0), clock: clock.clone() }
    }

    pub(crate) async fn of(server: &Server) -> Self {
        Self::open(&server.settings(), &server.clock).await
    }
}

impl Harness for Shared {
    fn store(&self) -> Ledger {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        Ledger::new(self.stores[next % self.stores.len()].clone())
    }

    async fn pass(&self, time: Duration) {
        self.clock.step(i64::try_from(time.as_millis()).unwrap());
    }

    async fn turn_back(&self, time: Duration) {
        self.clock.step(-i64::try_from(time.as_millis()).unwrap());
    }
}

/// A cluster of three primaries.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
    pub(crate) clock: Clock,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let clock = Clock::new();
        // The tests move the clock by hours: no node may take that for a silence of the others.
        let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000000000"];
        let start = |_| {
            let (port, bus) = (free_port(), free_port().to_string());
            Server::start_at(&[SAFE, &options, &["--cluster-port", &bus]].concat(), clock.clone(), port)
        };
        let cluster = Self { nodes: (0..3).map(start).collect(), clock: clock.clone() };
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(cluster.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)));
        let created = create.arg("--cluster-yes").stdin(Stdio::null()).output().expect("redis-cli is installed");
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
        cluster
    }

    pub(crate) fn settings(&self) -> RedisSettings {
        self.nodes[0].settings()
    }
}

/// What the files of a certificate authority are called.
pub(crate) struct Certificates {
    pub(crate) ca: String,
    pub(crate) folder: TempDir,
}

impl Certificates {
    /// Makes an authority and a certificate for 127.0.0.1.
    pub(crate) fn make() -> Self {
        let (ca_key, key) = (rcgen::KeyPair::generate().unwrap(), rcgen::KeyPair::generate().unwrap());
        let mut of_ca = rcgen::CertificateParams::new(vec![]).unwrap();
        of_ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca = of_ca.self_signed(&ca_key).unwrap();
        let issuer = rcgen::Issuer::new(of_ca, ca_key);
        let own =
            rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ca.pem"), ca.pem()).unwrap();
        fs::write(folder.path().join("cert.pem"), own.pem()).unwrap();
        fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        Self { ca: ca.pem(), folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A port that nobody uses.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().expect("an address").port()
}

/// After so long nothing settled is remembered.
pub(crate) const LONG: Duration = SKEW.saturating_add(Duration::from_secs(1));

//! PostgreSQL and pgbouncer: programs of the system, on free ports, with directories of their own. They end with the test.

use super::server_clock::Clock;
use core::net::Ipv4Addr;
use core::time::Duration;
use l402_ledger::postgres::{PostgresConfig, PostgresStore};
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::park_timeout;
use tempfile::TempDir;

/// The password of the user `gateway`. No error and no `Debug` may contain it.
pub(crate) const PASSWORD: &str = "canary-7f3a";

/// A server.
pub(crate) struct Server {
    directory: TempDir,
    port: u16,
    settings: Vec<String>,
    process: Option<Child>,
    /// Its clock, if not that of the system.
    clock: Option<Clock>,
}

impl Server {
    /// Makes and starts one with settings of its own, such as `fsync=off`.
    pub(crate) fn start(settings: &[&str]) -> Self {
        Self::make(settings, None)
    }

    /// Makes and starts one with a clock of its own.
    pub(crate) fn start_at(clock: Clock) -> Self {
        Self::make(&[], Some(clock))
    }

    /// Moves its clock by so many milliseconds.
    pub(crate) fn step(&self, millis: i64) {
        self.clock.as_ref().expect("it has a clock of its own").step(millis);
    }

    fn make(settings: &[&str], clock: Option<Clock>) -> Self {
        let directory = directory();
        let password = directory.path().join("password");
        fs::write(&password, PASSWORD).unwrap();
        let mut initdb = unprivileged(&program("initdb"), directory.path());
        initdb.args(["--username=gateway", "--auth=scram-sha-256", "--no-sync", "--no-locale", "--encoding=UTF8"]);
        initdb.arg(format!("--pwfile={}", password.display()));
        done(initdb.arg("-D").arg(directory.path().join("data")));
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let mut server = Self { directory, port: free_port(), settings, process: None, clock };
        server.restart();
        server
    }

    /// Copies it into a standby that follows.
    pub(crate) fn standby(&self) -> Self {
        let directory = directory();
        let mut copy = unprivileged(&program("pg_basebackup"), directory.path());
        copy.args([
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
            "--host=127.0.0.1",
            "--username=gateway",
        ]);
        done(
            copy.env("PGPASSWORD", PASSWORD)
                .arg(format!("--port={}", self.port))
                .arg("-D")
                .arg(directory.path().join("data")),
        );
        let mut standby = Self { directory, port: free_port(), settings: Vec::new(), process: None, clock: None };
        standby.restart();
        standby
    }

    /// Starts it again, after [`kill`](Self::kill).
    pub(crate) fn restart(&mut self) {
        for _ in 0..200 {
            let mut postgres = unprivileged(&program("postgres"), self.directory.path());
            postgres.arg("-D").arg(self.directory.path().join("data")).arg("-p").arg(self.port.to_string());
            for setting in ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"] {
                postgres.args(["-c", setting]);
            }
            postgres.args(self.settings.iter().flat_map(|setting| ["-c", setting]));
            if let Some(clock) = &self.clock {
                clock.rule(&mut postgres);
            }
            let mut process = postgres.spawn().unwrap();
            // It ends at once where the one before has not quite gone.
            while process.try_wait().unwrap().is_none() {
                if self.answers() {
                    self.process = Some(process);
                    return;
                }
                rest();
            }
            rest();
        }
        panic!("the server does not start: {}", self.directory.path().display());
    }

    /// Adds a setting, for the next start.
    pub(crate) fn set(&mut self, setting: &str) {
        self.settings.push(setting.to_owned());
    }

    /// Ends all of its processes in the middle of what they do.
    pub(crate) fn kill(&mut self) {
        self.signal("-KILL");
        self.process.take().unwrap().wait().unwrap();
    }

    /// Stops all of its processes, or lets them go on.
    pub(crate) fn pause(&self, is_paused: bool) {
        self.signal(if is_paused { "-STOP" } else { "-CONT" });
    }

    /// Runs statements as the owner.
    pub(crate) fn sql(&self, sql: &str) {
        let mut psql = self.psql();
        done(psql.args(["--quiet", "--command", sql]));
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    pub(crate) fn config(&self) -> PostgresConfig {
        PostgresConfig::from_url(&self.url()).unwrap()
    }

    pub(crate) async fn store(&self) -> PostgresStore {
        PostgresStore::open(&self.config()).await.unwrap()
    }

    /// The server's own directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn answers(&self) -> bool {
        self.psql().args(["--command", "SELECT 1"]).status().unwrap().success()
    }

    fn psql(&self) -> Command {
        let mut psql = Command::new(program("psql"));
        psql.arg(self.url()).args(["--no-psqlrc", "--set=ON_ERROR_STOP=1"]).stdout(Stdio::null()).stderr(Stdio::null());
        psql
    }

    /// Sends a signal to the server and to each process that it has made.
    fn signal(&self, signal: &str) {
        let id = self.process.as_ref().unwrap().id().to_string();
        let children = Command::new("pgrep").args(["-P", &id]).output().unwrap().stdout;
        let children = String::from_utf8(children).unwrap();
        let mut kill = Command::new("kill");
        kill.arg(signal).arg(&id).args(children.split_whitespace()).stderr(Stdio::null());
        kill.status().unwrap(); // a child may have ended by itself
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.kill();
        }
    }
}

/// A pgbouncer before a server, in transaction mode.
pub(crate) struct Pooler {
    _directory: TempDir,
    port: u16,
    process: Child,
}

impl Pooler {
    pub(crate) fn start(server: &Server) -> Self {
        let (directory, port) = (directory(), free_port());
        let (users, settings) = (directory.path().join("users"), directory.path().join("settings"));
        fs::write(&users, format!("\"gateway\" \"{PASSWORD}\"\n")).unwrap();
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = 4\n\
             max_client_conn = 500\n",
            server.port,
            users.display()
        );
        fs::write(&settings, text).unwrap();
        let process = unprivileged(&program("pgbouncer"), directory.path()).arg(settings).spawn().unwrap();
        let pooler = Self { _directory: directory, port, process };
        while !Command::new(program("psql"))
            .args([&url(port), "--command", "SELECT 1"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .success()
        {
            rest();
        }
        pooler
    }

    pub(crate) fn url(&self) -> String {
        url(self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn url(port: u16) -> String {
    format!("postgres://gateway:{PASSWORD}@127.0.0.1:{port}/postgres")
}

/// A port that was free just now.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// A directory for a program that runs as `nobody`, if this one runs as root.
fn directory() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    if is_root(directory.path()) {
        chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    directory
}

/// Gives a file, a private key, to the server.
pub(crate) fn own(file: &Path) {
    fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    if is_root(file) {
        chown(file, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

/// PostgreSQL and pgbouncer refuse to run as root.
fn unprivileged(program: &Path, directory: &Path) -> Command {
    let mut command = Command::new(program);
    if is_root(Path::new("/proc/self")) {
        command.uid(NOBODY).gid(NOBODY);
    }
    command.current_dir(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn is_root(mine: &Path) -> bool {
    fs::metadata(mine).unwrap().uid() == 0
}

fn done(command: &mut Command) {
    let output = command.stderr(Stdio::piped()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Finds a program: in the path, or where Debian keeps those of the server.
fn program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<_> = std::env::split_paths(&path).chain(["/usr/sbin".into()]).collect();
    if let Ok(versions) = fs::read_dir("/usr/lib/postgresql") {
        folders.extend(versions.flatten().map(|version| version.path().join("bin")));
    }
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|program| program.is_file());
    found.unwrap_or_else(|| panic!("{name} is missing; on Debian it is in postgresql or pgbouncer"))
}

/// Waits a moment, before asking again.
fn rest() {
    park_timeout(Duration::from_millis(20));
}

const NOBODY: u32 = 65_534;

//! A command of the owner's, which is told something on its standard input.
//!
//! No shell reads it. Its arguments are those that the owner has written, and its environment holds no secret of the wallet. What it
//! writes goes nowhere; it ends when nobody waits for it any more.

use serde::{Deserialize, Deserializer, de};
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// A command: a program by its absolute path, and its arguments.
///
/// ```
/// use l402_agent::command::Program;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let program = Program::new(["/bin/sh".into(), "-c".into(), "grep -q sunny".into()]).ok_or("not absolute")?;
/// assert!(program.run(b"sunny").await?.success());
/// assert!(!program.run(b"rainy").await?.success());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<String>,
}

impl Program {
    /// Takes a program and its arguments; [`None`] where it is not named by an absolute path.
    pub fn new(line: impl IntoIterator<Item = String>) -> Option<Self> {
        let mut line = line.into_iter();
        let path = PathBuf::from(line.next()?);
        path.is_absolute().then(|| Self { path, arguments: line.collect() })
    }

    /// Runs it, and waits until it ends.
    ///
    /// # Errors
    /// Where it cannot be started.
    pub async fn run(&self, input: &[u8]) -> io::Result<ExitStatus> {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments).env_clear().kill_on_drop(true);
        for name in KEPT {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // One that does not read it says what it likes all the same.
            let _ = stdin.write_all(input).await;
        }
        child.wait().await
    }
}

impl<'de> Deserialize<'de> for Program {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = Vec::<String>::deserialize(deserializer)?;
        Self::new(line).ok_or_else(|| de::Error::custom("the command must begin with the absolute path of a program"))
    }
}

/// What is left of the environment.
const KEPT: [&str; 8] =
    ["PATH", "HOME", "USER", "LANG", "LC_ALL", "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"];

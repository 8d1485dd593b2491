//! A Chromium of its own for one page, without a window and without a word to anybody but 127.0.0.1.

use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A running browser; dropping it ends it.
pub(crate) struct Chromium {
    process: Child,
    _profile: TempDir,
}

impl Chromium {
    /// Opens a page. `L402_CHROMIUM` names the program, else `chromium` is looked for.
    pub(crate) fn open(url: &str) -> Self {
        let program = std::env::var_os("L402_CHROMIUM").unwrap_or_else(|| "chromium".into());
        let profile = tempfile::tempdir().unwrap();
        let process = Command::new(&program)
            .args(QUIET)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start ({error}): run `just browser`", program.display()));
        Self { process, _profile: profile }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.process.kill(); // it may have ended by itself
        let _ = self.process.wait();
    }
}

/// The sandbox of Chromium does not work for root, as which CI runs; the pages are our own.
const QUIET: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

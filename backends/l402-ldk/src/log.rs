//! The node's log: a file of its own, without what would repeat with every payment.

use super::config::LogLevel;
use l402_lightning::folder;
use l402_lightning::unix_now;
use ldk_node::logger::{LogLevel as LdkLevel, LogRecord, LogWriter};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Appends to a file; the file of the time before is kept once it is long.
pub(super) struct LogFile {
    least: LdkLevel,
    file: Mutex<File>,
}

impl LogFile {
    pub(super) fn open(folder: &Path, least: LogLevel) -> io::Result<Self> {
        let path = folder.join("ldk.log");
        if fs::metadata(&path).is_ok_and(|about| about.len() > MAX_LEN) {
            fs::rename(&path, folder.join("ldk.log.1"))?;
        }
        drop(folder::open(&path)?); // makes it private
        let file = OpenOptions::new().append(true).open(path)?;
        Ok(Self { least: least.into(), file: Mutex::new(file) })
    }
}

impl LogWriter for LogFile {
    fn log(&self, record: LogRecord<'_>) {
        if record.level < self.least {
            return;
        }
        let text = record.args.to_string();
        if text.contains(EXPECTED) {
            return;
        }
        let line = format!("{} {:<5} {}:{} {text}\n", unix_now().get(), record.level, record.module_path, record.line);
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = file.write_all(line.as_bytes()); // a full disk must not stop a payment
    }
}

impl From<LogLevel> for LdkLevel {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::Error,
            LogLevel::Warn => Self::Warn,
            LogLevel::Info => Self::Info,
            LogLevel::Debug => Self::Debug,
        }
    }
}

/// The node reports as an error that it has no row for a payment. Invoices that leave no row are the point of minting them
/// statelessly.
const EXPECTED: &str = "couldn't be found in store";

const MAX_LEN: u64 = 8 << 20;

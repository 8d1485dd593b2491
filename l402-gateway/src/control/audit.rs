//! Who asked for what: a line for each call, in a file and in the log.

use l402_lightning::{folder, unix_now};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use super::wire::Request;

#[derive(Debug)]
pub(super) struct Audit(Mutex<File>);

impl Audit {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        drop(folder::open(path)?); // makes it private
        Ok(Self(Mutex::new(OpenOptions::new().append(true).open(path)?)))
    }

    /// Writes a line, durably: what happens now, or has happened.
    pub(super) fn note(&self, uid: u32, request: &Request, result: &str) -> io::Result<()> {
        let call = request.call.name();
        tracing::info!(target: "l402_server::audit", uid, call, id = request.id, dry_run = request.dry_run, result, "command");
        let line = json!({ "at": unix_now().get(), "uid": uid, "request": request, "result": result });
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()
    }
}

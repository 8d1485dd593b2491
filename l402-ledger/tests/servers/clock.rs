//! A clock for servers that tests start.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// A clock that differs from that of the system by what a file says; see `libfaketime`. Clones are the same clock.
#[derive(Clone)]
pub(crate) struct Clock(Arc<(TempDir, Mutex<i64>)>);

impl Clock {
    pub(crate) fn new() -> Self {
        let clock = Self(Arc::new((tempfile::tempdir().expect("a folder"), Mutex::new(0))));
        // The program may run as somebody else.
        fs::set_permissions(clock.0.0.path(), Permissions::from_mode(0o755)).expect("our folder");
        clock.step(0);
        clock
    }

    pub(crate) fn step(&self, millis: i64) {
        let (folder, ahead) = &*self.0;
        let mut ahead = ahead.lock().unwrap();
        *ahead += millis;
        let part = folder.path().join("part");
        fs::write(
            &part,
            format!("{}{}.{:03}", if *ahead < 0 { '-' } else { '+' }, ahead.abs() / 1_000, ahead.abs() % 1_000),
        )
        .unwrap();
        fs::rename(part, folder.path().join("time")).unwrap();
    }

    /// Lets a program have this clock.
    pub(crate) fn rule(&self, command: &mut Command) {
        let folders = fs::read_dir("/usr/lib").expect("libraries").flatten().map(|entry| entry.path());
        let mut libraries =
            folders.map(|folder| (folder.join("faketime/libfaketimeMT.so.1"), folder.join("libc.so.6")));
        let (faketime, libc) = libraries.find(|(faketime, _)| faketime.exists()).expect("faketime is installed");
        // The allocator of Redis asks for the time before the library can say it: the one of the C library does not.
        command.env("LD_PRELOAD", format!("{}:{}", faketime.display(), libc.display()));
        command.env("FAKETIME_TIMESTAMP_FILE", self.0.0.path().join("time"));
        command.env("FAKETIME_NO_CACHE", "1").env("DONT_FAKE_MONOTONIC", "1");
    }
}

//! The signals that the program listens to.

use std::io;
use tokio::signal::unix::{SignalKind, signal};

/// SIGINT, as of Ctrl-C, and SIGTERM, as of service managers.
pub(crate) struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// A file that may not grow any more is an error of the write then, and not the end of the process at once.
    _file_size: tokio::signal::unix::Signal,
}

impl Stop {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            _file_size: signal(SignalKind::from_raw(SIGXFSZ))?,
        })
    }

    pub(crate) async fn requested(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// SIGHUP, as of a terminal that is closed or of `systemctl reload`, would end the process and cut every stream.
pub(crate) fn ignore_hangups() -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            tracing::warn!("SIGHUP is ignored; restart to apply a changed configuration");
        }
    });
    Ok(())
}

/// The same on all systems that this runs on.
const SIGXFSZ: i32 = 25;

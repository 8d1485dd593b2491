//! The end of a process, between two of its commands.

use core::future::pending;
use core::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::Notify;

/// Counts the commands of a process, and stops it after so many.
#[derive(Debug)]
pub(crate) struct Halt {
    left: AtomicI64,
    ended: Notify,
}

impl Halt {
    pub(crate) fn after(commands: u64) -> Self {
        Self { left: AtomicI64::new(i64::try_from(commands).unwrap()), ended: Notify::new() }
    }

    /// Goes on, or never.
    pub(crate) async fn step(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            self.ended.notify_one();
            pending::<()>().await;
        }
    }

    /// Waits until the process has ended.
    pub(crate) async fn ended(&self) {
        self.ended.notified().await;
    }
}

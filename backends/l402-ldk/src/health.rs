//! Whether the node can be relied on (threat L6).
//!
//! 1. A panic on a thread of the node, or a record that cannot be written, is its end. What the node does after that is not
//!    believed, and it is never asked to write its state again: that may be half of what it was.
//! 2. While the disk is nearly full, nothing new is sold. What has been sold still finds room to settle.
//! 3. A start that fails because the chain source does not answer is tried again; everything else is final.

use super::error::{NodeError, NodeFailure, NodeStartError};
use core::cell::RefCell;
use std::io;
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Once, Weak};
use tokio::sync::watch;

/// The state of a node as far as those who rely on it are concerned.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum NodeHealth {
    /// It has not started yet. Why not, if it was tried.
    Starting(Option<Arc<NodeStartError>>),
    /// It runs.
    Good,
    /// It runs, and its disk is nearly full: it makes no invoices.
    DiskLow {
        /// The room that is left, in bytes.
        free_bytes: u64,
    },
    /// It is broken, for good: the process has to end.
    Failed(NodeFailure),
}

/// The health of one node.
#[derive(Debug)]
pub(super) struct Health(watch::Sender<NodeHealth>);

impl Health {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(NodeHealth::Starting(None))))
    }

    pub(super) fn now(&self) -> NodeHealth {
        self.0.borrow().clone()
    }

    /// Changes the state; one that is final stays.
    pub(super) fn set(&self, next: NodeHealth) {
        self.0.send_if_modified(|state| {
            let same = matches!((&*state, &next), (NodeHealth::Good, NodeHealth::Good));
            let changes = !same && !matches!(state, NodeHealth::Failed(_));
            if changes {
                *state = next;
            }
            changes
        });
    }

    pub(super) fn fail(&self, failure: NodeFailure) {
        self.set(NodeHealth::Failed(failure));
    }

    /// Notes that something could not be written.
    pub(super) fn unwritten(&self, cause: io::Error) {
        self.fail(NodeFailure::Disk(Arc::new(cause)));
    }

    /// Fails where the node must not be asked any more.
    pub(super) fn intact(&self) -> Result<(), NodeError> {
        match &*self.0.borrow() {
            NodeHealth::Failed(failure) => Err(NodeError::Failed(failure.clone())),
            _ => Ok(()),
        }
    }

    /// Fails where the node must not sell.
    pub(super) fn sells(&self) -> Result<(), NodeError> {
        match &*self.0.borrow() {
            NodeHealth::Good => Ok(()),
            NodeHealth::Starting(_) => Err(NodeError::Starting),
            NodeHealth::DiskLow { .. } => Err(NodeError::DiskLow),
            NodeHealth::Failed(failure) => Err(NodeError::Failed(failure.clone())),
        }
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<NodeHealth> {
        self.0.subscribe()
    }
}

/// Makes a panic on this thread the end of a node. The program's own panic hook is called as before.
pub(super) fn supervise(health: &Weak<Health>) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let _ = NODE.try_with(|node| report(&node.borrow(), info)); // gone with the thread
            before(info);
        }));
    });
    NODE.with(|node| node.replace(Weak::clone(health)));
}

fn report(node: &Weak<Health>, info: &PanicHookInfo<'_>) {
    let Some(health) = node.upgrade() else { return };
    let said = info.payload_as_str().unwrap_or("no text");
    let place = info.location().map_or_else(String::new, |place| format!(" ({}:{})", place.file(), place.line()));
    health.fail(NodeFailure::Panicked(format!("{said}{place}").into()));
}

thread_local! {
    /// The node that this thread works for.
    static NODE: RefCell<Weak<Health>> = const { RefCell::new(Weak::new()) };
}

#[cfg(test)]
mod tests {
    use super::super::shell::Threads;
    use super::*;

    #[test]
    fn l6_a_panic_on_any_thread_of_a_node_is_its_end() {
        for blocking in [false, true] {
            let (health, other) = (Health::new(), Health::new());
            let (threads, others) = (Threads::new(&health).unwrap(), Threads::new(&other).unwrap());
            health.set(NodeHealth::Good);
            other.set(NodeHealth::Good);
            let handle = threads.handle();
            let done = if blocking {
                handle.spawn_blocking(|| panic!("no room"))
            } else {
                handle.spawn(async { panic!("no room") })
            };
            assert!(others.handle().block_on(done).is_err());
            match health.now() {
                NodeHealth::Failed(NodeFailure::Panicked(said)) => assert!(said.contains("no room"), "{said}"),
                other => panic!("{other:?}"),
            }
            assert!(health.sells().is_err() && health.intact().is_err());
            assert!(other.sells().is_ok(), "another node goes on");
        }
    }

    #[test]
    fn l6_a_failure_is_final() {
        let health = Health::new();
        assert!(matches!(health.sells(), Err(NodeError::Starting)));
        health.set(NodeHealth::Good);
        assert!(health.sells().is_ok());
        health.set(NodeHealth::DiskLow { free_bytes: 1 });
        assert!(matches!(health.sells(), Err(NodeError::DiskLow)));
        assert!(health.intact().is_ok(), "what was sold still settles");
        health.unwritten(io::ErrorKind::StorageFull.into());
        health.set(NodeHealth::Good);
        assert!(matches!(health.now(), NodeHealth::Failed(NodeFailure::Disk(_))));
    }
}

//! What a node runs in: its threads, its tasks, its lock; and how all of that ends.

use super::error::NodeError;
use super::health::{Health, supervise};
use super::storage::Folder;
use core::mem;
use core::time::Duration;
use ldk_node::{Node, NodeError as LdkError};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The node and the threads that it runs on; stops the one before the others.
pub(super) struct Shell {
    node: OnceLock<Arc<Node>>,
    running: Mutex<Option<Running>>,
    health: Arc<Health>,
    threads: Threads,
}

impl Shell {
    /// Takes what a node needs to start.
    pub(super) fn new(folder: Folder, health: Arc<Health>, threads: Threads) -> Self {
        let running = Running { node: None, tasks: Vec::new(), handle: threads.handle().clone(), folder };
        Self { node: OnceLock::new(), running: Mutex::new(Some(running)), health, threads }
    }

    /// The node, once it has started.
    pub(super) fn node(&self) -> Option<&Arc<Node>> {
        self.node.get()
    }

    pub(super) fn handle(&self) -> &runtime::Handle {
        self.threads.handle()
    }

    pub(super) fn is_running(&self) -> bool {
        self.lock().as_ref().is_some_and(|running| running.node.is_some())
    }

    /// Whether it was not told to stop.
    pub(super) fn is_wanted(&self) -> bool {
        self.lock().is_some()
    }

    /// Takes over a node that has started, with the tasks that serve it. Gives it back where it is not wanted any more.
    pub(super) fn run(&self, node: Arc<Node>, tasks: impl FnOnce() -> Vec<JoinHandle<()>>) -> Result<(), Arc<Node>> {
        let mut running = self.lock();
        let Some(running) = running.as_mut() else { return Err(node) };
        let _ = self.node.set(node.clone()); // it starts once
        running.node = Some(node);
        running.tasks = tasks();
        running.folder.in_use();
        Ok(())
    }

    pub(super) async fn stop(&self) -> Result<(), NodeError> {
        let Some(running) = self.lock().take() else { return Ok(()) };
        if self.health.intact().is_err() {
            self.cut_off(running);
            return Ok(());
        }
        let (stopped, result) = oneshot::channel();
        self.handle().spawn_blocking(move || drop(stopped.send(running.halt())));
        result.await.unwrap_or(Err(NodeError::NotRunning))
    }

    /// Ends the threads of a node that has failed, and leaves all else as it is. To stop it would write its state anew, of which
    /// it may not be whole; what is on the disk is. The folder stays locked until the process ends.
    fn cut_off(&self, running: Running) {
        for task in &running.tasks {
            task.abort();
        }
        mem::forget(running);
        self.threads.end();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let running = self.lock().take();
        if self.health.intact().is_err() {
            mem::forget(self.node.get().cloned()); // a node that is dropped stops, or panics as it tries
            return running.map_or((), |running| self.cut_off(running));
        }
        let Some(running) = running else { return };
        let (stopped, result) = mpsc::channel();
        // On a thread of the node: to block is forbidden to a thread that drives a runtime, which this one may be.
        self.handle().spawn_blocking(move || drop(stopped.send(running.halt())));
        let _ = result.recv_timeout(STOP_TIMEOUT);
    }
}

/// A node that has not been told to stop, and what must end with it.
struct Running {
    /// None until it has started.
    node: Option<Arc<Node>>,
    tasks: Vec<JoinHandle<()>>,
    handle: runtime::Handle,
    folder: Folder,
}

impl Running {
    /// Blocks until the node has written its state.
    fn halt(self) -> Result<(), NodeError> {
        for task in &self.tasks {
            task.abort();
        }
        for task in self.tasks {
            let _ = self.handle.block_on(task); // was aborted
        }
        let stopped = self.node.map_or(Ok(()), |node| node.stop());
        self.folder.complete();
        match stopped {
            Err(LdkError::NotRunning) | Ok(()) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }
}

/// A runtime that may be dropped anywhere, and whose threads are supervised.
pub(super) struct Threads {
    handle: runtime::Handle,
    runtime: Mutex<Option<Runtime>>,
}

impl Threads {
    pub(super) fn new(health: &Arc<Health>) -> io::Result<Self> {
        let health = Arc::downgrade(health);
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(WORKERS)
            .thread_name("l402-ldk")
            .on_thread_start(move || supervise(&health))
            .enable_all()
            .build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Mutex::new(Some(runtime)) })
    }

    pub(super) const fn handle(&self) -> &runtime::Handle {
        &self.handle
    }

    /// Ends the threads, each when it next comes to rest.
    fn end(&self) {
        if let Some(runtime) = self.runtime.lock().unwrap_or_else(PoisonError::into_inner).take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.end();
    }
}

const WORKERS: usize = 4;
/// The node itself gives up earlier on whatever of it does not end.
const STOP_TIMEOUT: Duration = Duration::from_mins(1);

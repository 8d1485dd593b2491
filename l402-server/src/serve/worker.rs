//! One thread: its runtime and its loop of accepting.

use core::time::Duration;
use hyper_util::server::graceful::GracefulShutdown;
use l402_lightning::{InvoiceSource, SettlementSource};
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::connection;
use super::gateway::Gateway;
use crate::config::Config;

/// What one thread serves, and until when.
pub(super) struct Worker<N> {
    pub(super) listener: StdListener,
    pub(super) gateway: Gateway<N>,
    pub(super) limits: Limits,
    pub(super) stopped: watch::Receiver<bool>,
}

/// Deadlines of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For the head of a request; also how long a connection may stand idle between two.
    pub(super) head: Duration,
    /// How long a client may take nothing of what is sent to it.
    pub(super) unread: Duration,
    /// For requests under way when the server stops.
    pub(super) shutdown: Duration,
}

impl Limits {
    pub(super) const fn of(config: &Config) -> Self {
        Self { head: config.request_head, unread: config.idle, shutdown: config.shutdown }
    }
}

impl<N: InvoiceSource + SettlementSource + 'static> Worker<N> {
    /// Serves until the server stops.
    pub(super) fn run(self) {
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime.block_on(self.serve()),
            Err(error) => tracing::error!(%error, "a serving thread has no runtime"),
        }
    }

    async fn serve(mut self) {
        let listener = match TcpListener::from_std(self.listener) {
            Ok(listener) => listener,
            Err(error) => return tracing::error!(%error, "a serving thread has no socket"),
        };
        self.gateway.watch_upstreams();
        let connections = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let (stream, permit) = tokio::select! {
                accepted = accept(&listener, &room) => accepted,
                _ = self.stopped.changed() => break, // also when the server was dropped
            };
            let Some(connection) = connection::of(stream, &self.gateway, self.limits, connections.watcher()) else {
                continue;
            };
            tokio::spawn(async move {
                connection.await;
                drop(permit);
            });
        }
        drop(listener);
        let waits = *self.stopped.borrow();
        if waits && timeout(self.limits.shutdown, connections.shutdown()).await.is_err() {
            tracing::warn!("requests under way were cut off at the deadline");
        }
    }
}

/// Waits for a connection, as long as there is room for one.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    let permit = Arc::clone(room).acquire_owned().await.ok(); // the semaphore is never closed
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, permit),
            Err(error) => {
                // Such as "too many open files": trying again at once would only burn the processor.
                tracing::warn!(%error, "a connection cannot be accepted");
                sleep(BACK_OFF).await;
            }
        }
    }
}

/// The most connections of one thread.
const CONNECTIONS: usize = 16 * 1024;

const BACK_OFF: Duration = Duration::from_millis(50);

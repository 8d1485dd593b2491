//! One thread: its runtime and its loop of accepting.

use core::net::SocketAddr;
use core::time::Duration;
use l402_lightning::{InvoiceSource, SettlementSource};
use std::net::TcpListener as StdListener;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{sleep, timeout};

use super::clients::Clients;
use super::connection::{self, Limits};
use super::gateway::Gateway;
use super::seldom::Seldom;

/// What one thread serves, and until when.
pub(super) struct Worker<N> {
    pub(super) listener: StdListener,
    pub(super) gateway: Gateway<N>,
    pub(super) limits: Limits,
    pub(super) clients: Arc<Clients>,
    pub(super) stopped: watch::Receiver<bool>,
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
        // Each connection and tunnel holds a receiver: when all are gone, nothing is under way.
        let (stop, stopping) = watch::channel(false);
        loop {
            let (stream, address, room) = tokio::select! {
                accepted = accept(&listener, &self.clients) => accepted,
                _ = self.stopped.changed() => break, // also when the server was dropped
            };
            let Some(seat) = self.clients.seat(address.ip(), room) else {
                if let Some(left_out) = CROWDED.turn() {
                    tracing::warn!(%address, left_out, "connection refused: the client has too many connections");
                }
                continue;
            };
            match connection::of(stream, &self.gateway, self.limits, seat, stopping.clone()) {
                Ok(connection) => drop(tokio::spawn(connection)),
                Err(error) => {
                    if let Some(left_out) = UNSERVED.turn() {
                        tracing::warn!(%error, left_out, "a connection cannot be served");
                    }
                }
            }
        }
        drop((listener, stopping));
        let waits = *self.stopped.borrow();
        if waits {
            stop.send_replace(true);
            let at_rest = self.gateway.at_rest();
            let ended = async {
                stop.closed().await;
                at_rest.await;
            };
            if timeout(self.limits.shutdown, ended).await.is_err() {
                tracing::warn!("shutdown deadline reached; running requests were cut off");
            }
        }
    }
}

/// Waits for a connection, and then until there is room for it. Room that a thread holds before anybody has come to it would be
/// missing to those that the system has given to other threads.
async fn accept(listener: &TcpListener, clients: &Clients) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                if clients.is_full()
                    && let Some(left_out) = FULL.turn()
                {
                    tracing::warn!(left_out, "connection limit reached; new connections wait");
                }
                return (stream, address, clients.room().await);
            }
            Err(error) => {
                // Such as "too many open files": trying again at once would only burn the processor.
                if let Some(left_out) = UNACCEPTED.turn() {
                    tracing::warn!(%error, left_out, "cannot accept a connection");
                }
                sleep(BACK_OFF).await;
            }
        }
    }
}

static CROWDED: Seldom = Seldom::new();
static FULL: Seldom = Seldom::new();
static UNACCEPTED: Seldom = Seldom::new();
static UNSERVED: Seldom = Seldom::new();

const BACK_OFF: Duration = Duration::from_millis(50);

//! In the gateway with the node: answers what replicas ask.
//!
//! Who connects may be anybody. So a connection has its place for sure only once its request verifies: when all places are taken,
//! the next connection gets that of the one that has said nothing for longest.

use crate::Seals;
use crate::address::{Address, Listener, Stream};
use crate::error::ReplicaError;
use crate::nonces::{MOST_OFF, Nonces, Seen};
use crate::wire::{Ask, Refusal, Reply, Request, Said, Way, receive, send};
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use l402_core::Msat;
use l402_lightning::{
    InvalidRequest, InvoiceRequest, InvoiceSource as _, InvoiceSourceError, Network, NodeId, PayeeNode, unix_now,
};
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio::time::error::Elapsed;
use tokio::time::{sleep, timeout};

/// Tells why a node cannot be paid.
type Trouble = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// The node that invoices come from.
#[derive(Clone)]
pub struct Kept {
    node: PayeeNode,
    network: Network,
    id: Option<NodeId>,
    trouble: Trouble,
}

impl Kept {
    /// Takes a node whose invoices are for `network`.
    pub fn new(node: PayeeNode, network: Network) -> Self {
        Self { node, network, id: None, trouble: Arc::new(|| None) }
    }

    /// Says who signs its invoices.
    #[must_use]
    pub fn id(mut self, id: NodeId) -> Self {
        self.id = Some(id);
        self
    }

    /// Says why the node cannot be paid at the moment, if so. Must not block.
    #[must_use]
    pub fn trouble(mut self, trouble: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        self.trouble = Arc::new(trouble);
        self
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("network", &self.network).field("id", &self.id).finish_non_exhaustive()
    }
}

/// Listens for replicas until it is dropped.
#[derive(Debug)]
pub struct Desk {
    task: JoinHandle<()>,
    socket: Option<PathBuf>,
}

impl Desk {
    /// Begins to listen, on the caller's runtime.
    ///
    /// # Errors
    /// Why the address cannot be listened on.
    pub async fn open(address: &Address, kept: Kept, seals: Seals) -> io::Result<Self> {
        let listener = address.bind().await?;
        let socket = match address {
            Address::Unix(path) => Some(path.clone()),
            Address::Tcp(_) => None,
        };
        let (nonces, turns) = (Mutex::new(Nonces::new(MOST_NONCES)), Semaphore::new(AT_ONCE));
        let clerk = Clerk { kept, seals, nonces, turns, since: unix_now().get() };
        Ok(Self { task: tokio::spawn(listen(listener, Arc::new(clerk))), socket })
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(socket) = &self.socket {
            let _ = std::fs::remove_file(socket); // the next start removes it as well
        }
    }
}

struct Clerk {
    kept: Kept,
    seals: Seals,
    nonces: Mutex<Nonces>,
    turns: Semaphore,
    /// What was asked before the start may have been answered by the process before.
    since: u64,
}

async fn listen(listener: Listener, clerk: Arc<Clerk>) {
    let (places, mut served, mut unheard) = (Arc::new(Semaphore::new(CONNECTIONS)), JoinSet::new(), Unheard::default());
    loop {
        match listener.accept().await {
            Ok(stream) => {
                let place = if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
                    Some(place)
                } else {
                    unheard.end_oldest();
                    Arc::clone(&places).acquire_owned().await.ok()
                };
                let (clerk, is_heard) = (Arc::clone(&clerk), Arc::default());
                let heard = Arc::clone(&is_heard);
                let task = served.spawn(async move {
                    let _place = place;
                    note(timeout(PATIENCE, clerk.serve(stream, &heard)).await);
                });
                unheard.add(task, is_heard);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a replica");
                sleep(BACK_OFF).await;
            }
        }
        while served.try_join_next().is_some() {}
    }
}

fn note(served: Result<Result<(), ReplicaError>, Elapsed>) {
    match served {
        Ok(Err(error @ ReplicaError::Seal(_))) => {
            tracing::warn!(cause = %error_text(&error), "a request for an invoice is not from a replica of ours");
        }
        Ok(Err(error)) => tracing::debug!(cause = %error_text(&error), "a replica was not answered"),
        Ok(Ok(())) | Err(_) => {}
    }
}

/// Connections whose request is not there yet, the oldest first, and some that are over.
#[derive(Default)]
struct Unheard(VecDeque<(AbortHandle, Arc<AtomicBool>)>);

impl Unheard {
    fn add(&mut self, task: AbortHandle, is_heard: Arc<AtomicBool>) {
        if self.0.len() >= 2 * CONNECTIONS {
            self.0.retain(|(task, is_heard)| !task.is_finished() && !is_heard.load(Ordering::Relaxed));
        }
        self.0.push_back((task, is_heard));
    }

    fn end_oldest(&mut self) {
        while let Some((task, is_heard)) = self.0.pop_front() {
            // One that is heard meanwhile keeps its place.
            if !task.is_finished() && !is_heard.swap(true, Ordering::Relaxed) {
                return task.abort();
            }
        }
    }
}

fn error_text(error: &ReplicaError) -> String {
    let source = core::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    match error {
        ReplicaError::Seal(_) => format!("it has another key file{source}"),
        _ => format!("{error}{source}"),
    }
}

impl Clerk {
    /// Reads one request, and answers it.
    async fn serve(&self, mut stream: Stream, is_heard: &AtomicBool) -> Result<(), ReplicaError> {
        let request: Request = receive(&mut stream, Way::Request, &*self.seals).await?;
        if is_heard.swap(true, Ordering::Relaxed) {
            return Ok(()); // another has its place
        }
        let _turn = self.turns.acquire().await;
        let said = match self.admit(&request) {
            Err(refusal) => Said::Refused(refusal),
            Ok(()) => self.answer(request.ask).await,
        };
        send(&mut stream, Way::Reply, &Reply { nonce: request.nonce, said }, &*self.seals).await
    }

    fn admit(&self, request: &Request) -> Result<(), Refusal> {
        if unix_now().get().abs_diff(request.time) > MOST_OFF.as_secs() || request.time < self.since {
            return Err(Refusal::Time);
        }
        match self.nonces.lock().unwrap_or_else(PoisonError::into_inner).see(request.nonce, Instant::now()) {
            Seen::Never => Ok(()),
            Seen::Before => Err(Refusal::Replayed),
            Seen::Full => Err(Refusal::Busy),
        }
    }

    async fn answer(&self, ask: Ask) -> Said {
        match ask {
            Ask::Who => Said::Node {
                network: self.kept.network.to_string(),
                payee: self.kept.id.map(|id| id.to_string()),
                trouble: (self.kept.trouble)(),
                stores_invoices: self.kept.node.stores_invoices(),
            },
            Ask::Invoice { amount_msat, description, expiry_s } => {
                let (amount_msat, expiry) = (Msat::new(amount_msat), Duration::from_secs(expiry_s));
                let request = InvoiceRequest { amount_msat, description: &description, expiry };
                match self.kept.node.create_invoice(request).await {
                    Ok(invoice) => Said::Invoice {
                        bolt11: invoice.bolt11().to_owned(),
                        payment_hash: invoice.payment_hash().to_string(),
                    },
                    Err(fault) => Said::Refused(refusal(&fault)),
                }
            }
        }
    }
}

fn refusal(fault: &InvoiceSourceError) -> Refusal {
    match fault {
        InvoiceSourceError::NoInboundLiquidity { .. } => Refusal::NoInboundLiquidity,
        InvoiceSourceError::InvalidRequest(InvalidRequest::Amount) => Refusal::Amount,
        InvoiceSourceError::InvalidRequest(InvalidRequest::Description) => Refusal::Description,
        InvoiceSourceError::InvalidRequest(InvalidRequest::Expiry) => Refusal::Expiry,
        _ => {
            tracing::debug!(%fault, "no invoice for a replica");
            Refusal::Unavailable
        }
    }
}

/// How many connections are open at once, and how many requests are answered.
const CONNECTIONS: usize = 256;
const AT_ONCE: usize = 64;

/// How many requests of two minutes are remembered: some 10 MB.
const MOST_NONCES: usize = 1 << 17;

/// How long a request may take, from the connection to the reply.
const PATIENCE: Duration = Duration::from_secs(5);
const BACK_OFF: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::{MasterKey, SealKeys};
    use l402_lightning::testing::FakeNetwork;

    #[test]
    fn a_request_is_believed_for_a_minute_and_not_from_before_the_start() {
        let now = unix_now().get();
        let clerk = |since| Clerk {
            kept: Kept::new(PayeeNode::new(FakeNetwork::new().node()), Network::Regtest),
            seals: Arc::new(SealKeys::new("test v1", 0, &MasterKey::from_bytes([1; 32]))),
            nonces: Mutex::new(Nonces::new(10)),
            turns: Semaphore::new(1),
            since,
        };
        let admit = |clerk: &Clerk, time, nonce| clerk.admit(&Request { time, nonce, ask: Ask::Who });
        let long_running = clerk(now - 10_000);
        assert_eq!(admit(&long_running, now - 70, 1), Err(Refusal::Time));
        assert_eq!(admit(&long_running, now + 70, 2), Err(Refusal::Time));
        assert_eq!(admit(&long_running, now - 50, 3), Ok(()));
        assert_eq!(admit(&long_running, now + 50, 4), Ok(()));
        assert_eq!(admit(&long_running, now, 4), Err(Refusal::Replayed));
        assert_eq!(admit(&long_running, now - 70, 5), Err(Refusal::Time));
        assert_eq!(admit(&long_running, now, 5), Ok(()), "what is refused takes no room");
        assert_eq!(admit(&clerk(now), now - 1, 6), Err(Refusal::Time), "the process before may have answered it");
    }
}

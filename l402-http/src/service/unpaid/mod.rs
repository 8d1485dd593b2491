//! How many invoices may be open at once, where the node stores every invoice.
//!
//! 1. A node [says](InvoiceSource::stores_invoices) whether it does. Where it does not, there is no bound.
//! 2. One client has at most a twentieth of what all have. Above that it gets 429; what is above the bound for all gets 503. Both say when
//!    the next invoice ends.
//! 3. An invoice counts from the moment the node is asked for it until it has expired or was paid. It counts although its client has gone,
//!    or the node was too slow: the node may have stored it all the same.
//! 4. What was paid is looked for in the node's memory, and not before a bound is reached: then for all invoices, once a second.
//! 5. After a start, the node is asked which invoices are open before the first one is made. They count for nobody in particular.
//!    Where it cannot say, it is asked again by a request five seconds later: its list may be long.
//! 6. Nothing is kept but what counts, so that the bound is one on memory, too.
//!
//! Replicas count each for themselves.

// L1 of docs/threats.md.

mod place;
mod table;

pub(super) use place::Place;

use super::event::Invoiced;
use super::fault::Fault;
use super::head::RequestHead;
use super::rates::{Identify, Limit, Refused};
use crate::response::Reason;
use core::fmt;
use core::net::IpAddr;
use core::num::NonZeroUsize;
use core::time::Duration;
use l402_core::UnixSeconds;
use l402_lightning::{InvoiceSource, LookupError, SettlementSource};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use table::{Full, Table};
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// A bound on open invoices, which clones share.
///
/// ```
/// use core::net::IpAddr;
/// # use l402_core::{DerivedKeys, MasterKey, Msat};
/// # use l402_http::{policy::{Policy, Sale}, service::Paywall};
/// # use l402_lightning::{Network, testing::FakeNetwork};
/// use l402_http::service::UnpaidInvoices;
///
/// # let policy = Policy::builder().sell(Sale::new("weather", "/*", Msat::from_sat(21))).build()?;
/// # let keys = DerivedKeys::new(0, &MasterKey::from_bytes([7; 32]));
/// # let node = FakeNetwork::new().node();
/// let unpaid = UnpaidInvoices::new(10_000.try_into()?) // of which one client has at most 500
///     .each_client(|request| request.extensions().get::<IpAddr>().copied()); // put there by the server
/// let paywall = Paywall::new(policy, keys, node, Network::Regtest).unpaid_invoices(unpaid);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct UnpaidInvoices {
    identify: Option<Identify>,
    shared: Arc<Shared>,
}

struct Shared {
    begun: OnceCell<()>,
    /// When the node could not say what is open.
    failed_at: Mutex<Option<UnixSeconds>>,
    table: Mutex<Table>,
}

/// Why no invoice may be made.
#[derive(Debug)]
pub(super) enum Unplaced {
    /// The client has as many open as it may.
    Client(Refused),
    /// All clients together have, for that many seconds.
    All(u64),
    /// The node cannot say what is open.
    Unknown(Fault),
}

impl UnpaidInvoices {
    /// What part of all open invoices one client may have: the twentieth.
    pub const SHARE: usize = 20;

    /// Lets so many be open. Clients are not told apart unless [`each_client`](Self::each_client) says how.
    pub fn new(most: NonZeroUsize) -> Self {
        let table = Mutex::new(Table::new(most.get(), (most.get() / Self::SHARE).max(1)));
        Self { identify: None, shared: Arc::new(Shared { begun: OnceCell::new(), failed_at: Mutex::new(None), table }) }
    }

    /// Tells clients apart. `identify` returns the address, or the first address of the network, that stands for the client; a request
    /// for which it returns [`None`] counts for all clients only.
    #[must_use]
    pub fn each_client(
        mut self,
        identify: impl Fn(&RequestHead<'_>) -> Option<IpAddr> + Send + Sync + 'static,
    ) -> Self {
        self.identify = Some(Arc::new(identify));
        self
    }

    /// Returns who asks.
    pub(super) fn client(&self, request: &RequestHead<'_>) -> Option<IpAddr> {
        self.identify.as_ref().and_then(|identify| identify(request))
    }

    /// Takes a place for an invoice that the node is about to be asked for.
    pub(super) async fn place<N: InvoiceSource + SettlementSource>(
        &self,
        node: &N,
        (client, now): (Option<IpAddr>, UnixSeconds),
        (expiry, longest): (Duration, Duration),
        deadline: Duration,
    ) -> Result<Place, Unplaced> {
        let begun = self.shared.begun.get_or_try_init(|| self.begin(node, now, longest, deadline));
        begun.await.map_err(|fault| Unplaced::Unknown(Fault::Lookup(fault)))?;
        let ends_at = now.saturating_add(expiry.as_secs());
        let mut table = self.shared.lock();
        let taken = table.take(client, ends_at, now, |hash| node.settled_in_memory(hash).is_some());
        let each = table.each();
        drop(table);
        match taken {
            Ok(key) => Ok(Place::new(self.clone(), key)),
            Err(Full::All { seconds }) => Err(Unplaced::All(seconds)),
            Err(Full::Client { seconds }) => {
                let most = u32::try_from(each).unwrap_or(u32::MAX);
                Err(Unplaced::Client(Refused::above(&UNPAID, (most, expiry), Duration::from_secs(seconds))))
            }
        }
    }

    /// Asks the node what is open. One that answers slowly is asked no more: then what is made from now on counts.
    async fn begin<N: InvoiceSource>(
        &self,
        node: &N,
        now: UnixSeconds,
        longest: Duration,
        deadline: Duration,
    ) -> Result<(), LookupError> {
        if self.shared.has_just_failed(now) {
            return Err(LookupError::new("the node could not say a moment ago which invoices are open"));
        }
        let since = UnixSeconds::new(now.get().saturating_sub(longest.as_secs()));
        let most = self.shared.lock().most();
        match timeout(deadline.saturating_mul(PATIENCE), node.open_invoices(since, most)).await {
            Ok(open) => {
                let open = open.inspect_err(|_| self.shared.fail(now))?;
                self.shared.lock().note(open);
            }
            Err(_) => {
                tracing::warn!("the node does not say in time which invoices are open; those from before do not count");
            }
        }
        Ok(())
    }
}

impl Unplaced {
    /// What subscribers are told.
    pub(super) const fn told(&self) -> Invoiced<'_> {
        match self {
            Self::Client(_) | Self::All(_) => Invoiced::Crowded,
            Self::Unknown(fault) => Invoiced::Failed { error: fault },
        }
    }
}

impl Shared {
    fn fail(&self, now: UnixSeconds) {
        *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    fn has_just_failed(&self, now: UnixSeconds) -> bool {
        let failed_at = *self.failed_at.lock().unwrap_or_else(PoisonError::into_inner);
        failed_at.is_some_and(|at| (at..at.saturating_add(PAUSE)).contains(&now))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for UnpaidInvoices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnpaidInvoices").finish_non_exhaustive()
    }
}

static UNPAID: Limit = Limit {
    name: "unpaid-invoices-per-client",
    reason: Reason::TOO_MANY_UNPAID,
    message: "this client has too many unpaid invoices; pay one, or try again later",
};

/// For how many deadlines of a question the node may list what is open: it takes several.
const PATIENCE: u32 = 6;

/// Seconds until a node is asked again that could not list what is open.
const PAUSE: u64 = 5;

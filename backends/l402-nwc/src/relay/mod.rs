//! The way to the wallet: relays, each over a connection of its own (NIP-01).
//!
//! 1. A relay is trusted with nothing. What it passes on counts only if the wallet's key has signed it; what it says itself is shown to the
//!    operator, and proves neither that a request arrived nor that it did not.
//! 2. An answer belongs to a request by the request's id. Relays that keep what they need not keep repeat old answers: nobody waits for
//!    those.
//! 3. A request that waits for its answer is sent again, the same signed event, by each relay that comes back.
//! 4. All connections are kept up without an end: they come back by themselves, less and less often, at random times.

mod desk;
mod link;
mod message;
mod socket;
mod url;

pub(crate) use desk::{Heard, Interest, Pending, REQUEST, Reach};
pub use socket::RelayError;
pub use url::{RelayUrl, RelayUrlError};

use desk::Desk;
use nostr::event::{Event, EventId};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// The relays of a wallet. The connections end with it.
pub(crate) struct Relays {
    urls: Vec<RelayUrl>,
    desk: Arc<Desk>,
    tasks: Vec<JoinHandle<()>>,
}

impl Relays {
    /// Connects, in the background. What the wallet tells by itself goes to `notices`.
    pub(crate) fn start(urls: &[RelayUrl], interest: Interest, notices: Option<mpsc::Sender<Event>>) -> Self {
        let desk = Arc::new(Desk::new(interest, urls.len(), notices));
        let task = |(index, url): (usize, &RelayUrl)| tokio::spawn(link::run(index, url.clone(), Arc::clone(&desk)));
        let tasks = urls.iter().enumerate().map(task).collect();
        Self { urls: urls.to_vec(), desk, tasks }
    }

    /// Returns each relay, and what keeps it away.
    pub(crate) fn states(&self) -> Vec<(RelayUrl, RelayState)> {
        self.urls.iter().cloned().zip(self.desk.states().borrow().iter().cloned()).collect()
    }

    /// Returns the states and news about them.
    pub(crate) fn news(&self) -> watch::Receiver<Vec<RelayState>> {
        self.desk.states()
    }

    /// Returns what the wallet has published about itself, as far as the relays have told.
    pub(crate) fn info(&self) -> watch::Receiver<Option<Arc<Event>>> {
        self.desk.info()
    }

    /// Sends a request, and returns what waits for its answer. `frame` is the event as the protocol has it.
    pub(crate) fn send(&self, id: EventId, event: &str, reach: Reach) -> Pending {
        Desk::ask(&self.desk, id, message::event(event), reach)
    }
}

impl Drop for Relays {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Whether a relay can be used.
#[derive(Debug, Clone)]
pub enum RelayState {
    /// It is being connected to for the first time.
    Connecting,
    /// It is connected, and has told what it had.
    Ready,
    /// It is not, and this is why.
    Away(Arc<RelayError>),
}

impl RelayState {
    /// Tells whether it can.
    pub const fn is_ready(&self) -> bool {
        matches!(self, Self::Ready)
    }
}

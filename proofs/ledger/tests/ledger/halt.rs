//! Where a gateway is killed: a store that ends the process in the middle of a step, and triggers for what only its neighbours see.
//! Nothing of it is in the gateway itself.

use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, Now, Reply};
use l402_ledger::{
    DoubtfulUse, Ledger, LedgerStore, PaymentUses, Revocation, Revocations, SharedSettlements, StoreError,
};
use rustix::process::{Pid, Signal, getpid, kill_process};
use std::sync::Arc;

/// The moments of a request at which its gateway is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Point {
    /// A use was just asked for: the store may have the question, or not.
    ReserveAsked,
    /// The store has named the winner.
    Named,
    /// The upstream has the request.
    Sent,
    /// The head of the upstream's response is on its way.
    HeadCame,
    /// The commit was just asked for.
    CommitAsked,
    /// The store has committed.
    Committed,
    /// The client has the head of the response.
    HeadLeft,
    /// A release, a doubt or a withdrawal was just asked for.
    ReleaseAsked,
    /// The store has carried it out.
    Released,
    /// A slice of what is metered was just asked for.
    DrawAsked,
    /// The store has given it.
    Drawn,
    /// Any, the start among them.
    Random,
}

impl Point {
    pub(crate) const ALL: [Self; 12] = [
        Self::ReserveAsked,
        Self::Named,
        Self::Sent,
        Self::HeadCame,
        Self::CommitAsked,
        Self::Committed,
        Self::HeadLeft,
        Self::ReleaseAsked,
        Self::Released,
        Self::DrawAsked,
        Self::Drawn,
        Self::Random,
    ];

    /// Whether the gateway's process ends itself there.
    pub(crate) const fn is_inside(self) -> bool {
        !matches!(self, Self::Sent | Self::HeadCame | Self::HeadLeft | Self::Random)
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| format!("{point:?}") == name)
    }
}

/// Kills a process at one point, the so many-th time that it comes there.
#[derive(Debug)]
pub(crate) struct Trigger {
    point: Point,
    left: AtomicU32,
    process: Pid,
}

impl Trigger {
    pub(crate) const fn new(point: Point, after: u32, process: Pid) -> Self {
        Self { point, left: AtomicU32::new(after), process }
    }

    pub(crate) fn at(&self, point: Point) {
        if self.is_hit(point) {
            self.kill();
        }
    }

    fn is_hit(&self, point: Point) -> bool {
        point == self.point && self.left.fetch_sub(1, Ordering::SeqCst) == 1
    }

    pub(crate) fn kill(&self) {
        let _ = kill_process(self.process, Signal::KILL); // it may have ended
    }
}

/// A store whose process ends at one point.
pub(crate) struct Halting {
    inner: Ledger,
    trigger: Trigger,
}

impl Halting {
    pub(crate) fn new(inner: Ledger, point: Point, after: u32) -> Self {
        Self { inner, trigger: Trigger::new(point, after, getpid()) }
    }

    /// Ends the process within the next moment, while the question is under way.
    fn at_question(&self, point: Point) {
        if self.trigger.is_hit(point) {
            let process = self.trigger.process;
            std::thread::spawn(move || {
                let mut random = [0; 2];
                getrandom::fill(&mut random).expect("random bytes");
                std::thread::park_timeout(Duration::from_micros(u64::from(u16::from_ne_bytes(random)) / 32));
                kill_process(process, Signal::KILL)
            });
        }
    }
}

impl LedgerStore for Halting {
    async fn apply(&self, payment: &PaymentHash, attempt: AttemptId, event: Event) -> Result<Reply, StoreError> {
        let points = match event {
            Event::Reserve(_) => Some((Point::ReserveAsked, Point::Named)),
            Event::Commit { .. } => Some((Point::CommitAsked, Point::Committed)),
            Event::Release(_) | Event::Doubt | Event::TakeBack => Some((Point::ReleaseAsked, Point::Released)),
            Event::Draw { .. } => Some((Point::DrawAsked, Point::Drawn)),
            _ => None,
        };
        let Some((asked, done)) = points else { return self.inner.apply(payment, attempt, event).await };
        self.at_question(asked);
        let reply = self.inner.apply(payment, attempt, event).await;
        self.trigger.at(done);
        reply
    }

    async fn now(&self) -> Result<Now, StoreError> {
        self.inner.now().await
    }

    async fn uses(&self, payment: &PaymentHash) -> Result<Option<PaymentUses>, StoreError> {
        self.inner.uses(payment).await
    }

    async fn doubtful(&self, most: usize) -> Result<Vec<DoubtfulUse>, StoreError> {
        self.inner.doubtful(most).await
    }

    async fn revoke(&self, revocation: Revocation) -> Result<(), StoreError> {
        self.inner.revoke(revocation).await
    }

    async fn revocations(&self, seen: Option<u64>) -> Result<Option<Revocations>, StoreError> {
        self.inner.revocations(seen).await
    }

    async fn sweep(&self, most: usize) -> Result<usize, StoreError> {
        self.inner.sweep(most).await
    }

    fn settlements(&self) -> Option<Arc<dyn SharedSettlements>> {
        self.inner.settlements()
    }
}

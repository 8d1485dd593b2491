//! The attempt that holds a use, and gives it back when it is dropped.

use super::claim::Claim;
use super::desk::{Away, Desk};
use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Command, Course, Event, Input, LEASE, Reply, Reserve};
use std::sync::Arc;
use tokio::time::Instant;

/// One attempt. When it is dropped, what is still to be said about its use is asked for in the background: nothing waits for it.
#[derive(Debug)]
pub(in crate::service) struct Attempt {
    claim: Claim,
    course: Course,
    /// Whether the ledger may know of it, and nobody else speaks for it.
    is_known: bool,
}

impl Attempt {
    /// Asks for a use.
    pub(in crate::service) async fn begin(
        desk: &Arc<Desk>,
        payment: PaymentHash,
        id: AttemptId,
        reserve: Reserve,
    ) -> (Self, Command, Result<Reply, Away>) {
        let course = Course::begin(&reserve);
        let lease_ends = Instant::now() + LEASE;
        let mut this =
            Self { claim: Claim { desk: Arc::clone(desk), payment, id, lease_ends }, course, is_known: true };
        let reply = this.ask(Event::Reserve(reserve)).await;
        this.is_known = !matches!(reply, Err(Away::NotAsked | Away::Busy(_)));
        let command = this.next(reply.as_ref().map_or(Input::NoReply, |reply| Input::Reply(*reply)));
        (this, command, reply)
    }

    /// Takes in what has happened.
    pub(in crate::service) fn next(&mut self, input: Input) -> Command {
        self.course.next(input)
    }

    /// Asks the ledger.
    pub(in crate::service) async fn ask(&self, event: Event) -> Result<Reply, Away> {
        self.claim.ask(event).await
    }

    /// How long a commit is asked for again.
    pub(in crate::service) fn patience(&self) -> Duration {
        self.claim.desk.patience()
    }

    /// Renews the lease; completes where it ends soon and could not be renewed, or is lost.
    pub(in crate::service) async fn keep(&mut self) {
        self.claim.keep().await;
    }

    /// Hands the attempt over to who says the rest of it.
    pub(in crate::service) fn into_claim(mut self) -> Claim {
        self.is_known = false;
        self.claim.clone()
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_known {
            return;
        }
        if let Some(event) = self.course.dropped() {
            self.claim.owe(event);
        }
    }
}

/// Works until it is done, or the other completes: then [`None`], and the work is dropped.
pub(in crate::service) async fn race<T>(work: impl Future<Output = T>, end: impl Future<Output = ()>) -> Option<T> {
    let (mut work, mut end) = (pin!(work), pin!(end));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => end.as_mut().poll(context).map(|()| None),
    })
    .await
}

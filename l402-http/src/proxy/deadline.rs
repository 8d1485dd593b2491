//! How long the head of a response is waited for (P4).

use core::pin::Pin;
use core::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

use super::error::ForwardError;
use super::progress::Progress;
use super::timeouts::Timeouts;

/// A timer that goes from one exchange of a connection to its next: a timer that is set anew takes two locks of the runtime's,
/// one that is put off takes none.
pub(super) struct Deadline(Pin<Box<Sleep>>);

impl Deadline {
    pub(super) fn new(at: Instant) -> Self {
        Self(Box::pin(sleep_until(at)))
    }

    pub(super) fn put_off(&mut self, until: Instant) {
        self.0.as_mut().reset(until);
    }

    /// Completes when an answer has been waited for too long: while the upstream takes the request's body it is the client's
    /// turn, and from then on the upstream's.
    pub(super) fn poll(
        &mut self,
        context: &mut Context<'_>,
        progress: &Progress,
        limits: &Timeouts,
    ) -> Poll<ForwardError> {
        loop {
            ready!(self.0.as_mut().poll(context));
            let (end, fault) = match progress.client_ends() {
                Some(end) => (end, ForwardError::ClientStalled),
                None => (progress.last() + limits.response, ForwardError::ResponseTimeout),
            };
            let now = Instant::now();
            if end <= now {
                return Poll::Ready(fault);
            }
            // It may be the client's turn before that.
            self.put_off(end.min(now + limits.idle));
        }
    }
}

//! hyper's deadline for the head of a request, on the clock that looks at the connection in any case.
//!
//! A timer of the runtime's for each request costs two locks and two entries in its wheel. The watchdog of the connection ticks
//! eight times in that deadline, and polls the connection each time: it is enough to compare then.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use hyper::rt::{Sleep, Timer};
use std::sync::Arc;
use std::time::Instant;

use super::activity::Activity;

/// Makes the deadlines of one connection.
#[derive(Debug)]
pub(super) struct HeadTimer(pub(super) Arc<Activity>);

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(HeadDeadline { activity: Arc::clone(&self.0), at_ms: self.0.ms_at(deadline) })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// Completes when a tick of the watchdog has passed it.
struct HeadDeadline {
    activity: Arc<Activity>,
    at_ms: u64,
}

impl Future for HeadDeadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.activity.ticked_ms() >= self.at_ms { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Sleep for HeadDeadline {}

#[cfg(test)]
mod tests {
    use super::*;
    use core::task::Waker;
    use tokio::time::advance;

    #[tokio::test(start_paused = true)]
    async fn p4_a_deadline_passes_with_the_first_tick_after_it() {
        let activity = Activity::new();
        let timer = HeadTimer(Arc::clone(&activity));
        let mut deadline = timer.sleep(Duration::from_secs(30));
        let mut poll = || deadline.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let hour = Duration::from_hours(1);
        advance(Duration::from_secs(29)).await;
        activity.look(hour, hour);
        assert!(poll().is_pending());
        advance(Duration::from_secs(2)).await;
        assert!(poll().is_pending(), "nobody has looked since");
        activity.look(hour, hour);
        assert!(poll().is_ready());
    }
}

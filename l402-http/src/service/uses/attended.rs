//! A request that may go on without its client.
//!
//! 1. When the client goes away, what only reads is dropped with its future. What may have an effect runs on to the head of its
//!    response, in a bounded set of tasks, because only then is it known what became of the use.
//! 2. Where the set is full, or nothing answers for ten minutes, it is dropped all the same, and its use is in doubt.

use super::desk::Desk;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, ready};
use l402_core::ledger::SKEW;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

/// Whether the work goes on when its client has gone. It says so itself.
#[derive(Debug, Clone, Default)]
pub(in crate::service) struct Stays(Arc<AtomicBool>);

impl Stays {
    /// From now on it goes on.
    pub(in crate::service) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Work that is waited for.
pub(in crate::service) struct Attended<T> {
    /// There until it is done.
    work: Option<Pin<Box<dyn Work<T>>>>,
    stays: Stays,
    desk: Arc<Desk>,
}

/// What work that went on alone has brought, and nobody waits for.
pub(in crate::service) trait Unclaimed {
    /// Does what is to be done with it all the same.
    fn unclaimed(self);
}

impl<T: Unclaimed> Attended<T> {
    /// Waits for work, which says whether it stays.
    pub(in crate::service) fn new(
        work: impl Future<Output = T> + Send + 'static,
        stays: Stays,
        desk: Arc<Desk>,
    ) -> Self {
        Self { work: Some(Box::pin(work)), stays, desk }
    }
}

/// Work that can go on alone.
trait Work<T>: Future<Output = T> + Send {
    fn go_on(self: Pin<Box<Self>>, runtime: &Handle, place: OwnedSemaphorePermit);
}

impl<F: Future<Output: Unclaimed> + Send + 'static> Work<F::Output> for F {
    fn go_on(self: Pin<Box<Self>>, runtime: &Handle, place: OwnedSemaphorePermit) {
        runtime.spawn(async move {
            if let Ok(done) = timeout(SKEW, self).await {
                done.unclaimed();
            }
            drop(place);
        });
    }
}

impl<T> Future for Attended<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.work else { return Poll::Pending }; // it is not polled again after it was ready
        let done = ready!(work.as_mut().poll(context));
        self.work = None;
        Poll::Ready(done)
    }
}

impl<T> Drop for Attended<T> {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else { return };
        if !self.stays.0.load(Ordering::Relaxed) || std::thread::panicking() {
            return;
        }
        if let (Ok(runtime), Ok(place)) = (Handle::try_current(), Arc::clone(&self.desk.alone).try_acquire_owned()) {
            work.go_on(&runtime, place);
        }
    }
}

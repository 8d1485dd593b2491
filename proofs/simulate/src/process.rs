//! Programs and callers that end in the middle.
//!
//! 1. What a program does to others is a step: a message, a call, a write. A [`Process`] that ends between two steps does no other,
//!    whatever of it is still in memory. That is what a kill looks like from outside.
//! 2. A caller that goes away is a future that is dropped, after any of its polls: [`cut`].
//!
//! Nothing here knows of gateways: a buyer that records, pays and fetches is ended between any two commands in the same way.

use core::future::{pending, poll_fn};
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicU64, Ordering};
use core::task::{Context, Poll, ready};
use tokio::sync::Notify;

/// A program that can be ended between any two of its steps.
///
/// ```
/// use l402_simulate::Process;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let process = Process::new(2);
/// let work = async {
///     process.step().await; // recorded
///     process.step().await; // paid
///     process.step().await; // fetched, which it does not come to
/// };
/// assert_eq!(process.run(work).await, None);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Process {
    left: AtomicU64,
    ended: Notify,
}

impl Process {
    /// Begins one that ends after so many steps.
    pub fn new(steps: u64) -> Self {
        Self { left: AtomicU64::new(steps), ended: Notify::new() }
    }

    /// Does a step. Where the program has ended, it waits for ever.
    pub async fn step(&self) {
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)) {
            Ok(1) => self.end(), // this one is done, and no other
            Ok(_) => {}
            Err(_) => pending().await,
        }
    }

    /// Ends it now.
    pub fn end(&self) {
        self.left.store(0, Ordering::SeqCst);
        self.ended.notify_waiters();
    }

    /// Ends it no more: what it has left to do, it does.
    pub fn spare(&self) {
        if !self.is_over() {
            self.left.store(u64::MAX, Ordering::SeqCst);
        }
    }

    /// Tells whether it has done its last step.
    pub fn is_over(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }

    /// Works until it is done, or the program ends: then [`None`], and the work is dropped.
    pub async fn run<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let (mut work, mut over) = (pin!(work), pin!(self.over()));
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => over.as_mut().poll(context).map(|()| None),
        })
        .await
    }

    /// Waits for the end.
    pub async fn over(&self) {
        let mut ended = pin!(self.ended.notified());
        ended.as_mut().enable();
        if !self.is_over() {
            ended.await;
        }
    }
}

/// Polls work so often, and drops it: [`None`] where it was not done by then.
pub async fn cut<T>(polls: u64, work: impl Future<Output = T>) -> Option<T> {
    let (mut work, mut left) = (pin!(work), polls);
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Work, and what is to be done before it is dropped in the middle.
pub struct Leaves<F, L: FnMut()> {
    work: Pin<Box<F>>,
    is_done: bool,
    leave: L,
}

impl<F: Future, L: FnMut()> Leaves<F, L> {
    /// Calls `leave` where the work is dropped before it is done, and before anything of it is dropped.
    pub fn new(work: F, leave: L) -> Self {
        Self { work: Box::pin(work), is_done: false, leave }
    }
}

impl<F: Future, L: FnMut() + Unpin> Future for Leaves<F, L> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let done = ready!(self.work.as_mut().poll(context));
        self.is_done = true;
        Poll::Ready(done)
    }
}

impl<F, L: FnMut()> Drop for Leaves<F, L> {
    fn drop(&mut self) {
        if !self.is_done {
            (self.leave)();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::task::yield_now;

    #[tokio::test]
    async fn a_caller_is_ended_after_each_of_its_polls() {
        let work = || async {
            yield_now().await;
            yield_now().await;
        };
        for polls in 0..5 {
            assert_eq!(cut(polls, work()).await.is_some(), polls >= 3, "{polls}");
        }
    }

    #[tokio::test]
    async fn a_process_does_no_step_after_its_end() {
        for steps in 0..4 {
            let (process, done) = (Process::new(steps), AtomicU64::new(0));
            let work = async {
                for _ in 0..3 {
                    process.step().await;
                    done.fetch_add(1, Ordering::SeqCst);
                }
            };
            assert_eq!(process.run(work).await.is_some(), steps >= 3);
            assert_eq!(done.load(Ordering::SeqCst), steps.min(3));
            assert_eq!(process.is_over(), steps < 4);
        }
    }
}

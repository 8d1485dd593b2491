//! What goes on on one connection: it decides when the connection has stood still for too long (P6).
//!
//! What a connection does is noted where it happens and looked at from outside: over HTTP/2 a body whose client closes the
//! window is not polled, and a ping that is answered proves only that somebody is there.

use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use core::task::{Context, Poll, Waker};
use core::time::Duration;
use hyper::rt::Executor;
use pin_project_lite::pin_project;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::time::Instant;

use super::clients::UnderWay;

/// One connection.
#[derive(Debug)]
pub(super) struct Activity {
    begun: Instant,
    has_asked: AtomicBool,
    /// Whether a request's body has not been read to its end.
    is_unread: AtomicBool,
    /// Whether all answers to what was asked have been written.
    is_between: AtomicBool,
    /// Whether its bytes are those of a tunnel.
    is_tunnel: AtomicBool,
    live: AtomicUsize,
    quiet_ms: AtomicU64,
    /// When it was last looked at.
    ticked_ms: AtomicU64,
    exchanges: Mutex<Vec<Weak<Exchange>>>,
    /// The exchange whose task is about to be spawned.
    newest: Mutex<Option<Arc<Exchange>>>,
}

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Something is under way, or was a moment ago.
    Busy,
    /// Nothing has been asked since it began.
    Silent,
    /// Nothing is under way.
    Quiet,
    /// Its only exchange has been broken off, since the client took nothing.
    Unread,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            begun: Instant::now(),
            has_asked: AtomicBool::new(false),
            is_unread: AtomicBool::new(false),
            is_between: AtomicBool::new(true),
            is_tunnel: AtomicBool::new(false),
            live: AtomicUsize::new(0),
            quiet_ms: AtomicU64::new(0),
            ticked_ms: AtomicU64::new(0),
            exchanges: Mutex::default(),
            newest: Mutex::default(),
        })
    }

    /// Notes a request. `is_shared` says that others may be under way on the connection, each in a task of its own.
    pub(super) fn begin(self: &Arc<Self>, is_shared: bool, under_way: Option<Arc<UnderWay>>) -> Arc<Exchange> {
        self.has_asked.store(true, Ordering::Relaxed);
        self.is_between.store(false, Ordering::Relaxed);
        self.live.fetch_add(1, Ordering::Relaxed);
        let exchange = Arc::new(Exchange {
            activity: Arc::clone(self),
            is_shared,
            is_with_client: AtomicBool::new(false),
            since_ms: AtomicU64::new(0),
            is_cut: AtomicBool::new(false),
            waker: Mutex::default(),
            _under_way: under_way,
        });
        let mut exchanges = lock(&self.exchanges);
        if exchanges.len() >= self.live.load(Ordering::Relaxed).saturating_mul(2) {
            exchanges.retain(|exchange| exchange.strong_count() > 0);
        }
        exchanges.push(Arc::downgrade(&exchange));
        if is_shared {
            *lock(&self.newest) = Some(Arc::clone(&exchange));
        }
        exchange
    }

    /// Notes whether a request's body still has to be read.
    pub(super) fn unread(&self, is_unread: bool) {
        self.is_unread.store(is_unread, Ordering::Relaxed);
    }

    /// Whether a request's body has not been read to its end.
    pub(super) fn is_unread(&self) -> bool {
        self.is_unread.load(Ordering::Relaxed)
    }

    /// Notes that nothing is left to be written.
    pub(super) fn flushed(&self) {
        if self.live.load(Ordering::Relaxed) == 0 && !self.is_tunnel.load(Ordering::Relaxed) {
            self.is_between.store(true, Ordering::Relaxed);
        }
    }

    /// Whether all answers to what was asked have been written: what is written now is hyper's own.
    pub(super) fn is_between(&self) -> bool {
        self.is_between.load(Ordering::Relaxed)
    }

    /// Breaks off exchanges whose client has taken nothing for `idle`, and says how the connection stands. `head` is the time
    /// for the first request.
    pub(super) fn look(&self, head: Duration, idle: Duration) -> Standing {
        let now = self.now_ms();
        self.ticked_ms.store(now, Ordering::Relaxed);
        if !self.has_asked.load(Ordering::Relaxed) {
            return if now >= millis(head) { Standing::Silent } else { Standing::Busy };
        }
        let exchanges: Vec<_> = lock(&self.exchanges).iter().filter_map(Weak::upgrade).collect();
        for exchange in exchanges {
            if exchange.is_over(now, millis(idle)) {
                tracing::debug!("a client took nothing of an answer");
                if !exchange.is_shared {
                    return Standing::Unread;
                }
                exchange.cut();
            }
        }
        let quiet_since = self.quiet_ms.load(Ordering::Relaxed);
        let is_quiet = self.live.load(Ordering::Relaxed) == 0 && now.saturating_sub(quiet_since) >= millis(idle);
        if is_quiet { Standing::Quiet } else { Standing::Busy }
    }

    /// When it was last looked at, in milliseconds since it began.
    pub(super) fn ticked_ms(&self) -> u64 {
        self.ticked_ms.load(Ordering::Relaxed)
    }

    /// A time in milliseconds since it began.
    pub(super) fn ms_at(&self, time: std::time::Instant) -> u64 {
        millis(time.saturating_duration_since(self.begun.into_std()))
    }

    fn now_ms(&self) -> u64 {
        millis(self.begun.elapsed())
    }
}

/// A request and its answer.
#[derive(Debug)]
pub(super) struct Exchange {
    activity: Arc<Activity>,
    is_shared: bool,
    is_with_client: AtomicBool,
    since_ms: AtomicU64,
    is_cut: AtomicBool,
    waker: Mutex<Option<Waker>>,
    _under_way: Option<Arc<UnderWay>>,
}

impl Exchange {
    /// Notes that the client has a piece of the answer to take.
    pub(super) fn is_given(&self) {
        self.since_ms.store(self.activity.now_ms(), Ordering::Relaxed);
        self.is_with_client.store(true, Ordering::Relaxed);
    }

    /// Notes that the client has taken all that there was.
    pub(super) fn is_taken(&self) {
        self.is_with_client.store(false, Ordering::Relaxed);
    }

    /// Notes that a tunnel comes of it.
    pub(super) fn becomes_tunnel(&self) {
        self.activity.is_tunnel.store(true, Ordering::Relaxed);
    }

    fn is_over(&self, now: u64, idle: u64) -> bool {
        self.is_with_client.load(Ordering::Relaxed) && now.saturating_sub(self.since_ms.load(Ordering::Relaxed)) >= idle
    }

    /// Ends the exchange's task when that is next polled, which is soon.
    fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
        if let Some(waker) = lock(&self.waker).take() {
            waker.wake();
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.activity.quiet_ms.store(self.activity.now_ms(), Ordering::Relaxed);
        self.activity.live.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Spawns the exchanges of an HTTP/2 connection as tasks that can be ended from outside. hyper calls the service for a request
/// and spawns its task in one go, so that the newest exchange is that of the task.
#[derive(Debug, Clone)]
pub(super) struct Exchanges(pub(super) Arc<Activity>);

impl<F> Executor<F> for Exchanges
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        match lock(&self.0.newest).take() {
            Some(exchange) => drop(tokio::spawn(Ended { future: Some(future), exchange })),
            None => drop(tokio::spawn(future)),
        }
    }
}

pin_project! {
    /// A future that ends with its exchange: dropping a stream of HTTP/2 resets it.
    struct Ended<F> {
        #[pin]
        future: Option<F>,
        exchange: Arc<Exchange>,
    }
}

impl<F: Future> Future for Ended<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.exchange.is_cut.load(Ordering::Relaxed) {
            this.future.set(None);
            return Poll::Ready(());
        }
        let is_done = this.future.as_pin_mut().is_none_or(|future| future.poll(context).is_ready());
        if is_done {
            return Poll::Ready(());
        }
        let mut waker = lock(&this.exchange.waker);
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::sync::oneshot;
    use tokio::time::advance;

    const HEAD: Duration = Duration::from_secs(30);
    const IDLE: Duration = Duration::from_mins(1);

    #[tokio::test(start_paused = true)]
    async fn p6_only_what_the_client_keeps_waiting_counts() {
        let activity = Activity::new();
        assert_eq!(activity.look(HEAD, IDLE), Standing::Busy);
        advance(HEAD).await;
        assert_eq!(activity.look(HEAD, IDLE), Standing::Silent);
        let exchange = activity.begin(false, None);
        advance(IDLE * 2).await;
        assert_eq!(activity.look(HEAD, IDLE), Standing::Busy, "the upstream has deadlines of its own");
        exchange.is_given();
        advance(IDLE).await;
        assert_eq!(activity.look(HEAD, IDLE), Standing::Unread);
        exchange.is_taken();
        assert_eq!(activity.look(HEAD, IDLE), Standing::Busy);
        drop(exchange);
        assert_eq!(activity.look(HEAD, IDLE), Standing::Busy, "it has been quiet for a moment only");
        advance(IDLE).await;
        assert_eq!(activity.look(HEAD, IDLE), Standing::Quiet);
    }

    #[tokio::test(start_paused = true)]
    async fn p6_one_stream_is_cut_and_its_neighbour_stays() {
        let activity = Activity::new();
        let executor = Exchanges(Arc::clone(&activity));
        let (kept, mut gone) = oneshot::channel::<()>();
        let stuck = activity.begin(true, None);
        executor.execute(async move {
            let _kept = kept;
            core::future::pending::<()>().await;
        });
        let (well, mut still) = oneshot::channel::<()>();
        let neighbour = activity.begin(true, None);
        executor.execute(async move {
            let _well = well;
            core::future::pending::<()>().await;
        });
        tokio::task::yield_now().await;
        stuck.is_given();
        advance(IDLE).await;
        neighbour.is_given();
        assert_eq!(activity.look(HEAD, IDLE), Standing::Busy);
        tokio::task::yield_now().await;
        assert_eq!(gone.try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(still.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    }
}

//! One bucket for all, and one for each.

use super::rate::Rate;
use super::table::{Newcomers, Table};
use core::hash::Hash;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use governor::clock::Clock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, RateLimiter};
use std::sync::Arc;

/// Returns the time since some fixed moment.
#[derive(Clone)]
pub(super) struct Stopwatch(Arc<dyn Fn() -> Duration + Send + Sync>);

impl Stopwatch {
    pub(super) fn new(elapsed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(elapsed))
    }
}

impl Clock for Stopwatch {
    type Instant = Duration;

    fn now(&self) -> Duration {
        (self.0)()
    }
}

/// How long a refused request has to wait, and at what rate requests are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wait {
    pub(super) rate: Rate,
    pub(super) time: Duration,
}

type Middleware = governor::middleware::NoOpMiddleware<Duration>;

/// One bucket.
pub(super) struct All {
    rate: Rate,
    limiter: RateLimiter<NotKeyed, InMemoryState, Stopwatch, Middleware>,
}

impl All {
    pub(super) fn new(rate: Rate, stopwatch: Stopwatch) -> Self {
        Self { rate, limiter: RateLimiter::direct_with_clock(rate.quota(), stopwatch) }
    }

    /// Counts a request.
    pub(super) fn take(&self) -> Result<(), Wait> {
        self.limiter.check().map_err(|until| wait(self.rate, &until, self.limiter.clock()))
    }
}

/// A bucket for each key, as long as there is room.
pub(super) struct Each<K: Hash + Eq + Copy> {
    rate: Rate,
    limiter: RateLimiter<K, Table<K>, Stopwatch, Middleware>,
    most: usize,
    /// The second in which room was made last.
    swept: AtomicU64,
}

impl<K: Hash + Eq + Copy> Each<K> {
    pub(super) fn new(rate: Rate, most: usize, newcomers: Newcomers, stopwatch: Stopwatch) -> Self {
        let limiter = RateLimiter::new(rate.quota(), Table::new(most, newcomers), stopwatch);
        Self { rate, limiter, most, swept: AtomicU64::new(u64::MAX) }
    }

    /// Counts a request.
    pub(super) fn take(&self, key: &K) -> Result<(), Wait> {
        if self.limiter.len() >= self.most {
            self.sweep();
        }
        self.limiter.check_key(key).map_err(|until| wait(self.rate, &until, self.limiter.clock()))
    }

    /// Forgets those whose bucket is full again. It walks through all of them, so once a second is enough.
    #[cold]
    fn sweep(&self) {
        let second = self.limiter.clock().now().as_secs();
        if self.swept.swap(second, Ordering::Relaxed) != second {
            self.limiter.retain_recent();
        }
    }
}

fn wait(rate: Rate, until: &NotUntil<Duration>, clock: &Stopwatch) -> Wait {
    Wait { rate, time: until.wait_time_from(clock.now()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::IpAddr;

    /// A clock that the test moves.
    fn clock() -> (Stopwatch, Arc<AtomicU64>) {
        let ms = Arc::new(AtomicU64::new(0));
        let read = Arc::clone(&ms);
        (Stopwatch::new(move || Duration::from_millis(read.load(Ordering::Relaxed))), ms)
    }

    fn each(rate: &str, most: usize, newcomers: Newcomers) -> (Each<IpAddr>, Arc<AtomicU64>) {
        let (stopwatch, ms) = clock();
        (Each::new(rate.parse().expect("a rate"), most, newcomers, stopwatch), ms)
    }

    fn client(number: u32) -> IpAddr {
        IpAddr::V4(number.into())
    }

    #[test]
    fn l1_a_bucket_lets_a_burst_pass_and_fills_evenly() {
        let (stopwatch, ms) = clock();
        let rate = "4/s".parse().expect("a rate");
        let all = All::new(rate, stopwatch);
        assert_eq!((0..9).filter(|_| all.take().is_ok()).count(), 4);
        assert_eq!(all.take(), Err(Wait { rate, time: Duration::from_millis(250) }));
        ms.store(250, Ordering::Relaxed);
        assert_eq!((all.take(), all.take().is_err()), (Ok(()), true));
        ms.store(10_000, Ordering::Relaxed);
        assert_eq!((0..9).filter(|_| all.take().is_ok()).count(), 4, "it holds no more than before");
    }

    #[test]
    fn l1_clients_are_told_apart() {
        let (each, _) = each("2/s", 10, Newcomers::ShareOne);
        for number in 0..5 {
            let taken = [(); 3].map(|()| each.take(&client(number)).is_ok());
            assert_eq!(taken, [true, true, false], "{number}");
        }
    }

    #[test]
    fn l1_the_table_is_bounded_and_newcomers_share_one_bucket() {
        let (each, ms) = each("2/m", 100, Newcomers::ShareOne);
        let taken = (0..10_000).filter(|number| each.take(&client(*number)).is_ok()).count();
        assert_eq!((taken, each.limiter.len()), (102, 100), "a hundred, and two of all others");
        assert!(each.take(&client(7)).is_ok(), "who was there first keeps the own bucket");
        ms.store(120_000, Ordering::Relaxed);
        assert!(each.take(&client(20_000)).is_ok(), "whose buckets are full is forgotten");
        assert!(each.limiter.len() < 10, "{}", each.limiter.len());
    }

    #[test]
    fn l1_paid_newcomers_pass_a_full_table() {
        let (each, _) = each("1/m", 3, Newcomers::Pass);
        assert!((0..9).all(|number| each.take(&client(number)).is_ok()));
        assert!(each.take(&client(9)).is_ok() && each.take(&client(9)).is_ok());
        assert_eq!((each.limiter.len(), each.take(&client(0)).is_err()), (3, true));
    }
}

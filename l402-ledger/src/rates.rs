//! Rates that the gateways of one store share: how often the tokens of a payment may be used.
//!
//! 1. A bucket is the time at which it is full again (GCRA). A store keeps that time per payment and bucket, and deletes it then.
//! 2. A request is counted in each of its buckets, or in none. That is one atomic step and one round trip.
//! 3. Only the store's clock counts. One that is set back holds nobody up for longer than the bucket's window.
//! 4. Nothing of this is a promise to a buyer: a store may lose it.
//!
//! Threat L1.

use crate::error::StoreError;
use crate::future::BoxFuture;
use core::num::NonZeroU32;
use core::time::Duration;
use l402_core::PaymentHash;

/// Where gateways count requests together. A store has one if several gateways can share it and it is quick enough:
/// [`LedgerStore::rates`](crate::LedgerStore::rates).
///
/// ```
/// use l402_core::PaymentHash;
/// use l402_ledger::{Bucket, LedgerStore, Taken, testing::FakeStore};
/// use std::time::Duration;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let rates = FakeStore::new().rates().expect("clones share it");
/// let (payment, buckets) = (PaymentHash::from_bytes([1; 32]), [Bucket::new("weather", 2.try_into()?, Duration::from_secs(60))]);
/// for _ in 0..2 {
///     assert_eq!(rates.take(&payment, &buckets).await?, Taken::Yes);
/// }
/// assert_eq!(rates.take(&payment, &buckets).await?, Taken::No { bucket: 0, wait: Duration::from_secs(30) });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait SharedRates: Send + Sync {
    /// Counts a request of a payment in each bucket, or in none.
    ///
    /// # Errors
    /// [`StoreError`]; it may have been counted.
    fn take<'a>(&'a self, payment: &'a PaymentHash, buckets: &'a [Bucket]) -> BoxFuture<'a, Result<Taken, StoreError>>;
}

/// So many requests at once, which come back evenly within a time. It is full to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    name: Box<str>,
    requests: NonZeroU32,
    window: Duration,
}

impl Bucket {
    /// Names a bucket, which all gateways call the same, and says what it holds. A window is at most a day.
    pub fn new(name: &str, requests: NonZeroU32, window: Duration) -> Self {
        Self { name: name.into(), requests, window: window.min(A_DAY) }
    }

    /// Returns the name.
    pub const fn name(&self) -> &str {
        &self.name
    }

    /// Returns the microseconds in which one request comes back, and those in which all do.
    pub fn micros(&self) -> (u64, u64) {
        let window = u64::try_from(self.window.as_micros()).unwrap_or(u64::MAX);
        ((window / u64::from(self.requests.get())).max(1), window)
    }

    /// Counts a request: from the time at which the bucket is full to the time at which it will be, or how long the request has to wait.
    /// Times are in microseconds.
    ///
    /// # Errors
    /// The microseconds until there is room.
    pub fn take(&self, full_at: u64, now: u64) -> Result<u64, u64> {
        let (interval, window) = self.micros();
        let latest = now.saturating_add(window);
        let after = full_at.clamp(now, latest).saturating_add(interval);
        if after <= latest { Ok(after) } else { Err(after - latest) }
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was counted.
    Yes,
    /// There is no room, and nothing was counted.
    No {
        /// The position of the first bucket that has none.
        bucket: usize,
        /// When it has.
        wait: Duration,
    },
}

const A_DAY: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l1_a_bucket_gives_what_it_holds_and_no_more() {
        for (requests, window) in [(7, 1), (3, 60), (1_000_000, 1), (999_999, 3_600), (1, 3_600)] {
            let bucket = Bucket::new("a", NonZeroU32::new(requests).expect("not 0"), Duration::from_secs(window));
            let ((interval, window), mut full_at, mut taken) = (bucket.micros(), 0, 0_u32);
            while let Ok(after) = bucket.take(full_at, 1_000_000) {
                (full_at, taken) = (after, taken + 1);
            }
            assert!(
                taken >= requests && u64::from(taken - requests) <= u64::from(requests) / 1_000,
                "{taken} {requests}"
            );
            let wait = bucket.take(full_at, 1_000_000).expect_err("it is empty");
            assert!(wait <= interval && bucket.take(full_at, 1_000_000 + wait).is_ok());
            assert_eq!(bucket.take(u64::MAX, 0), Err(interval), "a clock that was set back");
            assert!(full_at <= 1_000_000 + window);
        }
    }
}

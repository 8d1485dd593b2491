//! How long to wait before LND is asked again: twice as long each time, and never the same for two clients.

use backon::ExponentialBuilder;
use core::time::Duration;

/// Without an end: each caller has a deadline of its own.
pub(super) const fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_millis(2_500)) // and up to as much again by chance
        .without_max_times()
        .with_jitter()
}

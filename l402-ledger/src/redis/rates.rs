//! Rates that gateways share: a string for each payment and bucket, which Redis deletes once the bucket is full.

use super::error::unread;
use super::{RedisStore, wire};
use crate::error::StoreError;
use crate::future::BoxFuture;
use crate::rates::{Bucket, SharedRates, Taken};
use core::time::Duration;
use l402_core::PaymentHash;
use redis::from_redis_value;

impl SharedRates for RedisStore {
    fn take<'a>(&'a self, payment: &'a PaymentHash, buckets: &'a [Bucket]) -> BoxFuture<'a, Result<Taken, StoreError>> {
        Box::pin(async move {
            let script = &self.scripts.rate;
            let keys: Vec<_> = buckets.iter().map(|bucket| self.keys.rate(payment, bucket.name())).collect();
            let command = script.command(&keys, |command| {
                for (interval, window) in buckets.iter().map(Bucket::micros) {
                    command.arg(interval).arg(window);
                }
            });
            let (bucket, wait): (usize, u64) =
                from_redis_value(self.link.run(script, &command).await?).map_err(unread)?;
            match bucket.checked_sub(1) {
                None => Ok(Taken::Yes),
                Some(bucket) if bucket < buckets.len() => Ok(Taken::No { bucket, wait: Duration::from_micros(wait) }),
                Some(_) => Err(unread(wire::Unreadable)),
            }
        })
    }
}

//! Settlements that gateways share: a string for each payment, which Redis deletes by itself.

use super::{RedisStore, wire};
use crate::error::StoreError;
use crate::future::BoxFuture;
use crate::settlements::SharedSettlements;
use l402_core::{PaymentHash, UnixSeconds};

impl SharedSettlements for RedisStore {
    fn put<'a>(
        &'a self,
        payment: &'a PaymentHash,
        record: &'a [u8],
        ends_at: UnixSeconds,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let script = &self.scripts.settlement;
            let command = script.command(&[self.keys.settlement(payment)], |command| {
                command.arg(record).arg(wire::end(ends_at));
            });
            self.link.run(script, &command).await.map(drop)
        })
    }

    fn get<'a>(&'a self, payment: &'a PaymentHash) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async move { self.link.ask(redis::cmd("GET").arg(self.keys.settlement(payment))).await })
    }
}

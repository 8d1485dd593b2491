//! Settlements that gateways share: a row for each payment.

use super::reply::signed;
use super::store::{Parameter, PostgresStore, first};
use crate::error::StoreError;
use crate::future::BoxFuture;
use crate::settlements::SharedSettlements;
use l402_core::{PaymentHash, UnixSeconds};
use tokio_postgres::types::Type;

impl SharedSettlements for PostgresStore {
    fn put<'a>(
        &'a self,
        payment: &'a PaymentHash,
        record: &'a [u8],
        ends_at: UnixSeconds,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let payment = &payment.as_bytes()[..];
            let parameters: [Parameter<'_>; 4] = [
                (&payment, Type::BYTEA),
                (&record, Type::BYTEA),
                (&signed(ends_at.get()), Type::INT8),
                (&self.ahead(), Type::INT8),
            ];
            self.call(&self.statements.put_settlement, &parameters).await.map(drop)
        })
    }

    fn get<'a>(&'a self, payment: &'a PaymentHash) -> BoxFuture<'a, Result<Option<Vec<u8>>, StoreError>> {
        Box::pin(async move {
            let payment = &payment.as_bytes()[..];
            let parameters: [Parameter<'_>; 2] = [(&payment, Type::BYTEA), (&self.ahead(), Type::INT8)];
            let rows = self.call(&self.statements.settlement_of, &parameters).await?;
            Ok(first(&rows)?.get(0))
        })
    }
}

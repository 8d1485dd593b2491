//! What the paying layer asks of the store.

use super::{FileStore, POLL, StoreError};
use crate::store::payments::PaymentsError;
use core::time::Duration;
use http::{HeaderValue, Method};
use l402_core::PaymentHash;
use l402_http::pay::{AttemptLog, Consent, Consents, Lease, Leases, Origin, Taken, Token, TokenStore, Turn, Turns};
use tokio::time::{Instant, sleep};

impl TokenStore for FileStore {
    type Error = StoreError;

    async fn tokens(&self, origin: &Origin) -> Result<Vec<Token>, StoreError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let origin = origin.clone();
            match self.blocking(move |inner| inner.tokens(&origin)).await {
                Err(StoreError::Payments(PaymentsError::Held(_))) if Instant::now() < deadline => sleep(POLL).await,
                result => return result,
            }
        }
    }

    async fn put(&self, origin: &Origin, token: &Token) -> Result<(), StoreError> {
        let (origin, token) = (origin.clone(), token.clone());
        self.blocking(move |inner| inner.put(&origin, &token)).await
    }

    async fn forget(&self, _: &Origin, hash: &PaymentHash) -> Result<(), StoreError> {
        let hash = *hash;
        self.blocking(move |inner| inner.forget(&hash)).await
    }
}

impl Turns for FileStore {
    async fn enter(
        &self,
        origin: &Origin,
        method: &Method,
        path: &str,
        patience: Duration,
    ) -> Result<Option<Turn>, StoreError> {
        let begun = Instant::now();
        loop {
            let (origin, method, path) = (origin.clone(), method.clone(), path.to_owned());
            let turn = self
                .blocking(move |inner| inner.payments.try_turn(&origin, &method, &path).map_err(StoreError::Payments));
            match turn.await? {
                Some(turn) => return Ok(Some(Turn::new(turn))),
                None if begun.elapsed() >= patience => return Ok(None),
                None => sleep(POLL).await,
            }
        }
    }
}

impl Leases for FileStore {
    async fn lease(&self, _: &Origin, token: &Token) -> Result<Option<Lease>, StoreError> {
        let wanted = token.clone();
        let is_leased = self.blocking(move |inner| inner.lease(&wanted)).await?;
        if is_leased && token.is_counted() {
            self.renew();
        }
        // It ends with the answer, with another token, or with the call: a request that is sent again has its use for itself.
        Ok(is_leased.then(Lease::default))
    }

    async fn used(&self, _: &Origin, token: &Token, said: Taken) -> Result<(), StoreError> {
        if said.told.is_some() || (said.is_used && token.is_counted()) {
            self.0.state().taken.push((token.payment_hash, said));
        }
        Ok(())
    }

    async fn settled(&self, _: &Origin, hash: &PaymentHash, patience: Duration) -> Result<Option<Token>, StoreError> {
        self.await_buyer(hash, patience).await
    }
}

impl Consents for FileStore {
    async fn consent(&self, origin: &Origin, token: &Token) -> Result<Option<Consent>, StoreError> {
        self.consider(origin, token).await
    }
}

impl AttemptLog for FileStore {
    async fn presents(&self, origin: &Origin, token: &Token) -> Option<HeaderValue> {
        let (origin, token) = (origin.clone(), token.clone());
        self.blocking(move |inner| Ok(inner.presents(&origin, &token))).await.ok().flatten()
    }
}

/// How long to wait for somebody who sees to a payment for the same request, and is not its buyer.
const PATIENCE: Duration = Duration::from_secs(10);

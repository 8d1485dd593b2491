//! Who pays, and whose turn it is to pay.

use super::flight::{Flight, Flights, Purpose};
use super::{PaySettings, PayStore, RequestError, Standing, Token};
use l402_lightning::Cause;
use tokio::time::{Instant, timeout};

/// Who pays, from what, and within which limits.
#[derive(Debug)]
pub(super) struct Payer<W, T> {
    pub(super) wallet: W,
    pub(super) store: T,
    pub(super) settings: PaySettings,
    pub(super) flights: Flights,
}

impl<W, T> Payer<W, T> {
    pub(super) fn new(wallet: W, store: T, settings: PaySettings) -> Self {
        Self { wallet, store, settings, flights: Flights::default() }
    }
}

impl<W, T: PayStore> Payer<W, T> {
    /// Waits until no other request buys for this purpose, in this process or another one that shares the store.
    pub(super) async fn enter<E>(&self, purpose: &Purpose) -> Result<Flight, RequestError<E>> {
        let (begun, patience) = (Instant::now(), self.settings.patience);
        let guard = timeout(patience, self.flights.enter(purpose)).await.map_err(|_| RequestError::Busy)?;
        let Purpose { origin, method, path } = purpose;
        let left = patience.saturating_sub(begun.elapsed());
        let turn = self.store.enter(origin, method, path, left).await.map_err(store)?;
        Ok(Flight::new(turn.ok_or(RequestError::Busy)?, guard))
    }
}

/// Tells whether a token of the purpose's origin was bought for it.
pub(super) fn is_for(token: &Token, purpose: &Purpose) -> bool {
    token.method == purpose.method && token.path == purpose.path
}

/// Tells whether others may use a token while its buyer has not been served yet: one that is counted, of a server that has accepted
/// another one.
pub(super) fn is_shared_at_once(token: &Token, paid: &[Token]) -> bool {
    token.is_counted() && paid.iter().any(|token| token.standing == Standing::Served)
}

pub(super) fn store<E>(error: impl Into<Cause>) -> RequestError<E> {
    RequestError::Store(error.into())
}

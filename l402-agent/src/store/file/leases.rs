//! The uses that a call holds.

use super::{FileStore, Inner, POLL, Reuse, StoreError};
use crate::store::share::LEASE;
use core::time::Duration;
use l402_core::PaymentHash;
use l402_http::pay::{Taken, Token};
use std::sync::{Arc, Weak};
use tokio::task;
use tokio::time::{Instant, sleep};

impl Inner {
    /// Takes a use of a token for this call; a token that is not counted has no end of them.
    pub(super) fn lease(&self, token: &Token) -> Result<bool, StoreError> {
        let (hash, is_isolated) = (token.payment_hash, self.reuse == Reuse::Isolated);
        if self.state().foreign.contains(&hash) {
            return Ok(false);
        }
        if is_isolated || !token.is_counted() {
            return Ok(true);
        }
        let kept: Vec<_> = self.state().taken.iter().map(|(hash, _)| *hash).collect();
        let mut state = self.state();
        (state.is_leasing, state.is_committed) = (true, true);
        drop(state);
        self.tokens.lease(token, self.payer.call, &kept).map_err(StoreError::Tokens)
    }

    /// Notes what responses say of the uses that they took, and gives back what this call holds.
    pub(super) fn count(&self, taken: &[(PaymentHash, Taken)]) -> Result<(), StoreError> {
        if self.reuse == Reuse::Isolated {
            return Ok(());
        }
        self.tokens.used(taken, self.payer.call).map_err(StoreError::Tokens)?;
        self.state().is_leasing = false;
        Ok(())
    }

    /// Looks what became of a purchase of somebody else.
    fn settled(&self, hash: &PaymentHash) -> Result<Settled, StoreError> {
        let intent = self.payments.intent(hash).map_err(StoreError::Payments)?;
        if let Some(intent) = intent {
            let is_held = self.payments.is_held(hash).map_err(StoreError::Payments)?;
            return Ok(if is_held { Settled::UnderWay } else { Settled::With(Some(Box::new(intent.token()))) });
        }
        let kept = self.tokens.find(hash).map_err(StoreError::Tokens)?;
        Ok(Settled::With(kept.map(|kept| Box::new(kept.into()))))
    }
}

impl FileStore {
    /// Waits while somebody else pays for a token.
    pub(super) async fn await_buyer(
        &self,
        hash: &PaymentHash,
        patience: Duration,
    ) -> Result<Option<Token>, StoreError> {
        let begun = Instant::now();
        loop {
            let hash = *hash;
            match self.blocking(move |inner| inner.settled(&hash)).await? {
                Settled::With(token) => return Ok(token.map(|token| *token)),
                Settled::UnderWay if begun.elapsed() >= patience => return Ok(None),
                Settled::UnderWay => sleep(POLL).await,
            }
        }
    }

    /// Lets the leases of this call last as long as the call, once.
    pub(crate) fn renew(&self) {
        let mut state = self.0.state();
        if !core::mem::replace(&mut state.is_renewing, true) {
            drop(task::spawn(renewing(Arc::downgrade(&self.0))));
        }
    }
}

/// What became of a purchase.
enum Settled {
    /// It is still under way.
    UnderWay,
    /// It came to this token, or to none. One without its proof was left by its buyer.
    With(Option<Box<Token>>),
}

async fn renewing(inner: Weak<Inner>) {
    loop {
        sleep(LEASE / 3).await;
        let Some(inner) = inner.upgrade() else { return };
        if inner.state().is_leasing {
            // One that cannot be renewed ends: others may use the token then, and the server says whether there is a use left.
            let _ = task::spawn_blocking(move || inner.tokens.renew(inner.payer.call)).await;
        }
    }
}

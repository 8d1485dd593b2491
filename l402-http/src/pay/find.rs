//! What a request is sent with: a token that is held, or one that somebody else pays for at this moment, before anything is bought.
//!
//! 1. Who finds a purchase under way that has a use left takes it, and waits. The others buy at once.
//! 2. Where the purchase comes to nothing, the search begins again. All of it has one deadline.
//! 3. The first purchase from an origin goes alone until it has served: a server that takes money for nothing gets it once. So does one
//!    that does not say how many uses it has, or that says it is unlimited: nobody knows before.

// Threats: A9.

use super::flight::{Flight, Purpose};
use super::payer::{Payer, store};
use super::purchase::Stored;
use super::{Lease, PayStore, RequestError, Token, Unanswered};
use l402_core::PaymentHash;
use l402_lightning::PaymentSource;
use tokio::time::Instant;

/// What there is for a request.
pub(super) enum Found {
    /// A token, and a use of it.
    Held(Token, Lease),
    /// Nothing; the flight says that nobody else buys for the purpose before it is dropped.
    Nothing(Stored, Flight),
}

impl Found {
    /// Returns the token, where there is one.
    pub(super) fn held(self) -> Option<(Token, Lease)> {
        match self {
            Self::Held(token, lease) => Some((token, lease)),
            Self::Nothing(..) => None,
        }
    }
}

/// What is looked for.
pub(super) struct Search<'a> {
    /// The token of the challenge, where there is one yet.
    pub(super) sold: Option<&'a str>,
    /// What did not open it.
    pub(super) refused: &'a [Token],
    /// What an earlier attempt was sent with.
    pub(super) unanswered: Option<Unanswered>,
}

impl<W: PaymentSource, T: PayStore> Payer<W, T> {
    /// Finds what a request is sent with.
    pub(super) async fn find<E>(&self, search: Search<'_>, purpose: &Purpose) -> Result<Found, RequestError<E>> {
        let (begun, patience) = (Instant::now(), self.settings.patience);
        loop {
            // A request that buys for the same purpose now is waited for: its token must first serve itself, or be shared.
            let flight = self.enter(purpose).await?;
            let stored = self.stored(purpose).await?;
            if let Some(token) = search.unanswered.and_then(|Unanswered(hash)| self.unanswered(&stored.paid, &hash)) {
                return Ok(Found::Held(token, Lease::default())); // its use was taken then
            }
            if let Some((token, lease)) = self.choose(&stored.paid, purpose, search.sold, search.refused).await? {
                return Ok(Found::Held(token, lease));
            }
            let Some((hash, lease)) = self.join(&stored.under_way, purpose).await? else {
                return Ok(Found::Nothing(stored, flight));
            };
            drop(flight);
            let left = patience.saturating_sub(begun.elapsed());
            let settled = self.store.settled(&purpose.origin, &hash, left).await.map_err(store)?;
            if let Some(token) = settled.filter(|token| token.preimage.is_some()) {
                return Ok(Found::Held(token, lease));
            }
            if begun.elapsed() >= patience {
                return Err(RequestError::Busy);
            }
        }
    }

    /// Takes a use of what somebody else pays for, where one is left.
    async fn join<E>(
        &self,
        under_way: &[Token],
        purpose: &Purpose,
    ) -> Result<Option<(PaymentHash, Lease)>, RequestError<E>> {
        for token in under_way.iter().filter(|token| self.settings.token_field.carries(&token.text)) {
            if let Some(lease) = self.store.lease(&purpose.origin, token).await.map_err(store)? {
                return Ok(Some((token.payment_hash, lease)));
            }
        }
        Ok(None)
    }
}

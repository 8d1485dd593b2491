//! What the paying layer asks of a store, each by a contract of its own.
//!
//! 1. [`TokenStore`] keeps what was bought, and what is about to be.
//! 2. [`Turns`] lets one buyer at a time decide for the same method and path of an origin.
//! 3. [`Leases`] lets no more callers use a token at once than it has uses.
//! 4. [`AttemptLog`] remembers which requests were sent, until their answers have come whole.
//! 5. [`Consents`] asks somebody before a payment.
//!
//! Only the first must be written. The others do nothing by themselves, which is right for a store that one layer has alone.
//! [`MemoryStore`](super::MemoryStore) keeps the first and the third, the store of `l402-agent` all of them.

// Threats: A4, A6, A9.

use super::{Origin, Token};
use core::fmt;
use core::pin::Pin;
use core::time::Duration;
use http::{HeaderValue, Method};
use l402_core::PaymentHash;
use l402_lightning::Cause;
use std::sync::Arc;

/// Keeps tokens, for as long as they are worth something: each was paid for.
///
/// A store is durable when its futures complete: a token is written before its payment is sent, again with the proof, and
/// only then used.
pub trait TokenStore: Send + Sync {
    /// Why the store cannot be read or written.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Returns all tokens of an origin and of no other, in any order.
    ///
    /// # Errors
    /// When it is not known which tokens there are; nothing is paid then.
    fn tokens(&self, origin: &Origin) -> impl Future<Output = Result<Vec<Token>, Self::Error>> + Send;

    /// Adds a token, in place of one with the same payment hash.
    ///
    /// A token without its proof is about to be paid for. Its payment hash must be new, or that of the same token without a proof
    /// at the same origin: a wallet that is asked to pay the same invoice again hands out the same preimage, and a server that
    /// shows a challenge that was paid at another origin would get that origin's token.
    ///
    /// # Errors
    /// When the token may be lost, or its payment was made before; it is neither paid nor used then.
    fn put(&self, origin: &Origin, token: &Token) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Removes a token; one that is not there is no error.
    ///
    /// # Errors
    /// When the token may still be there.
    fn forget(&self, origin: &Origin, hash: &PaymentHash) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// Remembers requests whose answers have not come whole.
pub trait AttemptLog: TokenStore {
    /// Takes note that a request is about to be sent with a token, and returns the `Idempotency-Key` that it is to carry where it has
    /// none. A store that remembers both until the response has come whole can have it asked for again ([`Unanswered`](super::Unanswered)).
    /// Where that fails the request is sent all the same. Unless it is implemented, nothing is noted.
    fn presents(&self, origin: &Origin, token: &Token) -> impl Future<Output = Option<HeaderValue>> + Send {
        let _ = (origin, token);
        core::future::ready(None)
    }
}

/// Lets one buyer at a time decide what to buy.
pub trait Turns: TokenStore {
    /// Waits, no longer than `patience`, for the turn to buy for requests of a method to a path of an origin; [`None`] where
    /// somebody else had it until then.
    ///
    /// Only a store that several processes, or several layers, share needs turns of its own: within one layer there is one
    /// buyer at a time. Unless it is implemented, buyers do not wait for each other.
    ///
    /// # Errors
    /// When it is not known whether somebody else has the turn; nothing is paid then.
    fn enter(
        &self,
        origin: &Origin,
        method: &Method,
        path: &str,
        patience: Duration,
    ) -> impl Future<Output = Result<Option<Turn>, Self::Error>> + Send {
        let _ = (origin, method, path, patience);
        core::future::ready(Ok(Some(Turn::default())))
    }
}

/// Lets no more callers use a token at once than it has uses.
pub trait Leases: TokenStore {
    /// Takes a use of a token for one request, until the lease is dropped; [`None`] where as many callers hold one as uses are left,
    /// or where the token is not for this caller. A token that is paid for by this caller is leased to it first. Unless it is
    /// implemented, every caller gets one.
    ///
    /// # Errors
    /// When it is not known who holds the token; it is not used then.
    fn lease(&self, origin: &Origin, token: &Token) -> impl Future<Output = Result<Option<Lease>, Self::Error>> + Send {
        let _ = (origin, token);
        core::future::ready(Ok(Some(Lease::default())))
    }

    /// Takes note of what a response says of the use that it took. Only the head of the response has come: a store that learns when
    /// the body has, too, may wait for it, because a token whose response was cut off may still give it again. Unless it is
    /// implemented, the token is put at once, with the [`uses_left`](Token::uses_left) that the response says.
    ///
    /// # Errors
    /// As [`put`](TokenStore::put).
    fn used(
        &self,
        origin: &Origin,
        token: &Token,
        said: Taken,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        async move { if said.told.is_some() { self.put(origin, token).await } else { Ok(()) } }
    }

    /// Waits, no longer than `patience`, while somebody else pays for a token ([`Token::is_under_way`]). Returns the token as it is
    /// then, [`None`] where it was not paid or is still under way. Unless it is implemented, it is looked up once.
    ///
    /// # Errors
    /// As [`tokens`](TokenStore::tokens).
    fn settled(
        &self,
        origin: &Origin,
        hash: &PaymentHash,
        patience: Duration,
    ) -> impl Future<Output = Result<Option<Token>, Self::Error>> + Send {
        let _ = patience;
        async move { Ok(self.tokens(origin).await?.into_iter().find(|token| token.payment_hash == *hash)) }
    }
}

/// Asks somebody before a payment.
pub trait Consents: TokenStore {
    /// Says whether somebody must agree before a token is paid for, who is then waited for: nobody, unless it is implemented.
    ///
    /// The turn to buy is given back meanwhile. Afterwards the request begins anew, and the store is asked again: somebody else may have
    /// bought the same.
    ///
    /// # Errors
    /// When it must not be paid.
    fn consent(
        &self,
        origin: &Origin,
        token: &Token,
    ) -> impl Future<Output = Result<Option<Consent>, Self::Error>> + Send {
        let _ = (origin, token);
        core::future::ready(Ok(None))
    }
}

/// All that the paying layer asks of a store.
pub trait PayStore: AttemptLog + Turns + Leases + Consents {}

impl<T: AttemptLog + Turns + Leases + Consents> PayStore for T {}

/// Waits for somebody's consent to a payment. No answer is no, which is an error.
pub struct Consent(Pin<Box<dyn Future<Output = Result<(), Cause>> + Send>>);

impl Consent {
    /// Takes what waits for it.
    pub fn new(wait: impl Future<Output = Result<(), Cause>> + Send + 'static) -> Self {
        Self(Box::pin(wait))
    }

    pub(super) async fn given(self) -> Result<(), Cause> {
        self.0.await
    }
}

impl fmt::Debug for Consent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consent").finish_non_exhaustive()
    }
}

/// What a response says of the use of its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Taken {
    /// How many uses are left, where the server says so.
    pub told: Option<u64>,
    /// Whether a use certainly went.
    pub is_used: bool,
}

/// A use of a token, held for one request; given back when it is dropped.
#[derive(Default)]
pub struct Lease {
    _holder: Option<Box<dyn Send + Sync>>,
}

impl Lease {
    /// Takes what gives the use back when it is dropped.
    pub fn new(holder: impl Send + Sync + 'static) -> Self {
        Self { _holder: Some(Box::new(holder)) }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}

/// The turn to buy something; given back when it is dropped.
#[derive(Default)]
pub struct Turn {
    _holder: Option<Box<dyn Send + Sync>>,
}

impl Turn {
    /// Takes what gives the turn back when it is dropped, such as a lock.
    pub fn new(holder: impl Send + Sync + 'static) -> Self {
        Self { _holder: Some(Box::new(holder)) }
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").finish_non_exhaustive()
    }
}

impl<T: TokenStore> TokenStore for Arc<T> {
    type Error = T::Error;

    async fn tokens(&self, origin: &Origin) -> Result<Vec<Token>, T::Error> {
        (**self).tokens(origin).await
    }

    async fn put(&self, origin: &Origin, token: &Token) -> Result<(), T::Error> {
        (**self).put(origin, token).await
    }

    async fn forget(&self, origin: &Origin, hash: &PaymentHash) -> Result<(), T::Error> {
        (**self).forget(origin, hash).await
    }
}

impl<T: AttemptLog> AttemptLog for Arc<T> {
    async fn presents(&self, origin: &Origin, token: &Token) -> Option<HeaderValue> {
        (**self).presents(origin, token).await
    }
}

impl<T: Consents> Consents for Arc<T> {
    async fn consent(&self, origin: &Origin, token: &Token) -> Result<Option<Consent>, T::Error> {
        (**self).consent(origin, token).await
    }
}

impl<T: Turns> Turns for Arc<T> {
    async fn enter(
        &self,
        origin: &Origin,
        method: &Method,
        path: &str,
        patience: Duration,
    ) -> Result<Option<Turn>, T::Error> {
        (**self).enter(origin, method, path, patience).await
    }
}

impl<T: Leases> Leases for Arc<T> {
    async fn lease(&self, origin: &Origin, token: &Token) -> Result<Option<Lease>, T::Error> {
        (**self).lease(origin, token).await
    }

    async fn used(&self, origin: &Origin, token: &Token, said: Taken) -> Result<(), T::Error> {
        (**self).used(origin, token, said).await
    }

    async fn settled(
        &self,
        origin: &Origin,
        hash: &PaymentHash,
        patience: Duration,
    ) -> Result<Option<Token>, T::Error> {
        (**self).settled(origin, hash, patience).await
    }
}

//! Tokens that were bought, by origin.

// Threats: A4, A6, A9.

use super::Origin;
use core::fmt;
use core::pin::Pin;
use core::time::Duration;
use http::{HeaderValue, Method};
use l402_core::purchase::{Asked, Record, Status};
use l402_core::{Msat, PaymentHash, Preimage, Scheme, UnixSeconds};
use l402_lightning::{Cause, Invoice, PaymentStatus};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A token, from the moment that its payment is about to be sent.
#[derive(Clone)]
pub struct Token {
    /// The scheme of the challenge, which the credential mirrors.
    pub scheme: Scheme,
    /// The macaroon: padded standard base64.
    pub text: String,
    /// What its payment proves.
    pub payment_hash: PaymentHash,
    /// The proof; [`None`] while it is not known whether the payment succeeded.
    pub preimage: Option<Preimage>,
    /// What was paid for it.
    pub amount_msat: Msat,
    /// What routing cost; 0 while the payment is not known to have succeeded.
    pub fee_msat: Msat,
    /// The method of the request that it was bought for.
    pub method: Method,
    /// The path of that request, without its query.
    pub path: String,
    /// When the payment was about to be sent.
    pub bought_at: UnixSeconds,
    /// Whether a server has accepted it.
    pub standing: Standing,
    /// How many uses are left, as far as servers have said: 0 once the last one went.
    pub uses_left: Option<u64>,
    /// What the wallet is asked to do. The layer always says so before it pays. Where a store leaves it out, a payment that the
    /// wallet knows nothing of is forgotten, and the next call pays another invoice.
    pub order: Option<Order>,
}

/// Whether a server has accepted a token that was bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// Not yet.
    #[default]
    New,
    /// Yes, at least once. Where it is refused later, it has ended, and another may be bought.
    Served,
    /// It was refused, and never accepted: the money bought nothing so far, and the server is not paid again by itself.
    Refused,
}

/// What a wallet is asked to pay, and within which limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The invoice, BOLT11.
    pub invoice: String,
    /// The most that routing may cost.
    pub max_fee_msat: Msat,
    /// For how many blocks the money may be locked on its way, in total.
    pub max_cltv_expiry_delta: u32,
    /// Whether the wallet was asked before.
    pub asking: Asking,
}

/// Whether a wallet was asked before to pay the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// It was not.
    First,
    /// It was, and knew nothing of it: it may read that request after this one, so that the failure of one says nothing of the
    /// other.
    Again,
}

impl Order {
    /// Returns what decides about a payment, of which the store has kept this or nothing.
    pub fn record(order: Option<&Self>) -> Record {
        let asked = match order {
            None => Asked::Unrecorded,
            Some(Self { asking: Asking::First, .. }) => Asked::Once,
            Some(Self { asking: Asking::Again, .. }) => Asked::Repeatedly,
        };
        let invoice = order.and_then(|order| Invoice::parse(&order.invoice).ok());
        Record { invoice_expires_at: invoice.map(|invoice| invoice.expires_at()), asked }
    }
}

/// Returns what a wallet's words mean for the payment of a hash.
pub fn payment_status(found: &PaymentStatus, hash: &PaymentHash) -> Status {
    match found {
        PaymentStatus::Succeeded(paid) if paid.preimage.matches(hash) => Status::Proven,
        PaymentStatus::Succeeded(_) => Status::WrongProof,
        PaymentStatus::Pending => Status::Pending,
        PaymentStatus::Failed => Status::Failed,
        PaymentStatus::NotFound => Status::NotFound,
    }
}

impl fmt::Debug for Token {
    /// Leaves out what makes the credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("payment_hash", &self.payment_hash)
            .field("paid", &self.preimage.is_some())
            .field("amount_msat", &self.amount_msat.get())
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

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

    /// Takes note that a request is about to be sent with a token, and returns the `Idempotency-Key` that it is to carry where it has
    /// none. A store that remembers both until the response has come whole can have it asked for again ([`Unanswered`](super::Unanswered)).
    /// Where that fails the request is sent all the same. Unless it is implemented, nothing is noted.
    fn presents(&self, origin: &Origin, token: &Token) -> impl Future<Output = Option<HeaderValue>> + Send {
        let _ = (origin, token);
        core::future::ready(None)
    }

    /// Takes note of how many uses a response leaves of its token, which has [`uses_left`](Token::uses_left). Only the head of the
    /// response has come: a store that learns when the body has, too, may wait for it, because a token whose response was cut off may
    /// still give it again. Unless it is implemented, the token is put at once.
    ///
    /// # Errors
    /// As [`put`](TokenStore::put).
    fn used(&self, origin: &Origin, token: &Token) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.put(origin, token)
    }

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

    /// Removes a token; one that is not there is no error.
    ///
    /// # Errors
    /// When the token may still be there.
    fn forget(&self, origin: &Origin, hash: &PaymentHash) -> impl Future<Output = Result<(), Self::Error>> + Send;

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

    async fn presents(&self, origin: &Origin, token: &Token) -> Option<HeaderValue> {
        (**self).presents(origin, token).await
    }

    async fn used(&self, origin: &Origin, token: &Token) -> Result<(), T::Error> {
        (**self).used(origin, token).await
    }

    async fn consent(&self, origin: &Origin, token: &Token) -> Result<Option<Consent>, T::Error> {
        (**self).consent(origin, token).await
    }

    async fn forget(&self, origin: &Origin, hash: &PaymentHash) -> Result<(), T::Error> {
        (**self).forget(origin, hash).await
    }

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

/// A store that ends with the process. Clones share their tokens.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<HashMap<Origin, Vec<Token>>>>);

impl MemoryStore {
    /// Returns an empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Origin, Vec<Token>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TokenStore for MemoryStore {
    type Error = PaidBefore;

    async fn tokens(&self, origin: &Origin) -> Result<Vec<Token>, PaidBefore> {
        Ok(self.lock().get(origin).cloned().unwrap_or_default())
    }

    async fn put(&self, origin: &Origin, token: &Token) -> Result<(), PaidBefore> {
        let mut origins = self.lock();
        let same = origins.iter().flat_map(|(at, tokens)| tokens.iter().map(move |other| (at, other)));
        let mut same = same.filter(|(_, other)| other.payment_hash == token.payment_hash);
        let is_open =
            |(at, other): (&Origin, &Token)| at == origin && other.preimage.is_none() && other.text == token.text;
        if token.preimage.is_none() && !same.all(is_open) {
            return Err(PaidBefore);
        }
        let tokens = origins.entry(origin.clone()).or_default();
        tokens.retain(|other| other.payment_hash != token.payment_hash);
        tokens.push(token.clone());
        Ok(())
    }

    async fn forget(&self, origin: &Origin, hash: &PaymentHash) -> Result<(), PaidBefore> {
        if let Some(tokens) = self.lock().get_mut(origin) {
            tokens.retain(|token| token.payment_hash != *hash);
        }
        Ok(())
    }
}

/// The payment of a new token was made before, or is under way, for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaidBefore;

impl fmt::Display for PaidBefore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the invoice was paid before, for another token")
    }
}

impl core::error::Error for PaidBefore {}

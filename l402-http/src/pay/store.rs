//! Tokens that were bought, by origin.

use super::Origin;
use core::fmt;
use http::Method;
use l402_core::{PaymentHash, Preimage, Scheme};
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
    /// What was paid for it, in millisatoshi.
    pub amount_msat: u64,
    /// What routing cost, in millisatoshi; 0 while the payment is not known to have succeeded.
    pub fee_msat: u64,
    /// The method of the request that it was bought for.
    pub method: Method,
    /// The path of that request, without its query.
    pub path: String,
    /// When the payment was about to be sent, in Unix seconds.
    pub bought_at: u64,
    /// What the wallet is asked to do. The layer always says so before it pays, and never reads it back: a store may leave it out.
    pub order: Option<Order>,
}

/// What a wallet is asked to pay, and within which limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The invoice, BOLT11.
    pub invoice: String,
    /// The most that routing may cost, in millisatoshi.
    pub max_fee_msat: u64,
    /// For how many blocks the money may be locked on its way, in total.
    pub max_cltv_expiry_delta: u32,
}

impl fmt::Debug for Token {
    /// Leaves out what makes the credential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("payment_hash", &self.payment_hash)
            .field("paid", &self.preimage.is_some())
            .field("amount_msat", &self.amount_msat)
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Keeps tokens, for as long as they are worth something: each was paid for.
///
/// A store is durable when its futures complete: a token is written before its payment is sent, again with the proof, and
/// only then used (threat A4).
pub trait TokenStore: Send + Sync {
    /// Why the store cannot be read or written.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Returns all tokens of an origin and of no other (threat A6), in any order.
    ///
    /// # Errors
    /// When it is not known which tokens there are; nothing is paid then.
    fn tokens(&self, origin: &Origin) -> impl Future<Output = Result<Vec<Token>, Self::Error>> + Send;

    /// Adds a token, in place of one with the same payment hash.
    ///
    /// A token without its proof is about to be paid for. Its payment hash must be new: a wallet that is asked to pay the same
    /// invoice again hands out the same preimage, and whoever shows a challenge that was paid at another origin would get
    /// that origin's token (threat A6).
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
        if token.preimage.is_none() && origins.values().flatten().any(|other| other.payment_hash == token.payment_hash)
        {
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

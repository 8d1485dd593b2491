//! Money: what is bought, what it cost, and what became of it (threat A4).
//!
//! 1. A token is in the store before its payment is sent. It stays there until it is certain that no money moved.
//! 2. Whoever buys, or asks what became of a purchase, holds the flight of its purpose.

use super::flight::{Flights, Purpose};
use super::quote::Quote;
use super::{Order, PayError, PaySettings, Token, TokenStore};
use l402_core::{Exchange, PayOrder, WrongPreimage};
use l402_lightning::{Cause, Paid, PayLimit, PaymentSource, PaymentStatus};
use std::time::SystemTime;

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

impl<W: PaymentSource, T: TokenStore> Payer<W, T> {
    /// Returns the tokens of the origin that can be used, after asking what became of payments for this purpose.
    pub(super) async fn paid_tokens<E>(&self, purpose: &Purpose) -> Result<Vec<Token>, PayError<E>> {
        let mut paid = Vec::new();
        for token in self.store.tokens(&purpose.origin).await.map_err(store)? {
            if token.preimage.is_some() {
                paid.push(token);
            } else if is_for(&token, purpose) {
                paid.extend(self.resolve(token, purpose).await?);
            }
        }
        Ok(paid)
    }

    /// Buys the token of a quote.
    pub(super) async fn buy<E>(
        &self,
        exchange: &mut Exchange,
        quote: &Quote,
        purpose: &Purpose,
    ) -> Result<Token, PayError<E>> {
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        let order = self.order(exchange, quote, now)?;
        let token = Token {
            scheme: quote.scheme(),
            text: quote.token().to_owned(),
            payment_hash: order.payment_hash,
            preimage: None,
            amount_msat: order.amount_msat,
            fee_msat: 0,
            method: purpose.method.clone(),
            path: purpose.path.clone(),
            bought_at: now,
            order: Some(Order {
                invoice: quote.invoice().to_string(),
                max_fee_msat: order.max_fee_msat,
                max_cltv_expiry_delta: self.settings.max_cltv_expiry_delta,
            }),
        };
        self.store.put(&purpose.origin, &token).await.map_err(store)?;
        let paid = self.pay(quote, &order, purpose).await?;
        exchange
            .paid(&order, &paid.preimage)
            .map_err(|wrong| PayError::PaymentUnknown { payment_hash: order.payment_hash, cause: wrong.into() })?;
        self.prove(token, paid, purpose).await
    }

    fn order<E>(&self, exchange: &Exchange, quote: &Quote, now: u64) -> Result<PayOrder, PayError<E>> {
        let (expected, found) = (self.wallet.network(), quote.invoice().network());
        if expected != found {
            return Err(PayError::WrongNetwork { expected, found });
        }
        exchange.authorize(quote.identifier(), &quote.invoice().facts(), now).map_err(PayError::Declined)
    }

    async fn pay<E>(&self, quote: &Quote, order: &PayOrder, purpose: &Purpose) -> Result<Paid, PayError<E>> {
        let payment_hash = order.payment_hash;
        let limit = PayLimit {
            max_fee_msat: order.max_fee_msat,
            max_cltv_expiry_delta: self.settings.max_cltv_expiry_delta,
            timeout: self.settings.payment_timeout,
        };
        match self.wallet.pay(quote.invoice(), limit).await {
            Ok(paid) => Ok(paid),
            Err(error) if error.is_unknown() => Err(PayError::PaymentUnknown { payment_hash, cause: error.into() }),
            Err(error) => {
                self.store.forget(&purpose.origin, &payment_hash).await.map_err(store)?;
                Err(PayError::PaymentFailed(error))
            }
        }
    }

    /// Asks the wallet about a payment whose outcome is not known; [`None`] where it is certain that no money moved.
    async fn resolve<E>(&self, token: Token, purpose: &Purpose) -> Result<Option<Token>, PayError<E>> {
        let payment_hash = token.payment_hash;
        let unknown = |cause| PayError::PaymentUnknown { payment_hash, cause };
        match self.wallet.payment(&payment_hash).await.map_err(|error| unknown(error.into()))? {
            PaymentStatus::Succeeded(paid) if paid.preimage.matches(&payment_hash) => {
                self.prove(token, paid, purpose).await.map(Some)
            }
            PaymentStatus::Succeeded(_) => Err(unknown(WrongPreimage.into())),
            PaymentStatus::Pending => Err(unknown("the payment is still under way".into())),
            PaymentStatus::NotFound | PaymentStatus::Failed => {
                self.store.forget(&purpose.origin, &payment_hash).await.map_err(store)?;
                Ok(None)
            }
        }
    }

    /// Stores the proof of a payment; the token can be used then.
    async fn prove<E>(&self, mut token: Token, paid: Paid, purpose: &Purpose) -> Result<Token, PayError<E>> {
        token.preimage = Some(paid.preimage);
        token.fee_msat = paid.fee_msat;
        let stored = self.store.put(&purpose.origin, &token).await;
        stored.map_err(|error| PayError::NotStored { payment_hash: token.payment_hash, cause: error.into() })?;
        Ok(token)
    }
}

/// Tells whether a token of the purpose's origin was bought for it.
pub(super) fn is_for(token: &Token, purpose: &Purpose) -> bool {
    token.method == purpose.method && token.path == purpose.path
}

fn store<E>(error: impl Into<Cause>) -> PayError<E> {
    PayError::Store(error.into())
}

//! Money: what is bought, what it cost, and what became of it (threat A4).
//!
//! 1. A token is in the store before its payment is sent. It stays there until it is certain that no money moved.
//! 2. While an invoice may still be paid, its payment is never replaced by that of another: a wallet that knows nothing of it may only
//!    not have read the request. The same invoice is paid again, which moves money once; and since the wallet may read the first
//!    request after that, a failure of the second is none of the payment.
//! 3. A payment that is under way is waited for, by asking the wallet to pay the same invoice within the same limits: whoever began
//!    it may be gone, and a wallet that was stopped may have recorded it and sent nothing.
//! 4. Whoever buys, or asks what became of a purchase, holds the flight of its purpose.

use super::flight::{Flights, Purpose};
use super::quote::Quote;
use super::{Order, PayError, PaySettings, Standing, Token, TokenStore};
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
    /// Returns the tokens of the origin that the field carries, after asking what became of payments for this purpose.
    pub(super) async fn stored<E>(&self, purpose: &Purpose) -> Result<Stored, PayError<E>> {
        let mut stored = Stored { paid: Vec::new(), unheard: None };
        for token in self.store.tokens(&purpose.origin).await.map_err(store)? {
            if token.preimage.is_some() {
                stored.paid.push(token);
            } else if is_for(&token, purpose) {
                match self.resolve(token, purpose).await? {
                    Resolved::Paid(token) => stored.paid.push(token),
                    Resolved::Unheard(quote) => stored.unheard = Some(quote),
                    Resolved::NotPaid => {}
                }
            }
        }
        Ok(stored)
    }

    /// Buys the token of a quote; `is_repeated` where the wallet was asked to pay it before.
    pub(super) async fn buy<E>(
        &self,
        exchange: &mut Exchange,
        quote: &Quote,
        is_repeated: bool,
        purpose: &Purpose,
    ) -> Result<Token, PayError<E>> {
        let now = unix_now();
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
            standing: Standing::New,
            order: Some(Order {
                invoice: quote.invoice().to_string(),
                max_fee_msat: order.max_fee_msat,
                max_cltv_expiry_delta: self.settings.max_cltv_expiry_delta,
                is_repeated,
            }),
        };
        self.store.put(&purpose.origin, &token).await.map_err(store)?;
        let paid = self.pay(quote, &order, is_repeated, purpose).await?;
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
        quote.authorize(exchange, now).map_err(PayError::Declined)
    }

    async fn pay<E>(
        &self,
        quote: &Quote,
        order: &PayOrder,
        is_repeated: bool,
        purpose: &Purpose,
    ) -> Result<Paid, PayError<E>> {
        let payment_hash = order.payment_hash;
        let limit = PayLimit {
            max_fee_msat: order.max_fee_msat,
            max_cltv_expiry_delta: self.settings.max_cltv_expiry_delta,
            timeout: self.settings.payment_timeout,
        };
        match self.wallet.pay(quote.invoice(), limit).await {
            Ok(paid) => Ok(paid),
            Err(error) if is_repeated || error.is_unknown() => {
                Err(PayError::PaymentUnknown { payment_hash, cause: error.into() })
            }
            Err(error) => {
                self.store.forget(&purpose.origin, &payment_hash).await.map_err(store)?;
                Err(PayError::PaymentFailed(error))
            }
        }
    }

    /// Asks the wallet about a payment whose outcome is not known.
    async fn resolve<E>(&self, token: Token, purpose: &Purpose) -> Result<Resolved, PayError<E>> {
        let payment_hash = token.payment_hash;
        let unknown = |cause| PayError::PaymentUnknown { payment_hash, cause };
        match self.wallet.payment(&payment_hash).await.map_err(|error| unknown(error.into()))? {
            PaymentStatus::Succeeded(paid) if paid.preimage.matches(&payment_hash) => {
                return self.prove(token, paid, purpose).await.map(Resolved::Paid);
            }
            PaymentStatus::Succeeded(_) => return Err(unknown(WrongPreimage.into())),
            PaymentStatus::Pending => return self.wait(token, purpose).await.map(Resolved::Paid),
            status if token.order.as_ref().is_some_and(|order| order.is_open(&status, SystemTime::now())) => {
                let quote = Quote::of_token(&token).filter(|quote| quote.invoice().expires_at() > unix_now());
                return quote.map(Resolved::Unheard).ok_or_else(|| unknown("its invoice has only just expired".into()));
            }
            PaymentStatus::NotFound | PaymentStatus::Failed => {}
        }
        self.store.forget(&purpose.origin, &payment_hash).await.map_err(store)?;
        Ok(Resolved::NotPaid)
    }

    /// Waits for a payment that is under way.
    async fn wait<E>(&self, token: Token, purpose: &Purpose) -> Result<Token, PayError<E>> {
        let payment_hash = token.payment_hash;
        let unknown = |cause| PayError::PaymentUnknown { payment_hash, cause };
        let (Some(quote), Some(order)) = (Quote::of_token(&token), token.order.clone()) else {
            return Err(unknown("the payment is still under way".into()));
        };
        let limit = PayLimit {
            max_fee_msat: order.max_fee_msat,
            max_cltv_expiry_delta: order.max_cltv_expiry_delta,
            timeout: self.settings.payment_timeout,
        };
        let repeated = Token { order: Some(Order { is_repeated: true, ..order }), ..token.clone() };
        self.store.put(&purpose.origin, &repeated).await.map_err(store)?;
        match self.wallet.pay(quote.invoice(), limit).await {
            Ok(paid) if paid.preimage.matches(&payment_hash) => self.prove(token, paid, purpose).await,
            Ok(_) => Err(unknown(WrongPreimage.into())),
            Err(fault) => Err(unknown(fault.into())),
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

/// What is in the store for a purpose.
pub(super) struct Stored {
    /// The tokens of the origin that were paid for; some of them may have ended.
    pub(super) paid: Vec<Token>,
    /// What was about to be paid for the purpose, where the wallet may not have read the request yet.
    pub(super) unheard: Option<Quote>,
}

/// What became of a payment.
enum Resolved {
    Paid(Token),
    /// The wallet may not have read a request yet: until the invoice has expired, no other is paid.
    Unheard(Quote),
    NotPaid,
}

/// Tells whether a token of the purpose's origin was bought for it.
pub(super) fn is_for(token: &Token, purpose: &Purpose) -> bool {
    token.method == purpose.method && token.path == purpose.path
}

pub(super) fn unix_now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
}

pub(super) fn store<E>(error: impl Into<Cause>) -> PayError<E> {
    PayError::Store(error.into())
}

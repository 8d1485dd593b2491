//! Money: what is bought, what it cost, and what became of it.
//!
//! 1. A token is in the store before its payment is sent. It stays there until it is certain that no money moved.
//! 2. What follows from what the wallet says is decided by [`l402_core::purchase`]; this module asks, and performs it.
//! 3. A payment that is under way is waited for, by asking the wallet to pay the same invoice within the same limits: the
//!    process that began it may be gone, and a wallet that was stopped may have recorded it and sent nothing.
//! 4. To buy, or to ask what became of a purchase, a request holds the flight of its purpose. Once the token is in the store, others
//!    see that it is under way, and the flight may be given back.

// Threats: A4.

use super::flight::{Flight, Purpose};
use super::payer::{Payer, is_for, is_shared_at_once, store};
use super::quote::Quote;
use super::token::payment_status;
use super::{Asking, Consent, Lease, Order, PayStore, RequestError, Standing, Token};
use l402_core::purchase::{Limits, Route, Sold, Status, Step, Unresolved};
use l402_core::{Exchange, Msat, PayOrder, UnixSeconds, WrongPreimage};
use l402_lightning::{Cause, Paid, PayLimit, PaymentSource, PaymentStatus, unix_now};

impl<W: PaymentSource, T: PayStore> Payer<W, T> {
    /// Returns the tokens of the origin that the field carries, after asking what became of payments for this purpose.
    pub(super) async fn stored<E>(&self, purpose: &Purpose) -> Result<Stored, RequestError<E>> {
        let mut stored = Stored { paid: Vec::new(), under_way: Vec::new(), unheard: None };
        for token in self.store.tokens(&purpose.origin).await.map_err(store)? {
            if token.preimage.is_some() {
                stored.paid.push(token);
            } else if token.is_under_way {
                stored.under_way.extend(Some(token).filter(|token| is_for(token, purpose)));
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

    /// Buys a token, unless somebody must agree first.
    pub(super) async fn buy<E>(
        &self,
        exchange: &mut Exchange,
        sale: Sale<'_>,
        purpose: &Purpose,
    ) -> Result<Bought, RequestError<E>> {
        let (Sale { quote, asking, uses, paid, flight }, now) = (sale, unix_now());
        let order = self.authorize(exchange, quote, now)?;
        let settings = &self.settings;
        let asked = Route { max_fee_msat: order.max_fee_msat, max_cltv_expiry_delta: settings.max_cltv_expiry_delta };
        let caps = Limits { fee_ppm: settings.max_fee_ppm, ..Limits::default() };
        let Route { max_fee_msat, max_cltv_expiry_delta } = caps.narrow(order.amount_msat, asked);
        let token = Token {
            scheme: quote.scheme(),
            text: quote.token().to_owned(),
            payment_hash: order.payment_hash,
            preimage: None,
            amount_msat: order.amount_msat,
            fee_msat: Msat::ZERO,
            method: purpose.method.clone(),
            path: purpose.path.clone(),
            bought_at: now,
            standing: Standing::New,
            uses_left: None,
            is_under_way: false,
            order: Some(Order { invoice: quote.invoice().to_string(), max_fee_msat, max_cltv_expiry_delta, asking }),
        };
        let unsaid = uses.filter(|_| token.sold() == Sold::Unknown);
        let token = Token { uses_left: unsaid, ..token };
        if asking == Asking::First
            && let Some(consent) = self.store.consent(&purpose.origin, &token).await.map_err(store)?
        {
            return Ok(Bought::NotYet(consent)); // others may use what is kept meanwhile
        }
        self.store.put(&purpose.origin, &token).await.map_err(store)?;
        let lease = self.store.lease(&purpose.origin, &token).await.map_err(store)?.unwrap_or_default();
        let flight = Some(flight).filter(|_| !is_shared_at_once(&token, paid));
        let token = self.ask(token, quote, purpose).await?;
        let proof = token.preimage.as_ref().ok_or(WrongPreimage).and_then(|proof| exchange.paid(&order, proof));
        proof
            .map_err(|wrong| RequestError::PaymentUnknown { payment_hash: order.payment_hash, cause: wrong.into() })?;
        Ok(Bought::Token { token: Box::new(token), lease, flight })
    }

    fn authorize<E>(&self, exchange: &Exchange, quote: &Quote, now: UnixSeconds) -> Result<PayOrder, RequestError<E>> {
        let (expected, found) = (self.wallet.network(), quote.invoice().network());
        if expected != found {
            return Err(RequestError::WrongNetwork { expected, found });
        }
        quote.authorize(exchange, now).map_err(RequestError::Declined)
    }

    /// Pays what a token costs, which is in the store, and stores the proof.
    async fn ask<E>(&self, token: Token, quote: &Quote, purpose: &Purpose) -> Result<Token, RequestError<E>> {
        let payment_hash = token.payment_hash;
        let record = Order::record(token.order.as_ref());
        let paid = self.wallet.pay(quote.invoice(), self.limit(&token)).await;
        let status = match &paid {
            Ok(paid) if paid.preimage.matches(&payment_hash) => Status::Proven,
            Ok(_) => Status::WrongProof,
            Err(fault) if fault.is_unknown() => Status::Pending,
            Err(_) => Status::Failed,
        };
        match (record.after_paying(status), paid) {
            (Step::Prove, Ok(paid)) => self.prove(token, paid, purpose).await,
            (Step::NotPaid, Err(fault)) => {
                self.store.forget(&purpose.origin, &payment_hash).await.map_err(store)?;
                Err(RequestError::PaymentFailed(fault))
            }
            (_, Err(fault)) => Err(RequestError::PaymentUnknown { payment_hash, cause: fault.into() }),
            (_, Ok(_)) => Err(RequestError::PaymentUnknown { payment_hash, cause: WrongPreimage.into() }),
        }
    }

    fn limit(&self, token: &Token) -> PayLimit {
        let (max_fee_msat, max_cltv_expiry_delta) = match &token.order {
            Some(order) => (order.max_fee_msat, order.max_cltv_expiry_delta),
            None => (Msat::ZERO, self.settings.max_cltv_expiry_delta),
        };
        PayLimit { max_fee_msat, max_cltv_expiry_delta, timeout: self.settings.payment_timeout }
    }

    /// Asks the wallet about a payment whose outcome is not known.
    async fn resolve<E>(&self, token: Token, purpose: &Purpose) -> Result<Resolved, RequestError<E>> {
        let payment_hash = token.payment_hash;
        let unknown = |cause| RequestError::PaymentUnknown { payment_hash, cause };
        let found = self.wallet.payment(&payment_hash).await.map_err(|error| unknown(error.into()))?;
        let step = Order::record(token.order.as_ref()).after_lookup(payment_status(&found, &payment_hash), unix_now());
        match (step, found) {
            (Step::Prove, PaymentStatus::Succeeded(paid)) => self.prove(token, paid, purpose).await.map(Resolved::Paid),
            (Step::Wait, _) => self.wait(token, purpose).await.map(Resolved::Paid),
            (Step::PayAgain(why), _) => {
                Quote::of_token(&token).map(Resolved::Unheard).ok_or_else(|| unknown(why.into()))
            }
            (Step::NotPaid, _) => {
                self.store.forget(&purpose.origin, &payment_hash).await.map_err(store)?;
                Ok(Resolved::NotPaid)
            }
            (Step::Unknown(Unresolved::WrongProof) | Step::Prove, _) => Err(unknown(WrongPreimage.into())),
            (Step::Unknown(why), _) => Err(unknown(why.into())),
        }
    }

    /// Waits for a payment that is under way, by asking for the same again within the same limits.
    async fn wait<E>(&self, token: Token, purpose: &Purpose) -> Result<Token, RequestError<E>> {
        let payment_hash = token.payment_hash;
        let unknown = |cause: Cause| RequestError::PaymentUnknown { payment_hash, cause };
        let quote = Quote::of_token(&token).ok_or_else(|| unknown(Unresolved::Pending.into()))?;
        let order = token.order.clone().map(|order| Order { asking: Asking::Again, ..order });
        let token = Token { order, ..token };
        self.store.put(&purpose.origin, &token).await.map_err(store)?;
        self.ask(token, &quote, purpose).await
    }

    /// Stores the proof of a payment; the token can be used then.
    async fn prove<E>(&self, mut token: Token, paid: Paid, purpose: &Purpose) -> Result<Token, RequestError<E>> {
        token.preimage = Some(paid.preimage);
        token.fee_msat = paid.fee_msat;
        let stored = self.store.put(&purpose.origin, &token).await;
        stored.map_err(|error| RequestError::NotStored { payment_hash: token.payment_hash, cause: error.into() })?;
        Ok(token)
    }
}

/// What is in the store for a purpose.
pub(super) struct Stored {
    /// The tokens of the origin that were paid for; some of them may have ended.
    pub(super) paid: Vec<Token>,
    /// What others pay for at this moment, for the purpose.
    pub(super) under_way: Vec<Token>,
    /// What was about to be paid for the purpose, where the wallet may not have read the request yet.
    pub(super) unheard: Option<Quote>,
}

/// What is to be bought.
pub(super) struct Sale<'a> {
    pub(super) quote: &'a Quote,
    /// Whether the wallet was asked to pay it before.
    pub(super) asking: Asking,
    /// How many uses the server says it sells, where the token may not.
    pub(super) uses: Option<u64>,
    /// The tokens of the origin that were paid for.
    pub(super) paid: &'a [Token],
    pub(super) flight: Flight,
}

/// What came of buying.
pub(super) enum Bought {
    /// A token, and a use of it.
    Token {
        token: Box<Token>,
        lease: Lease,
        /// There where no other request may use the token, or buy, before this one has used it.
        flight: Option<Flight>,
    },
    /// Somebody must agree first.
    NotYet(Consent),
}

/// What became of a payment.
enum Resolved {
    Paid(Token),
    /// The wallet may not have read a request yet: until the invoice has expired, no other is paid.
    Unheard(Quote),
    NotPaid,
}

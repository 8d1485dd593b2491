//! `price`: from a decision to charge to an order, or to the news that there is nothing to sell at the moment.

use super::event::Priced as Told;
use super::head::RequestHead;
use super::{Paywall, Undeliverable};
use crate::policy::{Meter, Route};
use crate::response::{Form, Reason};
use core::time::Duration;
use http::StatusCode;
use l402_core::{Charge, Msat, Offer, RootKeySource};
use std::sync::Arc;

/// Why a request is charged.
#[derive(Debug)]
pub(super) struct Demand {
    pub(super) status: StatusCode,
    pub(super) reason: Reason,
    pub(super) message: String,
}

impl Demand {
    /// The judge says so.
    pub(super) fn of(charge: Charge) -> Self {
        Self {
            status: StatusCode::from_u16(charge.status).unwrap_or(StatusCode::PAYMENT_REQUIRED),
            reason: charge.reason.into(),
            message: charge.reason.to_string(),
        }
    }

    /// The clock of the ledger was ahead, and it has deleted what it knew of the token.
    pub(super) fn forgotten() -> Self {
        let message = "the ledger no longer knows what is left of the token".to_owned();
        Self { status: StatusCode::PAYMENT_REQUIRED, reason: Reason::SPENT, message }
    }

    /// The token was used as often as it was sold.
    pub(super) fn spent() -> Self {
        let message = "the token was used as often as it was sold for".to_owned();
        Self { status: StatusCode::PAYMENT_REQUIRED, reason: Reason::SPENT, message }
    }

    /// The operator has revoked the token.
    pub(super) fn revoked() -> Self {
        let message = "the token was revoked".to_owned();
        Self { status: StatusCode::PAYMENT_REQUIRED, reason: Reason::REVOKED, message }
    }

    /// What is left of the balance does not pay for the request.
    pub(super) fn balance() -> Self {
        let message = "what is left of the token's balance does not pay for the request".to_owned();
        Self { status: StatusCode::PAYMENT_REQUIRED, reason: Reason::BALANCE, message }
    }

    /// Less than the price was paid.
    pub(super) fn underpaid() -> Self {
        let message = "the token was paid with less than its price".to_owned();
        Self { status: StatusCode::PAYMENT_REQUIRED, reason: Reason::UNDERPAID, message }
    }
}

/// What a request would buy, at what price, and how its client wants to be answered.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) offer: Arc<Offer>,
    pub(super) price_msat: Msat,
    pub(super) description: Arc<str>,
    pub(super) invoice_expiry: Duration,
    pub(super) demand: Demand,
    pub(super) form: Form,
    pub(super) meter: Option<Meter>,
}

/// Why there is nothing to sell at the moment.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unpriced {
    /// What the route sells cannot be delivered.
    Undeliverable(Undeliverable),
    /// The epoch that signs new tokens was revoked, so that each would be refused.
    KeyRevoked,
}

/// Makes the order, unless the token that it sells would not be served: nothing is charged then.
pub(super) fn price<N, K: RootKeySource>(
    paywall: &Paywall<N, K>,
    (route, offer): (&Route, &Arc<Offer>),
    request: &RequestHead<'_>,
    demand: Demand,
) -> Result<Order, Unpriced> {
    (paywall.deliverable)(route.id()).map_err(Unpriced::Undeliverable)?;
    if paywall.denies_new_tokens() {
        return Err(Unpriced::KeyRevoked);
    }
    let asked = paywall.pricer.as_ref().map_or(Msat::ZERO, |pricer| pricer.price_msat(route, request));
    Ok(Order {
        offer: Arc::clone(offer),
        // Strict settlement asks for no more than the price of the route, and the policy has compared that one with others (T3).
        price_msat: asked.max(offer.price_msat),
        description: Arc::clone(route.description()),
        invoice_expiry: route.invoice_expiry().unwrap_or(paywall.invoice_expiry),
        demand,
        form: Form::of(request.headers()),
        meter: route.meter().copied(),
    })
}

/// What subscribers are told.
pub(super) fn told(priced: &Result<Order, Unpriced>) -> Told {
    match priced {
        Ok(order) => Told::At { price_msat: order.price_msat },
        Err(Unpriced::Undeliverable(Undeliverable { retry_after })) => {
            Told::Undeliverable { retry_after: *retry_after }
        }
        Err(Unpriced::KeyRevoked) => Told::KeyRevoked,
    }
}

//! `settle`: from a grant to whether its payment arrived, under strict settlement (L5).
//!
//! What the node has in memory is asked for first: it costs no I/O, so that nothing is boxed for it.

use super::Paywall;
use super::charge::{Charging, charge, unavailable};
use super::event::{Phase, Settled};
use super::fault::Fault;
use super::head::RequestHead;
use super::observe::Trail;
use super::price::Demand;
use crate::policy::RouteId;
use crate::response::{Form, Reason};
use bytes::Bytes;
use http::{Request, Response};
use l402_core::{Msat, Offer, PaymentHash, RootKeySource};
use l402_lightning::{InvoiceSource, SettlementSource};
use std::sync::Arc;
use tokio::time::timeout;

/// What must have arrived for a payment: what its token says that it was sold for. The price of the route counts where the token
/// does not say, so that a price that changes does not change what was sold (T5).
#[derive(Debug, Clone, Copy)]
pub(super) struct Due {
    payment: PaymentHash,
    price_msat: Msat,
}

impl Due {
    pub(super) fn of(payment: PaymentHash, sold_msat: Option<Msat>, offer: &Offer) -> Self {
        Self { payment, price_msat: sold_msat.unwrap_or(offer.price_msat) }
    }

    const fn beside(&self, received_msat: Msat) -> Received {
        if received_msat.get() >= self.price_msat.get() {
            Received::Enough(received_msat)
        } else {
            Received::TooLittle(received_msat)
        }
    }
}

/// A payment that arrived, beside the price.
#[derive(Debug, Clone, Copy)]
pub(super) enum Received {
    /// At least the price.
    Enough(Msat),
    /// Less than the price.
    TooLittle(Msat),
}

impl Received {
    /// What subscribers are told.
    pub(super) const fn told(self) -> Settled<'static> {
        match self {
            Self::Enough(received_msat) => Settled::Paid { received_msat },
            Self::TooLittle(received_msat) => Settled::Underpaid { received_msat },
        }
    }
}

/// What the node knows of a payment.
#[derive(Debug)]
enum Settlement {
    /// It arrived.
    Received(Received),
    /// Nothing has arrived yet.
    Pending,
    /// The node cannot say.
    Unknown(Fault),
}

impl Settlement {
    /// What subscribers are told.
    const fn told(&self) -> Settled<'_> {
        match self {
            Self::Received(received) => received.told(),
            Self::Pending => Settled::Pending,
            Self::Unknown(fault) => Settled::Unknown { error: fault },
        }
    }
}

/// What happens to a request whose payment is not settled.
pub(super) enum Unsettled {
    /// It is answered.
    Answer(Response<Bytes>),
    /// It is charged.
    Charge(Box<dyn FnOnce(&RequestHead<'_>) -> Charging + Send>),
}

impl Unsettled {
    /// Writes the response.
    pub(super) fn response<B>(self, request: &Request<B>) -> impl Future<Output = Response<Bytes>> + Send + use<B> {
        let charging = match self {
            Self::Answer(response) => Charging::Answered(response),
            Self::Charge(charge) => charge(&RequestHead::of(request)),
        };
        charging.response()
    }
}

/// Looks into the node's memory.
#[inline]
pub(super) fn look<N: SettlementSource, K>(paywall: &Paywall<N, K>, due: &Due) -> Option<Received> {
    let received = paywall.node.settled_in_memory(&due.payment)?;
    Some(due.beside(received))
}

/// Asks the node whether a payment is settled, and says what follows.
pub(super) async fn settle<N, K>(
    paywall: Arc<Paywall<N, K>>,
    (route, offer): (RouteId, Arc<Offer>),
    due: Due,
    form: Form,
    trail: Trail,
) -> Result<(), Unsettled>
where
    N: InvoiceSource + SettlementSource + 'static,
    K: RootKeySource + Send + Sync + 'static,
{
    let settlement = ask(&paywall, &due).await;
    trail.tell(|| Phase::Settled(settlement.told()));
    let (reason, message) = match settlement {
        Settlement::Received(Received::Enough(_)) => return Ok(()),
        Settlement::Received(Received::TooLittle(_)) => {
            return Err(Unsettled::Charge(Box::new(move |request| {
                let route = paywall.policy.get(route).expect("the route was found in this policy");
                charge(&paywall, (route, &offer), request, Demand::underpaid(), &trail)
            })));
        }
        Settlement::Pending => (Reason::NOT_SETTLED, "the payment is not settled yet"),
        Settlement::Unknown(_) => (Reason::SETTLEMENT_UNKNOWN, "cannot look up the payment now; try again later"),
    };
    Err(Unsettled::Answer(unavailable(reason, &message, paywall.retry_after, form)))
}

/// Asks the node.
async fn ask<N: SettlementSource, K>(paywall: &Paywall<N, K>, due: &Due) -> Settlement {
    match timeout(paywall.node_deadline, paywall.node.settled_msat(&due.payment)).await {
        Ok(Ok(Some(received))) => Settlement::Received(due.beside(received)),
        Ok(Ok(None)) => Settlement::Pending,
        Ok(Err(fault)) => Settlement::Unknown(Fault::Lookup(fault)),
        Err(_) => Settlement::Unknown(Fault::TooSlow),
    }
}

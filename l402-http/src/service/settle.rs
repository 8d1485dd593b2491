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
use http::Response;
use l402_core::{Grant, Msat, Offer, RootKeySource};
use l402_lightning::{InvoiceSource, SettlementSource};
use std::sync::Arc;
use tokio::time::timeout;

/// A payment that arrived, beside the price.
#[derive(Debug, Clone, Copy)]
pub(super) enum Received {
    /// At least the price.
    Enough(Msat),
    /// Less than the price.
    TooLittle(Msat),
}

impl Received {
    fn of(received_msat: Msat, offer: &Offer) -> Self {
        if received_msat >= offer.price_msat { Self::Enough(received_msat) } else { Self::TooLittle(received_msat) }
    }

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

/// Looks into the node's memory.
#[inline]
pub(super) fn look<N: SettlementSource, K>(paywall: &Paywall<N, K>, grant: &Grant, offer: &Offer) -> Option<Received> {
    let received = paywall.node.settled_in_memory(&grant.payment_hash())?;
    Some(Received::of(received, offer))
}

/// Asks the node whether a payment is settled, and says what follows.
pub(super) async fn settle<N, K>(
    paywall: Arc<Paywall<N, K>>,
    (route, offer): (RouteId, Arc<Offer>),
    grant: Grant,
    form: Form,
    trail: Trail,
) -> Result<(), Unsettled>
where
    N: InvoiceSource + SettlementSource + 'static,
    K: RootKeySource + Send + Sync + 'static,
{
    let settlement = ask(&paywall, &grant, &offer).await;
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
async fn ask<N: SettlementSource, K>(paywall: &Paywall<N, K>, grant: &Grant, offer: &Offer) -> Settlement {
    let hash = grant.payment_hash();
    match timeout(paywall.node_deadline, paywall.node.settled_msat(&hash)).await {
        Ok(Ok(Some(received))) => Settlement::Received(Received::of(received, offer)),
        Ok(Ok(None)) => Settlement::Pending,
        Ok(Err(fault)) => Settlement::Unknown(Fault::Lookup(fault)),
        Err(_) => Settlement::Unknown(Fault::TooSlow),
    }
}

//! What follows a decision to charge: `price`, `invoice`, `mint` and `challenge`, one after the other.

use super::event::{Invoiced, Phase};
use super::fault::Fault;
use super::head::RequestHead;
use super::lane::Full;
use super::observe::Trail;
use super::price::{self, Demand, Order, Unpriced};
use super::unpaid::{Place, Unplaced};
use super::uses::Unsold;
use super::{Paywall, Undeliverable, challenge, invoice, mint};
use crate::policy::Route;
use crate::response::{Form, Problem, Reason};
use bytes::Bytes;
use core::net::IpAddr;
use core::pin::Pin;
use http::{Response, StatusCode};
use l402_core::{Offer, RootKeySource, TokenText, UnixSeconds};
use l402_lightning::{InvoiceSource, SettlementSource};
use std::sync::Arc;

/// I/O that was asked of the node; boxed, since it is not on the way of a request that a preimage admits.
pub(super) type Io<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A response that asks for payment, or says why none can be asked for.
pub(super) enum Charging {
    /// It is there.
    Answered(Response<Bytes>),
    /// The node has to make an invoice first.
    Waiting(Io<Response<Bytes>>),
}

impl Charging {
    /// Waits for it.
    pub(super) async fn response(self) -> Response<Bytes> {
        match self {
            Self::Answered(response) => response,
            Self::Waiting(response) => response.await,
        }
    }
}

/// Charges for a request.
pub(super) fn charge<N, K>(
    paywall: &Arc<Paywall<N, K>>,
    (route, offer): (&Route, &Arc<Offer>),
    request: &RequestHead<'_>,
    demand: Demand,
    trail: &Trail,
) -> Charging
where
    N: InvoiceSource + SettlementSource + 'static,
    K: RootKeySource + Send + Sync + 'static,
{
    if let Err(refused) = paywall.rates.challenge(request) {
        return Charging::Answered(refused.response(Form::of(request.headers())));
    }
    let priced = price::price(paywall, (route, offer), request, demand);
    trail.tell(|| Phase::Priced(price::told(&priced)));
    match priced {
        Err(unpriced) => Charging::Answered(unsold(paywall.retry_after, unpriced, Form::of(request.headers()))),
        Ok(order) => {
            let (paywall, trail) = (Arc::clone(paywall), trail.clone());
            let client = paywall.unpaid.as_ref().and_then(|unpaid| unpaid.client(request));
            Charging::Waiting(Box::pin(async move { sell(&paywall, &order, client, &trail).await }))
        }
    }
}

/// Answers with a fresh challenge, or with 503 where there can be none.
async fn sell<N: InvoiceSource + SettlementSource, K: RootKeySource>(
    paywall: &Paywall<N, K>,
    order: &Order,
    client: Option<IpAddr>,
    trail: &Trail,
) -> Response<Bytes> {
    if let Err(unsold) = countable(paywall, order).await {
        return uncounted(paywall.retry_after, &unsold, order.form, trail);
    }
    let place = match place(paywall, order, client).await {
        Ok(place) => place,
        Err(unplaced) => {
            trail.tell(|| Phase::Invoiced(unplaced.told()));
            return crowded(&unplaced, paywall.retry_after, order.form);
        }
    };
    match paywall.lane.take(ask(paywall, order, place, trail)).await {
        Ok(Ok(challenge)) => challenge,
        Ok(Err(_)) => no_invoice(paywall.retry_after, order.form),
        Err(Full) => {
            trail.tell(|| Phase::Invoiced(Invoiced::Busy));
            let message = "too many requests for an invoice; try again later";
            unavailable(Reason::BUSY, &message, paywall.retry_after, order.form)
        }
    }
}

/// Looks whether the uses of what is sold will be counted: nobody is to pay for what cannot.
async fn countable<N, K>(paywall: &Paywall<N, K>, order: &Order) -> Result<(), Unsold> {
    if !order.offer.uses.is_counted() {
        return Ok(());
    }
    paywall.desk.sells((paywall.clock)().into(), mint::ends_at(paywall, order)).await
}

/// Answers that they will not.
#[cold]
fn uncounted(retry_after: u64, unsold: &Unsold, form: Form, trail: &Trail) -> Response<Bytes> {
    match *unsold {
        Unsold::Away => {
            trail.tell(|| Phase::Invoiced(Invoiced::Uncounted));
            no_ledger(retry_after, form)
        }
        Unsold::TooEarly { wait } => {
            trail.tell(|| Phase::Invoiced(Invoiced::TooEarly { wait }));
            let message =
                "the clock of the ledger was ahead, so a token that is sold now would be refused; nothing was charged";
            unavailable(Reason::LEDGER_AHEAD, &message, wait.as_secs().max(1), form)
        }
    }
}

/// Takes a place for the invoice, where the node stores each.
async fn place<N: InvoiceSource + SettlementSource, K>(
    paywall: &Paywall<N, K>,
    order: &Order,
    client: Option<IpAddr>,
) -> Result<Option<Place>, Unplaced> {
    match &paywall.unpaid {
        Some(unpaid) if paywall.node.stores_invoices() => {
            let (now, longest) = (UnixSeconds::new((paywall.clock)()), paywall.longest_expiry());
            let expiries = (order.invoice_expiry, longest);
            unpaid.place(&paywall.node, (client, now), expiries, paywall.node_deadline).await.map(Some)
        }
        _ => Ok(None),
    }
}

async fn ask<N: InvoiceSource, K: RootKeySource>(
    paywall: &Paywall<N, K>,
    order: &Order,
    mut place: Option<Place>,
    trail: &Trail,
) -> Result<Response<Bytes>, Fault> {
    if let Some(place) = &mut place {
        place.ask();
    }
    let invoiced = invoice::invoice(paywall, order).await;
    if let Some(place) = place {
        place.came(&invoiced);
    }
    trail.tell(|| Phase::Invoiced(invoice::told(order, &invoiced)));
    let invoice = invoiced?;
    let mut text = TokenText::new();
    let minted = mint::mint(paywall, order, &invoice.payment_hash(), &mut text);
    trail.tell(|| Phase::Minted(mint::told(invoice.payment_hash(), &minted)));
    let response = challenge::challenge(order, &invoice, &minted?, paywall.lsat_line);
    trail.tell(|| Phase::Challenged(challenge::told(order, &invoice)));
    Ok(response)
}

/// Writes a 503 that says when to come again.
pub(super) fn unavailable(
    reason: Reason,
    message: &(dyn core::fmt::Display + Sync),
    retry_after: u64,
    form: Form,
) -> Response<Bytes> {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, reason, message).retry_after(retry_after).response(form)
}

/// Answers that no more invoices may be open.
#[cold]
fn crowded(unplaced: &Unplaced, retry_after: u64, form: Form) -> Response<Bytes> {
    match unplaced {
        Unplaced::Client(refused) => refused.response(form),
        Unplaced::All(seconds) => {
            let message = "too many invoices are not paid yet; try again later";
            unavailable(Reason::TOO_MANY_UNPAID, &message, *seconds, form)
        }
        Unplaced::Unknown(_) => no_invoice(retry_after, form),
    }
}

/// Answers that there is no invoice.
#[cold]
fn no_invoice(retry_after: u64, form: Form) -> Response<Bytes> {
    unavailable(Reason::NO_INVOICE, &"cannot create an invoice now; try again later", retry_after, form)
}

/// Answers that uses cannot be counted.
#[cold]
pub(super) fn no_ledger(retry_after: u64, form: Form) -> Response<Bytes> {
    unavailable(Reason::LEDGER_UNAVAILABLE, &"cannot count uses now; try again later", retry_after, form)
}

/// Nothing is charged for what would not be served.
fn unsold(retry_after: u64, unpriced: Unpriced, form: Form) -> Response<Bytes> {
    let message = "the service is not available now; nothing was charged";
    let seconds = match unpriced {
        Unpriced::Undeliverable(Undeliverable { retry_after }) => {
            retry_after.as_millis().div_ceil(1_000).max(1).try_into().unwrap_or(u64::MAX)
        }
        Unpriced::KeyRevoked => retry_after,
    };
    unavailable(Reason::UNDELIVERABLE, &message, seconds, form)
}

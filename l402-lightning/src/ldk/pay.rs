//! Paying. The node's own store of payments decides what is true; its events only say when to look.

use super::events::{Failure, Outcome};
use super::node::LdkNode;
use crate::clock::unix_now;
use crate::{
    FailureReason, Invoice, LookupError, Network, Paid, PayError, PayLimit, PaymentSource, PaymentStatus, TimedOut,
};
use core::time::Duration;
use l402_core::{PaymentHash, Preimage};
use ldk_node::lightning::ln::channelmanager::PaymentId;
use ldk_node::lightning::routing::router::RouteParametersConfig;
use ldk_node::payment::{PaymentDetails, PaymentDirection, PaymentKind, PaymentStatus as LdkStatus};
use ldk_node::{Node, NodeError as LdkError};
use std::time::Instant;
use tokio::time::timeout;

impl PaymentSource for LdkNode {
    fn network(&self) -> Network {
        Self::network(self)
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        let begun = Instant::now();
        let left = || limit.timeout.saturating_sub(begun.elapsed());
        let hash = invoice.payment_hash();
        let mut waiter = self.news().outcomes.join(hash); // before the store is read, lest the outcome comes between the two
        match self.status(&hash) {
            PaymentStatus::Succeeded(paid) => return Ok(paid),
            PaymentStatus::Pending => {}
            PaymentStatus::NotFound | PaymentStatus::Failed => self.begin(invoice, &limit, left()).await?,
        }
        loop {
            match waiter.wait(left()).await {
                Some(Outcome::Paid { preimage, fee_msat }) => {
                    return Ok(Paid { preimage, amount_msat: invoice.amount_msat().unwrap_or(0), fee_msat });
                }
                Some(Outcome::Failed(fault)) => {
                    // Perhaps of an earlier attempt, while another is under way or has ended meanwhile.
                    waiter = self.news().outcomes.join(hash);
                    match self.status(&hash) {
                        PaymentStatus::Pending => {}
                        PaymentStatus::Succeeded(paid) => return Ok(paid),
                        PaymentStatus::NotFound | PaymentStatus::Failed => return Err(fault.into()),
                    }
                }
                None => return self.overdue(&hash, limit.timeout),
            }
        }
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        Ok(self.status(hash))
    }
}

impl LdkNode {
    /// Sends a payment that is not under way. Whatever comes later comes as an event.
    async fn begin(&self, invoice: &Invoice, limit: &PayLimit, left: Duration) -> Result<(), PayError> {
        let amount_msat = invoice.payable(Self::network(self), unix_now())?;
        let node = self.running().map_err(|fault| PayError::Unavailable(fault.into()))?;
        affordable(&node, amount_msat)?;
        let Ok(Some(place)) = timeout(left, self.news().in_flight.place()).await else {
            return Err(PayError::Busy);
        };
        let (hash, news) = (invoice.payment_hash(), self.news().clone());
        let (bolt11, route) = (invoice.decoded().clone(), route_limits(limit));
        // Once it has begun it runs to its end, though the caller gives up.
        let sending = self.spawn_blocking(move || {
            news.in_flight.begin(hash, place);
            let sent = node.bolt11_payment().send(&bolt11, Some(route));
            if sent.is_err_and(|fault| no_outcome_will_come(&node, &hash, fault)) {
                news.in_flight.end(&hash);
            }
            sent
        });
        match sending.await {
            Ok(Ok(_) | Err(LdkError::DuplicatePayment)) => Ok(()), // a duplicate: another call was faster, its outcome is ours
            Ok(Err(LdkError::NotRunning)) => Err(PayError::Unavailable(LdkError::NotRunning.into())),
            Ok(Err(LdkError::InvalidInvoice)) => Err(PayError::NoAmount),
            Ok(Err(LdkError::PaymentSendingFailed)) => Err(PayError::NoRoute),
            Ok(Err(other)) => Err(PayError::Unknown(other.into())),
            Err(fault) => Err(PayError::Unknown(fault.into())),
        }
    }

    /// The time is over. The store may know more than the events have told.
    fn overdue(&self, hash: &PaymentHash, after: Duration) -> Result<Paid, PayError> {
        match self.status(hash) {
            PaymentStatus::Succeeded(paid) => Ok(paid),
            PaymentStatus::Failed => Err(PayError::Failed(FailureReason::Unspecified)),
            PaymentStatus::Pending | PaymentStatus::NotFound => Err(PayError::Unknown(TimedOut { after }.into())),
        }
    }

    fn status(&self, hash: &PaymentHash) -> PaymentStatus {
        let stored = self.node().payment(&id_of(hash));
        match stored.filter(|payment| payment.direction == PaymentDirection::Outbound) {
            Some(payment) => status_of(&payment),
            None if self.news().in_flight.contains(hash) => PaymentStatus::Pending,
            None => PaymentStatus::NotFound,
        }
    }
}

fn status_of(payment: &PaymentDetails) -> PaymentStatus {
    match (payment.status, &payment.kind) {
        (LdkStatus::Failed, _) => PaymentStatus::Failed,
        (LdkStatus::Succeeded, PaymentKind::Bolt11 { preimage: Some(preimage), .. }) => {
            PaymentStatus::Succeeded(Paid {
                preimage: Preimage::from_bytes(preimage.0),
                amount_msat: payment.amount_msat.unwrap_or(0),
                fee_msat: payment.fee_paid_msat.unwrap_or(0),
            })
        }
        _ => PaymentStatus::Pending,
    }
}

/// Tells a lack of money from a lack of connection, before anything is sent.
fn affordable(node: &Node, amount_msat: u64) -> Result<(), PayError> {
    let channels = node.list_channels();
    let sum = |total: u64, msat: u64| total.saturating_add(msat);
    let now = channels.iter().filter(|channel| channel.is_usable).map(|channel| channel.next_outbound_htlc_limit_msat);
    if amount_msat <= now.fold(0, sum) {
        return Ok(());
    }
    if amount_msat <= channels.iter().map(|channel| channel.outbound_capacity_msat).fold(0, sum) {
        return Err(PayError::NoRoute); // the peers are away, or the rest is on its way elsewhere
    }
    Err(PayError::InsufficientBalance { amount_msat })
}

impl From<Failure> for PayError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NoRoute => Self::NoRoute,
            Failure::Sent(reason) => Self::Failed(reason),
        }
    }
}

fn route_limits(limit: &PayLimit) -> RouteParametersConfig {
    RouteParametersConfig {
        max_total_routing_fee_msat: Some(limit.max_fee_msat),
        max_total_cltv_expiry_delta: limit.max_cltv_expiry_delta,
        ..RouteParametersConfig::default()
    }
}

/// Whether a failed attempt leaves nothing on its way.
fn no_outcome_will_come(node: &Node, hash: &PaymentHash, fault: LdkError) -> bool {
    match fault {
        LdkError::NotRunning | LdkError::InvalidInvoice | LdkError::PaymentSendingFailed => true,
        // An earlier one is under way, or has ended meanwhile.
        LdkError::DuplicatePayment => {
            node.payment(&id_of(hash)).is_none_or(|payment| payment.status != LdkStatus::Pending)
        }
        _ => false,
    }
}

const fn id_of(hash: &PaymentHash) -> PaymentId {
    PaymentId(*hash.as_bytes())
}

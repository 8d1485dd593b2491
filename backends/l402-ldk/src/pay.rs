//! Paying. The node's own store of payments decides what is true, and our record of what was [sent](super::sent) where that store
//! may not know; events only say when to look.

use super::events::{Failure, News, Outcome};
use super::node::LdkNode;
use super::sent::Earlier;
use core::time::Duration;
use l402_core::{Msat, PaymentHash, Preimage};
use l402_lightning::unix_now;
use l402_lightning::{
    FailureReason, Invoice, LookupError, Network, Paid, PayError, PayLimit, PaymentSource, PaymentStatus, TimedOut,
};
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
        self.node().map_err(|fault| PayError::Unavailable(fault.into()))?;
        let begun = Instant::now();
        let left = || limit.timeout.saturating_sub(begun.elapsed());
        let hash = invoice.payment_hash();
        let mut waiter = self.news().outcomes.join(hash); // before the store is read, lest the outcome comes between the two
        match self.status(&hash) {
            PaymentStatus::Succeeded(paid) => return Ok(paid),
            PaymentStatus::Pending if self.may_be_lost(&hash) => {
                self.begin(invoice, &limit, left()).await.map_err(may_still_succeed)?;
            }
            PaymentStatus::Pending => {}
            PaymentStatus::NotFound | PaymentStatus::Failed => self.begin(invoice, &limit, left()).await?,
        }
        loop {
            match waiter.wait(left()).await {
                Some(Outcome::Paid { preimage, fee_msat }) => {
                    return Ok(Paid { preimage, amount_msat: invoice.amount_msat().unwrap_or_default(), fee_msat });
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
        self.node().map_err(LookupError::new)?;
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
            send(&node, &news, hash, amount_msat, || node.bolt11_payment().send(&bolt11, Some(route)))
        });
        sending.await.unwrap_or_else(|fault| Err(PayError::Unknown(fault.into())))
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
        let stored = self.row(hash).map(|payment| status_of(&payment));
        // An attempt after a failed one has no row of its own until it was sent.
        let unknown = matches!(stored, None | Some(PaymentStatus::Failed));
        match (self.news().sent.status(hash), stored) {
            (paid @ PaymentStatus::Succeeded(_), _) => paid, // the success may have come before the row
            (_, Some(known)) if !unknown => known,
            (PaymentStatus::Pending, _) => PaymentStatus::Pending,
            _ if self.news().in_flight.contains(hash) => PaymentStatus::Pending,
            (recorded, stored) => stored.unwrap_or(recorded),
        }
    }

    /// Whether a pending payment was begun by an earlier process that perhaps did not get to send it. To send it again is safe: the
    /// node refuses what is under way.
    fn may_be_lost(&self, hash: &PaymentHash) -> bool {
        !self.news().in_flight.contains(hash)
            && self.row(hash).is_none_or(|payment| payment.status == LdkStatus::Failed)
    }

    /// What the node's own store tells of a payment; nothing where the node must not be asked.
    fn row(&self, hash: &PaymentHash) -> Option<PaymentDetails> {
        row(self.node().ok()?, hash)
    }
}

/// Sends, with a record beforehand; blocks for the disk.
fn send(
    node: &Node,
    news: &News,
    hash: PaymentHash,
    amount_msat: Msat,
    send: impl FnOnce() -> Result<PaymentId, LdkError>,
) -> Result<(), PayError> {
    let earlier = match news.sent.begin(hash, amount_msat) {
        Ok(earlier) => earlier,
        Err(cause) => {
            news.in_flight.end(&hash);
            let said = cause.to_string();
            news.health.unwritten(cause);
            return Err(PayError::Unavailable(said.into()));
        }
    };
    let Err(fault) = send() else { return Ok(()) };
    if no_outcome_will_come(node, news, &hash, fault) {
        news.in_flight.end(&hash);
    }
    if earlier == Earlier::None && nothing_was_sent(fault) {
        let _ = news.sent.end(hash); // if that fails it stays pending, which is safe
    }
    match fault {
        LdkError::DuplicatePayment => Ok(()), // another call was faster, its outcome is ours
        LdkError::NotRunning => Err(PayError::Unavailable(fault.into())),
        LdkError::InvalidInvoice => Err(PayError::NoAmount),
        LdkError::PaymentSendingFailed => Err(PayError::NoRoute),
        other => Err(PayError::Unknown(other.into())),
    }
}

fn row(node: &Node, hash: &PaymentHash) -> Option<PaymentDetails> {
    node.payment(&id_of(hash)).filter(|payment| payment.direction == PaymentDirection::Outbound)
}

/// That an attempt was not sent tells nothing of the one before it.
fn may_still_succeed(fault: PayError) -> PayError {
    if fault.is_unknown() { fault } else { PayError::Unknown(fault.into()) }
}

fn status_of(payment: &PaymentDetails) -> PaymentStatus {
    match (payment.status, &payment.kind) {
        (LdkStatus::Failed, _) => PaymentStatus::Failed,
        (LdkStatus::Succeeded, PaymentKind::Bolt11 { preimage: Some(preimage), .. }) => {
            PaymentStatus::Succeeded(Paid {
                preimage: Preimage::from_bytes(preimage.0),
                amount_msat: Msat::new(payment.amount_msat.unwrap_or(0)),
                fee_msat: Msat::new(payment.fee_paid_msat.unwrap_or(0)),
            })
        }
        _ => PaymentStatus::Pending,
    }
}

/// Tells a lack of money from a lack of connection, before anything is sent.
fn affordable(node: &Node, amount_msat: Msat) -> Result<(), PayError> {
    let channels = node.list_channels();
    let sum = |total: Msat, msat: u64| total.saturating_add(Msat::new(msat));
    let now = channels.iter().filter(|channel| channel.is_usable).map(|channel| channel.next_outbound_htlc_limit_msat);
    if amount_msat <= now.fold(Msat::ZERO, sum) {
        return Ok(());
    }
    if amount_msat <= channels.iter().map(|channel| channel.outbound_capacity_msat).fold(Msat::ZERO, sum) {
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
        max_total_routing_fee_msat: Some(limit.max_fee_msat.get()),
        max_total_cltv_expiry_delta: limit.max_cltv_expiry_delta,
        ..RouteParametersConfig::default()
    }
}

/// Whether a refusal proves that this attempt sent nothing.
const fn nothing_was_sent(fault: LdkError) -> bool {
    matches!(fault, LdkError::NotRunning | LdkError::InvalidInvoice | LdkError::PaymentSendingFailed)
}

/// Whether a failed attempt leaves nothing on its way that an event will end.
fn no_outcome_will_come(node: &Node, news: &News, hash: &PaymentHash, fault: LdkError) -> bool {
    match fault {
        // An earlier one is under way, perhaps without a row, or has ended meanwhile.
        LdkError::DuplicatePayment => match row(node, hash).map(|payment| payment.status) {
            Some(LdkStatus::Pending) => false,
            Some(LdkStatus::Succeeded) => true,
            Some(LdkStatus::Failed) | None => !matches!(news.sent.status(hash), PaymentStatus::Pending),
        },
        other => nothing_was_sent(other),
    }
}

const fn id_of(hash: &PaymentHash) -> PaymentId {
    PaymentId(*hash.as_bytes())
}

//! What the node reports, one event after another.
//!
//! An event that was not marked as handled comes again after a restart. So whatever must not be lost is on the disk before.

use super::channels::Inbound;
use super::health::Health;
use super::in_flight::InFlight;
use super::sent::Sent;
use super::settled::Settlements;
use super::waiters::Waiters;
use core::time::Duration;
use l402_core::{Msat, PaymentHash, Preimage};
use l402_lightning::FailureReason;
use ldk_node::lightning::events::PaymentFailureReason;
use ldk_node::lightning::ln::channelmanager::PaymentId;
use ldk_node::lightning_types::payment::PaymentHash as LdkHash;
use ldk_node::payment::PaymentStatus as LdkStatus;
use ldk_node::{Event, Node};
use std::io;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tokio::time::interval;

/// How a payment ended.
#[derive(Clone)]
pub(super) enum Outcome {
    Paid { preimage: Preimage, fee_msat: Msat },
    Failed(Failure),
}

/// Why it failed.
#[derive(Clone, Copy)]
pub(super) enum Failure {
    NoRoute,
    Sent(FailureReason),
}

/// What the events change.
pub(super) struct News {
    pub(super) outcomes: Waiters<Outcome>,
    pub(super) in_flight: InFlight,
    pub(super) settlements: Settlements,
    pub(super) sent: Sent,
    pub(super) inbound: Inbound,
    pub(super) health: Arc<Health>,
}

/// Takes events until it is aborted, or until one cannot be recorded.
pub(super) async fn pump(node: Arc<Node>, news: Arc<News>) {
    loop {
        let event = node.next_event_async().await;
        let (its_node, its_news) = (node.clone(), news.clone());
        // On a thread that may block: the disk is waited for.
        let handled = spawn_blocking(move || {
            its_news.take(&event, &its_node)?;
            its_node.event_handled().map_err(io::Error::other)
        });
        match handled.await {
            Ok(Ok(())) => {}
            // A full disk, most likely. The same event comes again after the next start.
            Ok(Err(cause)) => return news.health.unwritten(cause),
            Err(_) => return, // it panicked, which is on record
        }
        news.inbound.refresh(&node);
    }
}

/// Looks at the channels from time to time: that a peer comes or goes is no event.
pub(super) async fn watch_channels(node: Arc<Node>, news: Arc<News>) {
    let mut tick = interval(CHANNELS_EVERY);
    loop {
        tick.tick().await;
        news.inbound.refresh(&node);
    }
}

impl News {
    /// Records what an event tells. After that it may be forgotten.
    fn take(&self, event: &Event, node: &Node) -> io::Result<()> {
        match event {
            Event::PaymentReceived { payment_hash, amount_msat, .. } => {
                self.settlements.record(hash_of(payment_hash), Msat::new(*amount_msat))?;
            }
            Event::PaymentSuccessful { payment_hash, payment_preimage: Some(preimage), fee_paid_msat, .. } => {
                let (hash, preimage) = (hash_of(payment_hash), Preimage::from_bytes(preimage.0));
                let fee_msat = Msat::new(fee_paid_msat.unwrap_or(0));
                let row = node.payment(&PaymentId(payment_hash.0));
                if row.is_none_or(|row| row.status != LdkStatus::Succeeded) {
                    self.sent.paid(hash, preimage.clone(), fee_msat)?;
                }
                self.ended(&hash, Outcome::Paid { preimage, fee_msat });
            }
            Event::PaymentFailed { payment_hash: Some(hash), reason, .. } => {
                let hash = hash_of(hash);
                self.sent.end(hash)?;
                self.ended(&hash, Outcome::Failed(failure(*reason)));
            }
            _ => {}
        }
        Ok(())
    }

    fn ended(&self, hash: &PaymentHash, outcome: Outcome) {
        self.in_flight.end(hash);
        self.outcomes.announce(hash, outcome);
    }
}

const fn hash_of(hash: &LdkHash) -> PaymentHash {
    PaymentHash::from_bytes(hash.0)
}

const fn failure(reason: Option<PaymentFailureReason>) -> Failure {
    Failure::Sent(match reason {
        Some(PaymentFailureReason::RouteNotFound) => return Failure::NoRoute,
        Some(PaymentFailureReason::RecipientRejected) => FailureReason::Rejected,
        Some(PaymentFailureReason::RetriesExhausted) => FailureReason::RetriesExhausted,
        Some(PaymentFailureReason::PaymentExpired) => FailureReason::Expired,
        _ => FailureReason::Unspecified,
    })
}

const CHANNELS_EVERY: Duration = Duration::from_millis(500);

//! The subscriber that logs what an operator has to see to.

use super::event::{Event, Invoiced, Minted, Phase, Priced, Reserved, Settled};
use super::observe::Observe;

/// Logs with `tracing` why there is no invoice, or no answer whether one was paid: as errors, with their causes. What is not sold
/// because it cannot be delivered, or because the clock of the ledger was ahead, is logged at the level `debug`.
///
/// Clients learn no more than a status and a reason, so that without this subscriber, or one of your own, the cause is lost.
/// A new paywall has it; [`Paywall::without_observers`](super::Paywall::without_observers) takes it away.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogFaults;

impl Observe for LogFaults {
    fn observe(&self, event: &Event<'_>) {
        match event.phase {
            Phase::Settled(Settled::Unknown { error }) => {
                tracing::error!(error, "no answer whether a payment was settled");
            }
            Phase::Invoiced(Invoiced::Failed { error }) | Phase::Minted(Minted::Failed { error }) => {
                tracing::error!(error, "no invoice to show");
            }
            Phase::Invoiced(Invoiced::TooEarly { wait }) => {
                tracing::debug!(seconds = wait.as_secs(), "not sold: the clock of the ledger was ahead");
            }
            Phase::Reserved(Reserved::Unavailable { error }) => {
                tracing::debug!(error, "no use could be reserved"); // the first failure is logged as an error
            }
            Phase::Priced(Priced::KeyRevoked) => {
                tracing::error!(
                    "not sold: the key that signs new tokens was revoked; rotate it, or copy the new key file here"
                );
            }
            Phase::Priced(Priced::Undeliverable { .. }) => {
                let service = event.service.map_or("-", |service| service.as_str());
                tracing::debug!(service, "not sold: what is sold cannot be delivered");
            }
            _ => {}
        }
    }

    fn sees_all(&self) -> bool {
        false
    }
}

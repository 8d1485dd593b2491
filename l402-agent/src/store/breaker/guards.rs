//! What the owner's policy says about breakers, confirmations and alerts, as far as the store has to know.

use crate::policy::PayeeChange;
use core::time::Duration;
use l402_core::Msat;
use l402_core::purchase::breaker::Rules;

/// What a [`Database`](crate::store::Database) is guarded by. The default is what holds without a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guards {
    /// When breakers trip.
    pub rules: Rules,
    /// A payment of more than this needs a confirmation, fees not counted.
    pub confirm_above_msat: Option<Msat>,
    /// How long the owner has to answer.
    pub confirm_within: Duration,
    /// Whether somebody besides the owner may confirm.
    pub agent_may_confirm: bool,
    /// Whether somebody is to hear of what happens.
    pub are_alerts_sent: bool,
    /// Why the node of the payment that is looked at needs a confirmation.
    pub payee: Option<PayeeChange>,
    /// Whether the caller buys also from an origin that did not accept a purchase.
    pub buys_again: bool,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            confirm_above_msat: None,
            confirm_within: Duration::from_mins(5),
            agent_may_confirm: false,
            are_alerts_sent: false,
            payee: None,
            buys_again: false,
        }
    }
}

//! What there is to tell during a call.

use crate::withheld::Pause;
use l402_core::{Msat, PaymentHash};
use l402_http::pay::Origin;

/// A payment that is known to have succeeded, or a pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// This process paid.
    Paid(Purchase),
    /// An earlier process paid without learning so; its token is used now.
    Recovered(Purchase),
    /// An earlier call of the same request paid, and its answer was lost. The server does not give it again, and another token was bought.
    NotKept {
        /// The URL that was asked.
        url: String,
    },
    /// The server is waited for, and the request is repeated then. Nothing was paid for that.
    Waiting(Pause),
}

/// What was paid, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// Who was paid.
    pub origin: Origin,
    /// The payment hash.
    pub payment_hash: PaymentHash,
    /// What the payee received.
    pub amount_msat: Msat,
    /// What routing cost.
    pub fee_msat: Msat,
}

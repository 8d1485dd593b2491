//! Why tokens or payments cannot be had or kept.

use crate::store::attempts::AttemptsError;
use crate::store::error::DatabaseError;
use crate::store::payments::PaymentsError;
use core::fmt;
use l402_core::PaymentHash;
use tokio::task;

/// Why tokens or payments cannot be had or kept. Nothing is paid then.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// The kept tokens.
    Tokens(DatabaseError),
    /// The record of payments.
    Payments(PaymentsError),
    /// The record of requests whose answers have not come.
    Attempts(AttemptsError),
    /// Another wallet was asked for a payment whose outcome is unknown.
    OtherWallet {
        /// Its name.
        wallet: String,
        /// The payment.
        payment_hash: PaymentHash,
    },
    /// The system gives no random bytes.
    Random(getrandom::Error),
    /// The program ends.
    Ended(task::JoinError),
    /// The call has ended without an answer.
    Unanswered,
}

impl StoreError {
    pub(crate) const fn database(cause: DatabaseError) -> Self {
        Self::Payments(PaymentsError::Database(cause))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tokens(_) => f.write_str("cannot use the token store"),
            Self::Payments(_) => f.write_str("cannot use the payment record"),
            Self::OtherWallet { wallet, payment_hash } => write!(
                f,
                "an earlier payment to this origin, {payment_hash} from the wallet `{wallet}`, has no known outcome"
            ),
            Self::Attempts(_) => f.write_str("cannot use the record of requests"),
            Self::Random(_) => f.write_str("no random bytes"),
            Self::Ended(_) => f.write_str("the program ends"),
            Self::Unanswered => f.write_str("the call ended without an answer"),
        }
    }
}

impl core::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Tokens(cause) => Some(cause),
            Self::Payments(cause) => Some(cause),
            Self::Attempts(cause) => Some(cause),
            Self::Random(cause) => Some(cause),
            Self::Ended(cause) => Some(cause),
            Self::OtherWallet { .. } | Self::Unanswered => None,
        }
    }
}

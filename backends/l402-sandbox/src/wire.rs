//! The bodies of the sandbox's wallet protocol.

use core::fmt;
use core::time::Duration;
use l402_core::{Msat, Preimage, PreimageError};
use l402_lightning::{FailureReason, NodeId, Paid, PayError, PayLimit, PaymentStatus};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Asks the wallet to pay an invoice.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayRequest {
    /// The BOLT11 invoice.
    pub invoice: String,
    /// The most that routing may cost, in millisatoshis.
    pub max_fee_msat: u64,
    /// For how many blocks the money may be locked on its way, in total.
    pub max_cltv_expiry_delta: u32,
    /// How long to wait for the outcome, in milliseconds.
    pub timeout_ms: u64,
}

impl PayRequest {
    /// Returns the limits as the traits have them.
    pub const fn limit(&self) -> PayLimit {
        PayLimit {
            max_fee_msat: Msat::new(self.max_fee_msat),
            max_cltv_expiry_delta: self.max_cltv_expiry_delta,
            timeout: Duration::from_millis(self.timeout_ms),
        }
    }
}

/// A payment that succeeded. `Debug` does not show the preimage.
#[derive(Clone, Serialize, Deserialize)]
pub struct PaidReply {
    /// The preimage: 64 hexadecimal digits.
    pub preimage: Zeroizing<String>,
    /// What the payee received, in millisatoshis.
    pub amount_msat: u64,
    /// What routing cost, in millisatoshis.
    pub fee_msat: u64,
}

impl From<&Paid> for PaidReply {
    fn from(paid: &Paid) -> Self {
        let preimage = Zeroizing::new(paid.preimage.to_hex().expose().to_owned());
        Self { preimage, amount_msat: paid.amount_msat.get(), fee_msat: paid.fee_msat.get() }
    }
}

impl TryFrom<&PaidReply> for Paid {
    type Error = PreimageError;

    fn try_from(reply: &PaidReply) -> Result<Self, PreimageError> {
        let preimage = Preimage::from_hex(reply.preimage.as_bytes())?;
        Ok(Self { preimage, amount_msat: Msat::new(reply.amount_msat), fee_msat: Msat::new(reply.fee_msat) })
    }
}

impl fmt::Debug for PaidReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidReply")
            .field("amount_msat", &self.amount_msat)
            .field("fee_msat", &self.fee_msat)
            .finish_non_exhaustive()
    }
}

/// What became of a payment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum PaymentReply {
    /// The wallet never sent it.
    NotFound,
    /// It is under way.
    Pending,
    /// It succeeded.
    Succeeded(PaidReply),
    /// It failed, for good.
    Failed,
}

impl From<&PaymentStatus> for PaymentReply {
    fn from(status: &PaymentStatus) -> Self {
        match status {
            PaymentStatus::NotFound => Self::NotFound,
            PaymentStatus::Pending => Self::Pending,
            PaymentStatus::Succeeded(paid) => Self::Succeeded(paid.into()),
            PaymentStatus::Failed => Self::Failed,
        }
    }
}

impl TryFrom<&PaymentReply> for PaymentStatus {
    type Error = PreimageError;

    fn try_from(reply: &PaymentReply) -> Result<Self, PreimageError> {
        Ok(match reply {
            PaymentReply::NotFound => Self::NotFound,
            PaymentReply::Pending => Self::Pending,
            PaymentReply::Succeeded(paid) => Self::Succeeded(paid.try_into()?),
            PaymentReply::Failed => Self::Failed,
        })
    }
}

/// Who the wallet is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InfoReply {
    /// The name of its network: [`l402_lightning::Network::as_str`].
    pub network: String,
    /// The public key of its node: [`NodeId`] as text.
    pub node_id: String,
}

impl InfoReply {
    /// Describes a wallet.
    pub fn new(network: l402_lightning::Network, node_id: NodeId) -> Self {
        Self { network: network.to_string(), node_id: node_id.to_string() }
    }
}

/// A request that was not carried out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ErrorReply {
    /// What kind of failure it is: a program decides by this.
    pub error: ErrorKind,
    /// The same for people.
    pub message: String,
}

impl ErrorReply {
    /// Describes a failure that is not one of a payment.
    pub fn new(error: ErrorKind, message: impl fmt::Display) -> Self {
        Self { error, message: message.to_string() }
    }
}

impl From<&PayError> for ErrorReply {
    fn from(fault: &PayError) -> Self {
        Self::new(ErrorKind::of(fault), fault)
    }
}

/// The kinds of failure. Only [`ErrorKind::Unknown`] leaves open whether money moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// [`PayError::Expired`].
    Expired,
    /// [`PayError::WrongNetwork`].
    WrongNetwork,
    /// [`PayError::NoAmount`].
    NoAmount,
    /// [`PayError::InsufficientBalance`].
    InsufficientBalance,
    /// [`PayError::NoRoute`].
    NoRoute,
    /// [`PayError::Busy`].
    Busy,
    /// [`PayError::Unavailable`].
    Unavailable,
    /// [`PayError::Failed`] with [`FailureReason::Rejected`].
    Rejected,
    /// [`PayError::Failed`] with [`FailureReason::RetriesExhausted`].
    RetriesExhausted,
    /// [`PayError::Failed`] with [`FailureReason::Expired`].
    ExpiredOnTheWay,
    /// [`PayError::Failed`] for another reason.
    Failed,
    /// [`PayError::Unknown`].
    Unknown,
    /// The bearer secret is missing or wrong. Nothing was sent.
    Unauthorized,
    /// The request cannot be read. Nothing was sent.
    BadRequest,
    /// There is no such resource.
    NotFound,
}

impl ErrorKind {
    /// Returns the kind of a failed payment.
    pub const fn of(fault: &PayError) -> Self {
        match fault {
            PayError::Expired => Self::Expired,
            PayError::WrongNetwork { .. } => Self::WrongNetwork,
            PayError::NoAmount => Self::NoAmount,
            PayError::InsufficientBalance { .. } => Self::InsufficientBalance,
            PayError::NoRoute => Self::NoRoute,
            PayError::Busy => Self::Busy,
            PayError::Unavailable(_) => Self::Unavailable,
            PayError::Failed(FailureReason::Rejected) => Self::Rejected,
            PayError::Failed(FailureReason::RetriesExhausted) => Self::RetriesExhausted,
            PayError::Failed(FailureReason::Expired) => Self::ExpiredOnTheWay,
            PayError::Failed(_) => Self::Failed,
            _ => Self::Unknown, // a kind of failure that is new to this crate is no promise that no money moved
        }
    }

    /// Returns the HTTP status that a server answers with.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::NotFound => 404,
            Self::Busy | Self::Unavailable => 503,
            Self::Unknown => 504,
            _ => 422,
        }
    }
}

//! The client of the wallet.

use super::file::{SandboxFile, SandboxFileError, default_path};
use super::http::{Endpoint, ExchangeError};
use super::wire::{ErrorKind, InfoReply, PaidReply, PayRequest, PaymentReply};
use core::fmt;
use core::time::Duration;
use l402_core::PaymentHash;
use l402_lightning::unix_now;
use l402_lightning::{
    Cause, FailureReason, Invoice, LookupError, Network, NodeId, Paid, PayError, PayLimit, PaymentSource, PaymentStatus,
};
use std::path::Path;

/// The wallet of a running sandbox. It works on a tokio runtime with I/O and time.
#[derive(Debug, Clone)]
pub struct SandboxWallet {
    endpoint: Endpoint,
    network: Network,
    node_id: NodeId,
}

impl SandboxWallet {
    /// Finds the wallet that a file announces, [`default_path`] where none is given, and asks it who it is.
    ///
    /// # Errors
    /// [`DiscoverError`].
    pub async fn discover(path: Option<&Path>) -> Result<Self, DiscoverError> {
        let file = match path {
            Some(path) => SandboxFile::read(path),
            None => SandboxFile::read(&default_path().ok_or(DiscoverError::NoStateDirectory)?),
        };
        Self::connect(&file.map_err(DiscoverError::File)?).await
    }

    /// Asks the wallet at an address who it is.
    ///
    /// # Errors
    /// [`DiscoverError`].
    pub async fn connect(file: &SandboxFile) -> Result<Self, DiscoverError> {
        let endpoint = Endpoint::new(file);
        let info: InfoReply = endpoint.get("/v1/info", LOOKUP_TIMEOUT).await.map_err(DiscoverError::from)?;
        let network = info.network.parse().map_err(|_| DiscoverError::Malformed)?;
        let node_id = info.node_id.parse().map_err(|_| DiscoverError::Malformed)?;
        Ok(Self { endpoint, network, node_id })
    }

    /// Returns the public key of the wallet's node.
    pub const fn node_id(&self) -> NodeId {
        self.node_id
    }
}

impl PaymentSource for SandboxWallet {
    fn network(&self) -> Network {
        self.network
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        invoice.payable(self.network, unix_now())?;
        let request = PayRequest {
            invoice: invoice.bolt11().to_owned(),
            max_fee_msat: limit.max_fee_msat.get(),
            max_cltv_expiry_delta: limit.max_cltv_expiry_delta,
            timeout_ms: u64::try_from(limit.timeout.as_millis()).unwrap_or(u64::MAX),
        };
        let wait = limit.timeout.saturating_add(ANSWER_MARGIN); // the wallet itself says that the time is over
        let reply: PaidReply = match self.endpoint.post("/v1/pay", &request, wait).await {
            Ok(reply) => reply,
            Err(fault) => return Err(pay_error(fault, self.network, invoice)),
        };
        Paid::try_from(&reply).map_err(|fault| PayError::Unknown(fault.into()))
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        let path = format!("/v1/payments/{hash}");
        let reply: PaymentReply = self.endpoint.get(&path, LOOKUP_TIMEOUT).await.map_err(LookupError::new)?;
        PaymentStatus::try_from(&reply).map_err(LookupError::new)
    }
}

/// Why no wallet was found.
#[derive(Debug)]
#[non_exhaustive]
pub enum DiscoverError {
    /// The system names no directory where a wallet would be announced.
    NoStateDirectory,
    /// The announcement cannot be used; most often it is missing, because no sandbox runs.
    File(SandboxFileError),
    /// Nothing answers at the announced address: the sandbox has ended.
    Unavailable(Cause),
    /// What answers is no wallet.
    Malformed,
}

impl From<ExchangeError> for DiscoverError {
    fn from(fault: ExchangeError) -> Self {
        match fault {
            ExchangeError::Malformed => Self::Malformed,
            other => Self::Unavailable(other.into()),
        }
    }
}

impl fmt::Display for DiscoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoStateDirectory => "this system has no state directory, where a sandbox announces its wallet",
            Self::File(SandboxFileError::File(fault)) if fault.is_missing() => "no sandbox is running",
            Self::File(_) => "cannot find the sandbox's wallet",
            Self::Unavailable(_) => "no response from the sandbox's wallet",
            Self::Malformed => "this is not a sandbox's wallet",
        })
    }
}

impl core::error::Error for DiscoverError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::File(cause) => Some(cause),
            Self::Unavailable(cause) => Some(&**cause),
            Self::NoStateDirectory | Self::Malformed => None,
        }
    }
}

/// Sorts failures by the one question that matters: can it still succeed?
fn pay_error(fault: ExchangeError, network: Network, invoice: &Invoice) -> PayError {
    let reply = match fault {
        ExchangeError::NotSent(_) => return PayError::Unavailable(fault.into()),
        ExchangeError::Lost(_) | ExchangeError::TimedOut | ExchangeError::Malformed => {
            return PayError::Unknown(fault.into());
        }
        ExchangeError::Refused(reply) => reply,
    };
    match reply.error {
        ErrorKind::Expired => PayError::Expired,
        ErrorKind::WrongNetwork => PayError::WrongNetwork { expected: network, found: invoice.network() },
        ErrorKind::NoAmount => PayError::NoAmount,
        ErrorKind::InsufficientBalance => {
            PayError::InsufficientBalance { amount_msat: invoice.amount_msat().unwrap_or_default() }
        }
        ErrorKind::NoRoute => PayError::NoRoute,
        ErrorKind::Busy => PayError::Busy,
        ErrorKind::Rejected => PayError::Failed(FailureReason::Rejected),
        ErrorKind::RetriesExhausted => PayError::Failed(FailureReason::RetriesExhausted),
        ErrorKind::ExpiredOnTheWay => PayError::Failed(FailureReason::Expired),
        ErrorKind::Failed => PayError::Failed(FailureReason::Unspecified),
        ErrorKind::Unavailable | ErrorKind::Unauthorized | ErrorKind::BadRequest | ErrorKind::NotFound => {
            PayError::Unavailable(ExchangeError::Refused(reply).into())
        }
        ErrorKind::Unknown => PayError::Unknown(ExchangeError::Refused(reply).into()),
    }
}

const LOOKUP_TIMEOUT: Duration = Duration::from_secs(10);
const ANSWER_MARGIN: Duration = Duration::from_secs(5);

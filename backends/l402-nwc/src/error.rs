//! What can go wrong between us and a wallet.

use crate::relay::{RelayError, RelayUrl};
use core::fmt;
use core::time::Duration;
use l402_lightning::Network;
use std::io;
use std::sync::Arc;

/// Why a wallet could not be asked, or what it answered instead.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum NwcError {
    /// No relay is connected, and this is what keeps the first one away.
    NoRelay(RelayUrl, Option<Arc<RelayError>>),
    /// The relays do not take the request, and this is what the last one said.
    Rejected(Arc<str>),
    /// The wallet did not answer in time.
    TimedOut {
        /// How long it was waited for.
        after: Duration,
    },
    /// The relays have nothing that the wallet has published about itself.
    NoInfo,
    /// The wallet has no encryption that is known here.
    Encryption,
    /// The connection does not allow a method that is needed.
    Lacks(&'static str),
    /// The connection allows to spend, which a payee does not need (threat O2).
    MaySpend,
    /// The wallet is on another network.
    WrongNetwork {
        /// The network that was asked for.
        expected: Network,
        /// The network of the wallet.
        found: Network,
    },
    /// The wallet is on a network that is not supported.
    UnsupportedNetwork,
    /// The wallet refused.
    Refused(NwcRefusal),
    /// The answer means nothing.
    Malformed,
    /// Asked too often: by our own bound, or until the wallet may be asked again.
    TooFast,
    /// As many invoices are unpaid as are allowed.
    TooManyUnpaid,
    /// The wallet says that it has paid, and returns no preimage that proves it.
    NoPreimage,
    /// The record of what was sent cannot be read or written.
    Record(Arc<io::Error>),
}

impl NwcError {
    /// Tells whether another attempt may succeed without anybody's help.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::NoRelay(..)
            | Self::Rejected(_)
            | Self::TimedOut { .. }
            | Self::NoInfo
            | Self::TooFast
            | Self::TooManyUnpaid
            | Self::Malformed => true,
            Self::Refused(refusal) => {
                matches!(refusal.code, RefusalCode::RateLimited | RefusalCode::Internal | RefusalCode::Other)
            }
            _ => false,
        }
    }

    pub(crate) fn is_rate_limit(&self) -> bool {
        self.refusal() == Some(RefusalCode::RateLimited)
    }

    pub(crate) fn is_not_found(&self) -> bool {
        self.refusal() == Some(RefusalCode::NotFound)
    }

    /// Returns the code of the wallet's refusal, where it refused.
    pub const fn refusal(&self) -> Option<RefusalCode> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }
}

impl fmt::Display for NwcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRelay(url, _) => write!(f, "no connection to {url}, through which the wallet is reached"),
            Self::Rejected(reason) if reason.is_empty() => {
                f.write_str("the relay does not take requests to the wallet")
            }
            Self::Rejected(reason) => write!(f, "the relay does not take requests to the wallet: {reason}"),
            Self::TimedOut { after } => write!(f, "no response from the wallet within {} ms", after.as_millis()),
            Self::NoInfo => f.write_str(
                "the relay knows nothing of the wallet; is the wallet running, and the connection still there?",
            ),
            Self::Encryption => f.write_str("the wallet has neither NIP-44 nor NIP-04 encryption"),
            Self::Lacks(method) => write!(f, "the connection to the wallet does not allow `{method}`"),
            Self::MaySpend => {
                f.write_str("the connection to the wallet allows `pay_invoice`, which selling does not need")
            }
            Self::WrongNetwork { expected, found } => write!(f, "the wallet is on {found}, not on {expected}"),
            Self::UnsupportedNetwork => f.write_str("the wallet is on a network that is not supported"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Malformed => f.write_str("invalid response from the wallet"),
            Self::TooFast => f.write_str("the wallet was asked too often; it is left alone for a moment"),
            Self::TooManyUnpaid => f.write_str("too many unpaid invoices"),
            Self::NoPreimage => f.write_str("the wallet has paid and returned no preimage, so that nothing opens"),
            Self::Record(_) => f.write_str("cannot read or write the record of payments that were sent"),
        }
    }
}

impl core::error::Error for NwcError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::NoRelay(_, Some(cause)) => Some(&**cause),
            Self::Record(cause) => Some(&**cause),
            _ => None,
        }
    }
}

/// What a wallet says when it refuses (NIP-47 §Error codes).
#[derive(Debug, Clone)]
pub struct NwcRefusal {
    code: RefusalCode,
    message: Arc<str>,
}

impl NwcRefusal {
    pub(crate) fn new(code: &str, message: &str) -> Self {
        let message: String = message.chars().filter(|letter| !letter.is_control()).take(MOST_LETTERS).collect();
        Self { code: RefusalCode::of(code), message: message.into() }
    }

    /// Returns what kind of refusal it is.
    pub const fn code(&self) -> RefusalCode {
        self.code
    }

    /// Returns what the wallet says, in one line.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for NwcRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the wallet refused: {}", self.code)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, " ({})", self.message) }
    }
}

/// The kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalCode {
    /// Asked too often.
    RateLimited,
    /// The wallet does not have this method.
    NotImplemented,
    /// Not enough money.
    InsufficientBalance,
    /// More than the connection may spend.
    QuotaExceeded,
    /// The connection may not do this.
    Restricted,
    /// No wallet belongs to the connection any more.
    Unauthorized,
    /// The wallet broke.
    Internal,
    /// The wallet cannot decrypt the request.
    UnsupportedEncryption,
    /// The payment failed.
    PaymentFailed,
    /// The wallet knows nothing of it.
    NotFound,
    /// Something else.
    Other,
}

impl RefusalCode {
    fn of(code: &str) -> Self {
        match code {
            "RATE_LIMITED" => Self::RateLimited,
            "NOT_IMPLEMENTED" => Self::NotImplemented,
            "INSUFFICIENT_BALANCE" => Self::InsufficientBalance,
            "QUOTA_EXCEEDED" => Self::QuotaExceeded,
            "RESTRICTED" => Self::Restricted,
            "UNAUTHORIZED" => Self::Unauthorized,
            "INTERNAL" => Self::Internal,
            "UNSUPPORTED_ENCRYPTION" => Self::UnsupportedEncryption,
            "PAYMENT_FAILED" => Self::PaymentFailed,
            "NOT_FOUND" => Self::NotFound,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RateLimited => "asked too often",
            Self::NotImplemented => "it does not have this method",
            Self::InsufficientBalance => "not enough money",
            Self::QuotaExceeded => "more than the connection may spend",
            Self::Restricted => "the connection may not do this",
            Self::Unauthorized => "no wallet belongs to the connection",
            Self::Internal => "it has an internal error",
            Self::UnsupportedEncryption => "it cannot decrypt the request",
            Self::PaymentFailed => "the payment failed",
            Self::NotFound => "it does not know the payment",
            Self::Other => "it gives no reason",
        })
    }
}

const MOST_LETTERS: usize = 200;

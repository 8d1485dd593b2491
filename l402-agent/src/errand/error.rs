//! Why an errand was not done.

use core::fmt;
use serde::{Deserialize, Serialize};

/// An errand was not done, or not to its end.
///
/// # Deviation
/// It owns its text, unlike the other errors of this crate: it travels over a socket.
///
/// ```
/// use l402_agent::errand::{ErrandError, Reason};
///
/// let fault: ErrandError = serde_json::from_str(r#"{"reason": "policy", "message": "research: this budget is frozen"}"#)?;
/// assert_eq!((fault.reason, fault.reason.as_str(), fault.paid_msat), (Reason::Policy, "policy", 0));
/// let later: ErrandError = serde_json::from_str(r#"{"reason": "from a later version", "message": ""}"#)?;
/// assert_eq!(later.reason, Reason::Other);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrandError {
    /// Why, for programs.
    pub reason: Reason,
    /// Why, for people. It quotes no server.
    pub message: String,
    /// What the call has paid all the same, fees included. What was bought is kept, and the next call uses it.
    #[serde(default)]
    pub paid_msat: u64,
}

impl ErrandError {
    /// Takes a reason and a sentence; nothing was paid.
    pub fn new(reason: Reason, message: impl fmt::Display) -> Self {
        Self { reason, message: message.to_string(), paid_msat: 0 }
    }

    /// Joins an error with its causes.
    pub(crate) fn of(reason: Reason, fault: &dyn core::error::Error) -> Self {
        let mut message = fault.to_string();
        let mut next = fault.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            next = cause.source();
        }
        Self { reason, message, paid_msat: 0 }
    }
}

impl fmt::Display for ErrandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for ErrandError {}

/// Why an errand was not done. The names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// What is asked for is no request. Nothing was sent.
    InvalidRequest,
    /// The URL cannot be requested. Nothing was sent.
    InvalidUrl,
    /// A header cannot be set by this caller. Nothing was sent.
    HeaderRefused,
    /// The method is not sent here. Nothing was sent.
    MethodRefused,
    /// The address is not one of the public internet, and the owner does not allow it.
    AddressRefused,
    /// Nobody has this key, or it may not be used here. Nothing was sent.
    Unauthorized,
    /// More is asked for at the same time than may be. Nothing was sent.
    TooMany,
    /// The owner's budget or policy does not allow it. Nothing was paid.
    Policy,
    /// The price is above the limit. Nothing was paid.
    OverLimit,
    /// The server asks for a payment in a way that cannot be met. Nothing was paid.
    BadChallenge,
    /// The wallet did not pay. No money moved.
    PaymentFailed,
    /// The payment may have succeeded, or may still: the same call asks before it pays again.
    PaymentUnknown,
    /// Somebody else buys the same, and has not ended. Nothing was paid.
    Busy,
    /// The server does not accept what was bought from it.
    NotAccepted,
    /// An earlier attempt may have been performed, and nothing more is paid for it.
    MayHaveServed,
    /// A redirect was not followed.
    Redirect,
    /// The server cannot be reached, or the connection broke.
    Network,
    /// It took too long. A payment that is under way is looked for by the next call.
    Timeout,
    /// The body of the response is too long, or that of the request.
    TooLarge,
    /// The body of the response broke off.
    BodyBroke,
    /// Something of the owner's does not work: the store, the wallet, the broker.
    Local,
    /// One that this version does not know.
    #[serde(other)]
    Other,
}

impl Reason {
    /// Every reason that has a name.
    pub const ALL: [Self; 21] = [
        Self::InvalidRequest,
        Self::InvalidUrl,
        Self::HeaderRefused,
        Self::MethodRefused,
        Self::AddressRefused,
        Self::Unauthorized,
        Self::TooMany,
        Self::Policy,
        Self::OverLimit,
        Self::BadChallenge,
        Self::PaymentFailed,
        Self::PaymentUnknown,
        Self::Busy,
        Self::NotAccepted,
        Self::MayHaveServed,
        Self::Redirect,
        Self::Network,
        Self::Timeout,
        Self::TooLarge,
        Self::BodyBroke,
        Self::Local,
    ];

    /// Returns the name, as JSON has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidUrl => "invalid_url",
            Self::HeaderRefused => "header_refused",
            Self::MethodRefused => "method_refused",
            Self::AddressRefused => "address_refused",
            Self::Unauthorized => "unauthorized",
            Self::TooMany => "too_many",
            Self::Policy => "policy",
            Self::OverLimit => "over_limit",
            Self::BadChallenge => "bad_challenge",
            Self::PaymentFailed => "payment_failed",
            Self::PaymentUnknown => "payment_unknown",
            Self::Busy => "busy",
            Self::NotAccepted => "not_accepted",
            Self::MayHaveServed => "may_have_served",
            Self::Redirect => "redirect",
            Self::Network => "network",
            Self::Timeout => "timeout",
            Self::TooLarge => "too_large",
            Self::BodyBroke => "body_broke",
            Self::Local => "local",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_json() {
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }

    #[test]
    fn causes_are_said_once() {
        let inner = std::io::Error::other("inner");
        let outer = std::io::Error::other(std::io::Error::other(inner));
        assert_eq!(ErrandError::of(Reason::Local, &outer).message, "inner");
    }
}

//! What goes over the socket: a line of JSON each way.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is asked of the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) call: Call,
    /// The name of an operation that moves money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// Only says what would be done.
    #[serde(default)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Call {
    Info,
    Balance,
    Address,
    Channels,
    #[serde(untagged)]
    Money(Money),
}

/// What moves money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Money {
    /// On-chain; all but the reserve where no amount is given.
    Send {
        address: String,
        amount_sat: Option<u64>,
        fee_rate: Option<u64>,
    },
    /// Over Lightning.
    Pay {
        invoice: String,
        max_fee_sat: Option<u64>,
    },
    Open {
        peer: String,
        address: String,
        capacity_sat: u64,
        push_sat: u64,
        announced: bool,
    },
    Close {
        channel: String,
    },
    ForceClose {
        channel: String,
    },
}

impl Call {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Balance => "balance",
            Self::Address => "address",
            Self::Channels => "channels",
            Self::Money(Money::Send { .. }) => "send",
            Self::Money(Money::Pay { .. }) => "pay",
            Self::Money(Money::Open { .. }) => "open",
            Self::Money(Money::Close { .. }) => "close",
            Self::Money(Money::ForceClose { .. }) => "force-close",
        }
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// What was asked for.
    Facts(Value),
    /// What would be done.
    Plan(Vec<String>),
    /// What became of an operation.
    Operation {
        id: String,
        /// It was asked for before: nothing was done this time.
        repeated: bool,
        outcome: Outcome,
    },
    /// Nothing was done, and why.
    Refused(String),
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum Outcome {
    Done {
        what: String,
        /// The id of a transaction or channel, or a payment hash.
        reference: String,
    },
    /// No money was moved.
    NotDone { why: String },
    /// Money may have been moved.
    Unknown { why: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_line() {
        for (call, text) in [
            (Call::Info, r#"{"call":"info","dry_run":false}"#),
            (
                Call::Money(Money::Close { channel: "a".to_owned() }),
                r#"{"call":{"close":{"channel":"a"}},"dry_run":false}"#,
            ),
        ] {
            let request = Request { call, id: None, dry_run: false };
            assert_eq!(serde_json::to_string(&request).expect("JSON"), text);
            assert_eq!(serde_json::from_str::<Request>(text).expect("read"), request);
        }
    }
}

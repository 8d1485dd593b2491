//! What goes over the socket: a line of JSON each way.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is asked of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The call.
    pub call: Call,
    /// The name of an operation that moves money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Only says what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// Who the node is and how it fares.
    Info,
    /// How much money there is.
    Balance,
    /// A fresh on-chain address.
    Address,
    /// The channels.
    Channels,
    /// About the ledger.
    Uses(UsesCall),
    /// About the deny-list.
    Revoke(RevokeCall),
    /// About the key file.
    Keys(KeysCall),
    /// What moves money.
    #[serde(untagged)]
    Money(Money),
}

/// A call about the ledger. Payments are named by their hash, in 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum UsesCall {
    /// The uses in doubt.
    List,
    /// The clock of the ledger, and its horizon.
    Clock,
    /// The counters of a payment, and its uses in doubt.
    Show {
        /// The payment.
        payment: String,
    },
    /// Decides about the uses of a payment that are in doubt.
    Resolve {
        /// The payment.
        payment: String,
        /// What they come to.
        outcome: Decided,
        /// The number of one use; all that are in doubt unless it is given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u32>,
    },
}

/// A call about the deny-list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RevokeCall {
    /// What is on it.
    List,
    /// Denies the tokens of a payment.
    Payment {
        /// The payment.
        payment: String,
    },
    /// Denies the tokens of an epoch.
    Epoch {
        /// The epoch.
        epoch: u32,
    },
}

/// A call about the key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeysCall {
    /// Its epochs.
    List,
    /// Publishes a new epoch.
    Rotate,
}

/// What a person has found out about a use in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decided {
    /// The upstream did its work: the use is gone.
    Used,
    /// It did not: the use is available again.
    Unused,
}

/// What moves money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Money {
    /// On-chain; all but the reserve where no amount is given.
    Send {
        /// Where to.
        address: String,
        /// How much; all but the reserve where it is not given.
        amount_sat: Option<u64>,
        /// In satoshis per virtual byte.
        fee_rate: Option<u64>,
    },
    /// Over Lightning.
    Pay {
        /// What to pay.
        invoice: String,
        /// What routing may cost at most.
        max_fee_sat: Option<u64>,
    },
    /// Opens a channel.
    Open {
        /// The public key of the peer.
        peer: String,
        /// Its host and port.
        address: String,
        /// How large.
        capacity_sat: u64,
        /// What the peer is given at once.
        push_sat: u64,
        /// Whether the network is told of it.
        announced: bool,
    },
    /// Closes a channel together with the peer.
    Close {
        /// Its id.
        channel: String,
    },
    /// Closes a channel without the peer.
    ForceClose {
        /// Its id.
        channel: String,
    },
}

impl Call {
    /// Returns its name, as the command line has it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Balance => "balance",
            Self::Address => "address",
            Self::Channels => "channels",
            Self::Uses(UsesCall::List) => "uses list",
            Self::Uses(UsesCall::Clock) => "uses clock",
            Self::Uses(UsesCall::Show { .. }) => "uses show",
            Self::Uses(UsesCall::Resolve { .. }) => "uses resolve",
            Self::Revoke(RevokeCall::List) => "revoke list",
            Self::Revoke(RevokeCall::Payment { .. } | RevokeCall::Epoch { .. }) => "revoke",
            Self::Keys(KeysCall::List) => "keys list",
            Self::Keys(KeysCall::Rotate) => "keys rotate",
            Self::Money(Money::Send { .. }) => "send",
            Self::Money(Money::Pay { .. }) => "pay",
            Self::Money(Money::Open { .. }) => "open",
            Self::Money(Money::Close { .. }) => "close",
            Self::Money(Money::ForceClose { .. }) => "force-close",
        }
    }

    /// Tells whether it changes something: money, a counter, or who is served.
    pub(super) const fn changes(&self) -> bool {
        matches!(
            self,
            Self::Money(_)
                | Self::Keys(KeysCall::Rotate)
                | Self::Uses(UsesCall::Resolve { .. })
                | Self::Revoke(RevokeCall::Payment { .. } | RevokeCall::Epoch { .. })
        )
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// What was asked for.
    Facts(Value),
    /// What would be done.
    Plan(Vec<String>),
    /// What became of an operation.
    Operation {
        /// Its name.
        id: String,
        /// It was asked for before: nothing was done this time.
        repeated: bool,
        /// What became of it.
        outcome: Outcome,
    },
    /// Nothing was done, and why.
    Refused(String),
}

/// What became of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Outcome {
    /// It is done.
    Done {
        /// What was done.
        what: String,
        /// The id of a transaction or channel, or a payment hash.
        reference: String,
    },
    /// No money was moved.
    NotDone {
        /// Why.
        why: String,
    },
    /// Money may have been moved.
    Unknown {
        /// Why that is not known.
        why: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_a_line() {
        for (call, text) in [
            (Call::Info, r#"{"call":"info","dry_run":false}"#),
            (Call::Uses(UsesCall::List), r#"{"call":{"uses":"list"},"dry_run":false}"#),
            (Call::Uses(UsesCall::Clock), r#"{"call":{"uses":"clock"},"dry_run":false}"#),
            (
                Call::Uses(UsesCall::Resolve { payment: "a".to_owned(), outcome: Decided::Unused, number: None }),
                r#"{"call":{"uses":{"resolve":{"payment":"a","outcome":"unused"}}},"dry_run":false}"#,
            ),
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

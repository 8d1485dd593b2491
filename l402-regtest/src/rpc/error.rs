//! What a call answers when it fails, in bitcoind's own codes and words.

use core::fmt;

use serde_json::{Value, json};

use crate::chain::Rejected;

/// A call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RpcError {
    Parse,
    InvalidRequest,
    NamedParameters,
    UnknownMethod,
    /// The parameter at this position, from 0, is missing.
    Missing(usize),
    /// The parameter at this position is of another type.
    Type(usize),
    /// The parameter at this position is no hash.
    Hash(usize),
    /// The hexadecimal digits are no transaction.
    Transaction,
    BlockNotFound,
    HeightOutOfRange,
    TransactionNotFound,
    NotInMempool,
    Rejected(Rejected),
}

impl RpcError {
    pub(super) fn to_json(self) -> Value {
        json!({ "code": self.code(), "message": self.to_string() })
    }

    pub(super) fn code(self) -> i32 {
        match self {
            Self::Parse => -32700,
            Self::InvalidRequest => -32600,
            Self::UnknownMethod => -32601,
            Self::Missing(_) => -1,
            Self::Type(_) => -3,
            Self::NamedParameters | Self::Hash(_) | Self::HeightOutOfRange => -8,
            Self::Transaction => -22,
            Self::BlockNotFound | Self::TransactionNotFound | Self::NotInMempool => -5,
            Self::Rejected(Rejected::MissingOrSpent) => -25,
            Self::Rejected(Rejected::Confirmed) => -27,
            Self::Rejected(_) => -26,
        }
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Parse => "Parse error",
            Self::InvalidRequest => "Invalid Request object",
            Self::NamedParameters => "named parameters are not supported",
            Self::UnknownMethod => "Method not found",
            Self::Missing(at) => return write!(f, "parameter {} is missing", at + 1),
            Self::Type(at) => return write!(f, "parameter {} has another type", at + 1),
            Self::Hash(at) => return write!(f, "parameter {} must be of length 64", at + 1),
            Self::Transaction => "TX decode failed. Make sure the tx has at least one input.",
            Self::BlockNotFound => "Block not found",
            Self::HeightOutOfRange => "Block height out of range",
            Self::TransactionNotFound => {
                "No such mempool or blockchain transaction. Use gettransaction for wallet transactions."
            }
            Self::NotInMempool => "Transaction not in mempool",
            Self::Rejected(Rejected::Confirmed) => "Transaction outputs already in utxo set",
            Self::Rejected(rejected) => return rejected.fmt(f),
        })
    }
}

impl From<Rejected> for RpcError {
    fn from(rejected: Rejected) -> Self {
        Self::Rejected(rejected)
    }
}

//! The positional parameters of a call.

use core::str::FromStr;

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{OutPoint, Transaction};
use serde_json::Value;

use super::error::RpcError;

/// Parameters by position. A trailing one that is absent or `null` has its default.
#[derive(Clone, Copy)]
pub(super) struct Params<'a>(&'a [Value]);

impl<'a> Params<'a> {
    /// Reads the `params` of a request.
    pub(super) fn of(request: &'a Value) -> Result<Self, RpcError> {
        match request.get("params") {
            None | Some(Value::Null) => Ok(Self(&[])),
            Some(Value::Array(params)) => Ok(Self(params)),
            Some(_) => Err(RpcError::NamedParameters),
        }
    }

    /// The hash at `at`, of a block or a transaction.
    pub(super) fn hash<T: FromStr>(self, at: usize) -> Result<T, RpcError> {
        let text = self.required(at)?.as_str().ok_or(RpcError::Type(at))?;
        text.parse().map_err(|_| RpcError::Hash(at))
    }

    pub(super) fn number(self, at: usize) -> Result<u32, RpcError> {
        let number = self.required(at)?.as_u64().ok_or(RpcError::Type(at))?;
        u32::try_from(number).map_err(|_| RpcError::HeightOutOfRange)
    }

    pub(super) fn array(self, at: usize) -> Result<&'a [Value], RpcError> {
        self.required(at)?.as_array().map(Vec::as_slice).ok_or(RpcError::Type(at))
    }

    pub(super) fn transaction(self, at: usize) -> Result<Transaction, RpcError> {
        transaction(self.required(at)?)
    }

    /// The switch or level at `at`; `true` counts as 1.
    pub(super) fn level_or(self, at: usize, default: u64) -> Result<u64, RpcError> {
        match self.optional(at) {
            None => Ok(default),
            Some(Value::Bool(on)) => Ok(u64::from(*on)),
            Some(value) => value.as_u64().ok_or(RpcError::Type(at)),
        }
    }

    pub(super) fn optional(self, at: usize) -> Option<&'a Value> {
        self.0.get(at).filter(|value| !value.is_null())
    }

    fn required(self, at: usize) -> Result<&'a Value, RpcError> {
        self.optional(at).ok_or(RpcError::Missing(at))
    }
}

/// A transaction in hexadecimal.
pub(super) fn transaction(value: &Value) -> Result<Transaction, RpcError> {
    let hex = value.as_str().ok_or(RpcError::Transaction)?;
    deserialize_hex(hex).map_err(|_| RpcError::Transaction)
}

/// An outpoint as an object of `txid` and `vout`.
pub(super) fn outpoint(value: &Value) -> Option<OutPoint> {
    let txid = value.get("txid")?.as_str()?.parse().ok()?;
    let vout = u32::try_from(value.get("vout")?.as_u64()?).ok()?;
    Some(OutPoint { txid, vout })
}

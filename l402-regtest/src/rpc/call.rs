//! JSON-RPC itself: one call or a batch, and the envelope of an answer.

use serde_json::{Value, json};

use super::error::RpcError;
use super::methods;
use super::params::Params;
use crate::chain::Chain;

/// Answers a request's body.
pub(super) fn answer(chain: &Chain, body: &[u8]) -> Value {
    match serde_json::from_slice(body) {
        Ok(Value::Array(calls)) => calls.iter().map(|request| answer_one(chain, request)).collect(),
        Ok(request) => answer_one(chain, &request),
        Err(_) => envelope(Err(RpcError::Parse), &Value::Null),
    }
}

fn answer_one(chain: &Chain, request: &Value) -> Value {
    envelope(call(chain, request), &request["id"])
}

fn call(chain: &Chain, request: &Value) -> Result<Value, RpcError> {
    let name = request["method"].as_str().ok_or(RpcError::InvalidRequest)?;
    let method = methods::find(name).ok_or(RpcError::UnknownMethod)?;
    method(chain, Params::of(request)?)
}

fn envelope(result: Result<Value, RpcError>, id: &Value) -> Value {
    match result {
        Ok(result) => json!({ "result": result, "error": null, "id": id }),
        Err(error) => json!({ "result": null, "error": error.to_json(), "id": id }),
    }
}

//! LND's REST interface: JSON over HTTP, on 127.0.0.1.
//!
//! LND serves it without TLS here (`no-rest-tls`), so that tests need no further dependency to steer a node. What is under test
//! talks gRPC over TLS, as to any LND.

use core::net::SocketAddr;
use core::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::error::LndError;

/// The header field that carries the macaroon, in hexadecimal.
const MACAROON: &str = "grpc-metadata-macaroon";

/// Asks the server at `address`. A call to a node that is paused ends after `patience`.
///
/// Calls that stream answer with their last message.
pub(super) async fn call(
    address: SocketAddr,
    macaroon: Option<&str>,
    question: (Method, &str, Option<&Value>),
    patience: Duration,
) -> Result<Value, LndError> {
    let (method, path, body) = question;
    let mut request = Request::builder().method(method).uri(path).header(HOST, address.to_string());
    if let Some(macaroon) = macaroon {
        request = request.header(MACAROON, macaroon);
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = request.header(CONTENT_TYPE, "application/json").body(Full::from(body));
    let request = request.map_err(|_| LndError::NotHttp)?;
    let (status, body) = timeout(patience, exchange(address, request)).await.map_err(|_| LndError::NoAnswer)??;
    read(status, &body)
}

async fn exchange(address: SocketAddr, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), LndError> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    };
    tokio::pin!(answer);
    tokio::select! {
        answer = &mut answer => answer,
        ended = connection => match ended {
            Ok(()) => answer.await,
            Err(fault) => Err(fault.into()),
        },
    }
}

/// Reads the last JSON document of `body`: the answer, or what was wrong.
fn read(status: StatusCode, body: &[u8]) -> Result<Value, LndError> {
    let mut documents = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
    let last = documents.by_ref().last().and_then(Result::ok).ok_or(LndError::NotJson(status.as_u16()))?;
    let refused = |about: &Value| LndError::Refused(about["message"].as_str().unwrap_or("no reason given").to_owned());
    match &last {
        Value::Object(fields) if fields.contains_key("error") => Err(refused(&last["error"])),
        Value::Object(fields) if fields.contains_key("result") => Ok(last["result"].clone()),
        _ if status.is_success() => Ok(last),
        _ => Err(refused(&last)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_streams_and_refusals_are_told_apart() {
        let ok = |body: &str| read(StatusCode::OK, body.as_bytes());
        assert_eq!(ok(r#"{"state":"LOCKED"}"#).unwrap(), json!({"state": "LOCKED"}));
        assert_eq!(ok("{\"result\":{\"n\":1}}\n{\"result\":{\"n\":2}}\n").unwrap(), json!({"n": 2}));
        let refusals = [
            ok(r#"{"error":{"code":2,"message":"why"}}"#),
            read(StatusCode::INTERNAL_SERVER_ERROR, br#"{"code":2,"message":"why"}"#),
        ];
        for refused in refusals {
            assert!(matches!(refused, Err(LndError::Refused(reason)) if reason == "why"));
        }
        assert!(matches!(ok("<html>"), Err(LndError::NotJson(200))));
    }
}

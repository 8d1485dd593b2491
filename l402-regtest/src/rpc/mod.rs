//! bitcoind's JSON-RPC over a [`Chain`]: the methods that ldk-node and LND call, and no others.
//!
//! 1. It listens on 127.0.0.1 only, and asks for a user name and a password (HTTP Basic).
//! 2. The answer to a call that fails is HTTP 200 with an `error`: clients take any other status for
//!    an outage, wait and send the call again.
//! 3. Codes and texts of errors are bitcoind's own, since clients tell cases apart by them.
//! 4. A batch (a JSON array of calls) is answered in its order.
//!
//! # Deviation
//!
//! A call that fails is answered 404 or 500 by bitcoind, unless it says `"jsonrpc": "2.0"`. Named parameters are not
//! supported.

#![expect(clippy::unnecessary_wraps, reason = "the table holds methods of one type")]

mod auth;
mod blocks;
mod call;
mod error;
mod json;
mod mempool;
mod methods;
mod node;
mod params;
mod transactions;

use core::net::SocketAddr;
use std::io;

use bytes::Bytes;
use hyper::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::{Method, StatusCode};
use l402_ldk::ChainSource;

use crate::chain::Chain;
use crate::loopback::{self, Request, Response, Server, status};

pub use auth::Credentials;

/// The largest request that is read: a block's worth of transaction in hexadecimal, and room.
const MAX_BODY: usize = 10 << 20;

/// The RPC server of a chain. Dropping it stops it.
pub struct RpcServer {
    server: Server,
    credentials: Credentials,
}

impl RpcServer {
    /// Serves `chain` on `port` of 127.0.0.1 (0: one that is free) to clients with `credentials`.
    ///
    /// # Errors
    ///
    /// When the port is taken or the system has no thread to give.
    pub fn start(chain: Chain, port: u16, credentials: Credentials) -> io::Result<Self> {
        let expected = credentials.clone();
        let handle = move |request: Request| {
            let response = respond(&chain, &expected, &request);
            core::future::ready(response)
        };
        let server = Server::start("regtest-rpc", loopback::bind(port)?, MAX_BODY, handle)?;
        Ok(Self { server, credentials })
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns who may call it.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Returns it as an LDK node is told of its chain.
    pub fn chain_source(&self) -> ChainSource {
        ChainSource::BitcoindRpc {
            host: self.address().ip().to_string(),
            port: self.address().port(),
            user: self.credentials.user().to_owned(),
            password: self.credentials.password().to_owned().into(),
        }
    }
}

fn respond(chain: &Chain, credentials: &Credentials, request: &Request) -> Response {
    if request.method() != Method::POST {
        return with_header(StatusCode::METHOD_NOT_ALLOWED, ALLOW, "POST");
    }
    if !request.headers().get(AUTHORIZATION).is_some_and(|field| credentials.admit(field)) {
        let realm = "Basic realm=\"jsonrpc\"";
        return with_header(StatusCode::UNAUTHORIZED, WWW_AUTHENTICATE, realm);
    }
    let mut response = with_header(StatusCode::OK, CONTENT_TYPE, "application/json");
    *response.body_mut() = Bytes::from(call::answer(chain, request.body()).to_string()).into();
    response
}

fn with_header(code: StatusCode, name: hyper::header::HeaderName, value: &'static str) -> Response {
    let mut response = status(code);
    response.headers_mut().insert(name, HeaderValue::from_static(value));
    response
}

#[cfg(test)]
mod tests;

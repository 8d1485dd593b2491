//! What the wallet answers to a request.

use std::sync::Arc;

use hyper::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use l402_lightning::{Invoice, NodeId, PaymentSource};
use l402_sandbox::{ErrorKind, ErrorReply, InfoReply, PaidReply, PayRequest, PaymentReply, SandboxFile};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::loopback::{Request, Response, status};
use crate::secret::same;

/// Where the status of a payment is asked for, before its hash.
const PAYMENTS: &str = "/v1/payments/";

/// A wallet and what opens it.
pub(super) struct Wallet<W> {
    payer: W,
    node_id: NodeId,
    /// The only `Host` there is.
    host: String,
    /// The only `Authorization` there is.
    authorization: Zeroizing<String>,
}

impl<W: PaymentSource> Wallet<W> {
    pub(super) fn new(payer: W, node_id: NodeId, announced: &SandboxFile) -> Self {
        let authorization = Zeroizing::new(format!("Bearer {}", *announced.secret));
        Self { payer, node_id, host: announced.address.to_string(), authorization }
    }

    async fn carry_out(&self, request: &Request) -> Result<Vec<u8>, ErrorReply> {
        self.require_access(request)?;
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/v1/info") => to_json(&InfoReply::new(self.payer.network(), self.node_id)),
            (&Method::POST, "/v1/pay") => to_json(&self.pay(request.body()).await?),
            (&Method::GET, path) if path.starts_with(PAYMENTS) => {
                to_json(&self.payment(&path[PAYMENTS.len()..]).await?)
            }
            _ => Err(ErrorReply::new(ErrorKind::NotFound, "there is no such resource")),
        }
    }

    fn require_access(&self, request: &Request) -> Result<(), ErrorReply> {
        let is = |name: HeaderName, expected: &str| {
            request.headers().get(name).is_some_and(|field| same(field.as_bytes(), expected.as_bytes()))
        };
        if !is(HOST, &self.host) {
            return Err(ErrorReply::new(ErrorKind::BadRequest, "host is not this server's address"));
        }
        if !is(AUTHORIZATION, &self.authorization) {
            return Err(ErrorReply::new(ErrorKind::Unauthorized, "bearer secret is missing or wrong"));
        }
        Ok(())
    }

    async fn pay(&self, body: &[u8]) -> Result<PaidReply, ErrorReply> {
        let bad = |message: &str| ErrorReply::new(ErrorKind::BadRequest, message);
        let request: PayRequest = serde_json::from_slice(body).map_err(|_| bad("request is not understood"))?;
        let invoice = Invoice::parse(&request.invoice).map_err(|_| bad("invoice cannot be read"))?;
        let paid = self.payer.pay(&invoice, request.limit()).await;
        paid.as_ref().map(PaidReply::from).map_err(ErrorReply::from)
    }

    async fn payment(&self, hash: &str) -> Result<PaymentReply, ErrorReply> {
        let bad = |_| ErrorReply::new(ErrorKind::BadRequest, "payment hash is not 64 hexadecimal digits");
        let status = self.payer.payment(&hash.parse().map_err(bad)?).await;
        let unavailable = |error| ErrorReply::new(ErrorKind::Unavailable, error);
        status.as_ref().map(PaymentReply::from).map_err(unavailable)
    }
}

/// Answers `request`. The answer is for one client and never stored: it may hold a preimage.
pub(super) async fn respond<W: PaymentSource>(wallet: Arc<Wallet<W>>, request: Request) -> Response {
    let (code, body) = match wallet.carry_out(&request).await {
        Ok(body) => (StatusCode::OK, body),
        Err(reply) => failure(&reply),
    };
    let mut response = status(code);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    *response.body_mut() = body.into();
    response
}

fn failure(reply: &ErrorReply) -> (StatusCode, Vec<u8>) {
    let code = StatusCode::from_u16(reply.error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (code, to_json(reply).unwrap_or_default())
}

fn to_json(reply: &impl Serialize) -> Result<Vec<u8>, ErrorReply> {
    let unwritable = |_| ErrorReply::new(ErrorKind::Unknown, "answer cannot be written");
    serde_json::to_vec(reply).map_err(unwritable)
}

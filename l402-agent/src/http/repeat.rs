//! Sends a request once more where its response was lost: the same token, the same headers.
//!
//! 1. Only a request of a safe method, without a body, that carries a token. Whether any other was performed is for the caller to
//!    find out.
//! 2. Only once, and only where the connection broke. A server that cannot be reached, or says nothing, is not asked again.
//! 3. What was sent with a token goes along with its response ([`Sent`]), for a body that breaks off.
//! 4. The response says so ([`Repeated`]): where the token is refused then, what was lost may have used it, and nothing is bought.

// Threats: A9.

use super::client::{HttpClient, TransportError};
use super::payload::PayloadBody;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use l402_core::CredentialHeaders;
use l402_http::pay::{Repeated, ReplayBody};
use std::sync::{Arc, Mutex, PoisonError};
use tower_service::Service;

/// A client that repeats what can be repeated.
#[derive(Debug, Clone)]
pub(crate) struct Repeating(pub(crate) HttpClient<ReplayBody<PayloadBody>>);

impl Service<Request<ReplayBody<PayloadBody>>> for Repeating {
    type Response = Response<Incoming>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, TransportError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<ReplayBody<PayloadBody>>) -> Self::Future {
        let (mut client, sent, again) = (self.0.clone(), copy(&request), again(&request));
        let first = self.0.call(request);
        Box::pin(async move {
            let mut response = match (first.await, again) {
                (Err(fault), Some(again)) if fault.may_have_been_performed() => {
                    let mut response = client.call(again).await?;
                    response.extensions_mut().insert(Repeated);
                    response
                }
                (result, _) => result?,
            };
            if let Some(sent) = sent {
                response.extensions_mut().insert(Sent(Arc::new(Mutex::new(Some(sent)))));
            }
            Ok(response)
        })
    }
}

/// A request that was sent with a token; among the extensions of its response.
#[derive(Clone)]
pub(crate) struct Sent(Arc<Mutex<Option<Request<ReplayBody<PayloadBody>>>>>);

impl Sent {
    /// Takes it out.
    pub(crate) fn take(&self) -> Option<Request<ReplayBody<PayloadBody>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sent")
    }
}

fn again(request: &Request<ReplayBody<PayloadBody>>) -> Option<Request<ReplayBody<PayloadBody>>> {
    if request.method().is_safe() && request.body().is_end_stream() { copy(request) } else { None }
}

/// Copies a request that carries a token, where its body can be sent once more.
fn copy(request: &Request<ReplayBody<PayloadBody>>) -> Option<Request<ReplayBody<PayloadBody>>> {
    let mut headers = request.headers().iter();
    if !headers.any(|(name, value)| CredentialHeaders::is_credential(name.as_str(), value.as_bytes())) {
        return None;
    }
    let mut again = Request::new(request.body().once_more()?);
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}

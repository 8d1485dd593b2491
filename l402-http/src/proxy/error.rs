//! What a client is told when its request could not be forwarded.

use std::io;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use super::body::ProxyBody;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// Whether the request is a gRPC call, whose errors are trailers and not a status.
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

/// Why there is no response of the upstream to pass on.
#[derive(Debug)]
pub(super) enum ForwardError {
    /// The request must not be forwarded as it is.
    Refused(&'static str),
    /// The client stopped sending its body.
    ClientStalled,
    /// The name does not resolve or nobody listens there.
    Unreachable(io::Error),
    /// The TLS handshake failed, for one because the certificate does not verify.
    Tls(io::Error),
    /// No connection within [`Timeouts::connect`](super::Timeouts::connect).
    ConnectTimeout,
    /// No head of a response within [`Timeouts::response`](super::Timeouts::response).
    ResponseTimeout,
    /// The connection broke, or what came over it is not HTTP.
    Exchange(hyper::Error),
    /// The upstream changes to a protocol that nobody asked for.
    Upgrade,
}

impl ForwardError {
    /// Answers the client; the cause goes to the log alone.
    pub(super) fn into_response<B>(self, grpc: bool) -> Response<ProxyBody<B>> {
        let (status, reason) = (self.status(), self.reason());
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), reason, error = self.cause(), "not forwarded");
        } else {
            tracing::debug!(status = status.as_u16(), reason, error = self.cause(), "not forwarded");
        }
        if grpc { self.into_grpc() } else { self.into_json() }
    }

    fn into_json<B>(self) -> Response<ProxyBody<B>> {
        // Both texts are our own and need no escaping.
        let text = format!("{{\"error\":\"{}\",\"reason\":\"{}\"}}\n", self.message(), self.reason());
        let mut response = Response::new(ProxyBody::whole(Bytes::from(text)));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// A response of trailers only: status 200, and the error in the head.
    fn into_grpc<B>(self) -> Response<ProxyBody<B>> {
        let mut response = Response::new(ProxyBody::whole(Bytes::new()));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(GRPC_STATUS, HeaderValue::from_static(self.grpc_status()));
        headers.insert(GRPC_MESSAGE, HeaderValue::from_static(self.message()));
        response
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(_) => StatusCode::BAD_REQUEST,
            Self::ClientStalled => StatusCode::REQUEST_TIMEOUT,
            Self::Exchange(error) if error.is_user() => StatusCode::BAD_REQUEST,
            Self::Unreachable(_) | Self::Tls(_) | Self::Exchange(_) | Self::Upgrade => StatusCode::BAD_GATEWAY,
            Self::ConnectTimeout | Self::ResponseTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// A word for programs.
    fn reason(&self) -> &'static str {
        match self {
            Self::Refused(_) => "request-refused",
            Self::ClientStalled => "request-timeout",
            Self::Unreachable(_) => "upstream-unreachable",
            Self::Tls(_) => "upstream-tls",
            Self::ConnectTimeout => "upstream-connect-timeout",
            Self::ResponseTimeout => "upstream-timeout",
            Self::Exchange(error) if error.is_user() => "request-aborted",
            Self::Exchange(error) if error.is_parse() => "upstream-malformed",
            Self::Exchange(_) => "upstream-reset",
            Self::Upgrade => "upstream-upgrade",
        }
    }

    /// A sentence for people.
    fn message(&self) -> &'static str {
        match self {
            Self::Refused(message) => message,
            Self::ClientStalled => "the request was not completed in time",
            Self::Unreachable(_) => "the upstream cannot be reached",
            Self::Tls(_) => "no trusted TLS connection to the upstream",
            Self::ConnectTimeout => "the upstream cannot be reached in time",
            Self::ResponseTimeout => "the upstream did not answer in time",
            Self::Exchange(error) if error.is_user() => "the request was not completed",
            Self::Exchange(error) if error.is_parse() => "the upstream's answer is malformed",
            Self::Exchange(_) => "the upstream broke off",
            Self::Upgrade => "the upstream changed the protocol unasked",
        }
    }

    /// `INTERNAL`, `DEADLINE_EXCEEDED` or `UNAVAILABLE`.
    fn grpc_status(&self) -> &'static str {
        match self.status() {
            StatusCode::BAD_REQUEST => "13",
            StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => "4",
            _ => "14",
        }
    }

    fn cause(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreachable(error) | Self::Tls(error) => Some(error),
            Self::Exchange(error) => Some(error),
            _ => None,
        }
    }
}

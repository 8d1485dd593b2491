//! Why a request could not be forwarded.

use core::fmt;
use http::StatusCode;
use l402_core::ledger::Attempted;
use std::io;

use crate::framing::FramingFault;
use crate::method;
use crate::response::Reason;

/// Why there is no response of the upstream to pass on.
#[derive(Debug)]
pub(super) enum ForwardError {
    /// The request must not be forwarded as it is.
    Refused(&'static str),
    /// The upstream might answer the method with the request itself, and with what was added to it.
    Method,
    /// The client's request does not say in a way that is served where its body ends.
    Framing(FramingFault),
    /// The upstream answered with the request itself.
    Reflected,
    /// The upstream's answer has a transfer coding that is not implemented.
    Coding,
    /// The client stopped sending its body.
    ClientStalled,
    /// There are as many connections to upstreams as there may be, and none became free in time.
    NoRoom,
    /// The name does not resolve, or no server listens there.
    Unreachable(io::Error),
    /// The TLS handshake failed, for one because the certificate does not verify.
    Tls(io::Error),
    /// The upstream does not speak the protocol that was demanded.
    Protocol(NotHttp2),
    /// No connection within [`Timeouts::connect`](super::Timeouts::connect).
    ConnectTimeout,
    /// No head of a response within [`Timeouts::response`](super::Timeouts::response).
    ResponseTimeout,
    /// The connection broke, or what came over it is not HTTP.
    Exchange(hyper::Error),
    /// The connection broke before a byte of the request was sent, or an HTTP/2 upstream says that it has not touched it.
    Unsent(hyper::Error),
    /// The upstream changes to a protocol that the client did not ask for.
    Upgrade,
}

impl ForwardError {
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Refused(_) => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::NOT_IMPLEMENTED,
            Self::Framing(fault) => fault.status(),
            Self::ClientStalled => StatusCode::REQUEST_TIMEOUT,
            Self::NoRoom => StatusCode::SERVICE_UNAVAILABLE,
            Self::Exchange(error) | Self::Unsent(error) if error.is_user() => StatusCode::BAD_REQUEST,
            Self::Unreachable(_)
            | Self::Tls(_)
            | Self::Protocol(_)
            | Self::Exchange(_)
            | Self::Unsent(_)
            | Self::Upgrade
            | Self::Coding
            | Self::Reflected => StatusCode::BAD_GATEWAY,
            Self::ConnectTimeout | Self::ResponseTimeout => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// What became of the request, for the ledger.
    pub(super) const fn attempted(&self) -> Attempted {
        match self {
            Self::Refused(_)
            | Self::Method
            | Self::Framing(_)
            | Self::NoRoom
            | Self::Unreachable(_)
            | Self::Tls(_)
            | Self::Protocol(_)
            | Self::ConnectTimeout
            | Self::Unsent(_) => Attempted::NotSent,
            // What it made of the request is not known, also where it sent something that is no answer.
            Self::Reflected
            | Self::Coding
            | Self::ClientStalled
            | Self::ResponseTimeout
            | Self::Exchange(_)
            | Self::Upgrade => Attempted::Unanswered,
        }
    }

    /// A word for programs.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Refused(_) => Reason::REQUEST_REFUSED,
            Self::Method => method::REASON,
            Self::Framing(fault) => fault.reason(),
            Self::Reflected => Reason::UPSTREAM_REFLECTS,
            Self::Coding => Reason::UPSTREAM_TRANSFER_CODING,
            Self::ClientStalled => Reason::REQUEST_TIMEOUT,
            Self::NoRoom => Reason::BUSY,
            Self::Unreachable(_) => Reason::UPSTREAM_UNREACHABLE,
            Self::Tls(_) => Reason::UPSTREAM_TLS,
            Self::Protocol(_) => Reason::UPSTREAM_PROTOCOL,
            Self::ConnectTimeout => Reason::UPSTREAM_CONNECT_TIMEOUT,
            Self::ResponseTimeout => Reason::UPSTREAM_TIMEOUT,
            Self::Exchange(error) | Self::Unsent(error) if error.is_user() => Reason::REQUEST_ABORTED,
            Self::Exchange(error) | Self::Unsent(error) if error.is_parse_too_large() => {
                Reason::UPSTREAM_HEADER_TOO_LARGE
            }
            Self::Exchange(error) | Self::Unsent(error) if error.is_parse() => Reason::UPSTREAM_MALFORMED,
            Self::Exchange(_) | Self::Unsent(_) => Reason::UPSTREAM_RESET,
            Self::Upgrade => Reason::UPSTREAM_UPGRADE,
        }
    }

    /// A sentence for people.
    pub(super) fn message(&self) -> &'static str {
        match self {
            Self::Refused(message) => message,
            Self::Framing(fault) => fault.message(),
            Self::Method => method::MESSAGE,
            Self::Reflected => "the upstream sent the request back",
            Self::Coding => "the upstream's response has a transfer coding other than chunked",
            Self::ClientStalled => "the request was not completed in time",
            Self::NoRoom => "too many running requests; try again later",
            Self::Unreachable(_) => "cannot reach the upstream",
            Self::Tls(_) => "no trusted TLS connection to the upstream",
            Self::Protocol(_) => "the upstream does not speak HTTP/2",
            Self::ConnectTimeout => "no connection to the upstream in time (`timeouts.connect`)",
            Self::ResponseTimeout => "no response from the upstream in time (`timeouts.response`)",
            Self::Exchange(error) | Self::Unsent(error) if error.is_user() => "the request was not completed",
            Self::Exchange(error) | Self::Unsent(error) if error.is_parse_too_large() => {
                "the upstream's response has too many headers, or too long ones"
            }
            Self::Exchange(error) | Self::Unsent(error) if error.is_parse() => "the upstream's response is malformed",
            Self::Exchange(_) | Self::Unsent(_) => "the upstream closed the connection",
            Self::Upgrade => "the upstream changed the protocol without a request to do so",
        }
    }

    pub(super) fn cause(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreachable(error) | Self::Tls(error) => Some(error),
            Self::Exchange(error) | Self::Unsent(error) => Some(error),
            Self::Protocol(error) => Some(error),
            _ => None,
        }
    }
}

/// TLS has negotiated another protocol than the one that was demanded.
#[derive(Debug)]
pub(super) struct NotHttp2;

impl fmt::Display for NotHttp2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the upstream does not speak HTTP/2")
    }
}

impl core::error::Error for NotHttp2 {}

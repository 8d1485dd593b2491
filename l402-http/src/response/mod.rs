//! What a paid service answers by itself.
//!
//! ```
//! use http::{HeaderMap, StatusCode};
//! use l402_http::response::{Form, Problem, Reason, Rejection};
//!
//! fn main() -> Result<(), &'static str> {
//!     let headers = HeaderMap::new(); // of the request
//!     let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, Reason::TOO_MANY_REQUESTS, &"try again later");
//!     let response = problem.retry_after(5).response(Form::of(&headers));
//!     assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (429, &5.into()));
//!     let rejection = response.extensions().get::<Rejection>().ok_or("it comes from elsewhere")?;
//!     assert_eq!(rejection.reason.code(), "too-many-requests");
//!     Ok(())
//! }
//! ```
//!
//! # Placement
//!
//! The paid service and the reverse proxy make these responses. An outer layer recognises them by the [`Rejection`] among
//! their extensions, and makes more of the same kind with [`Problem`].
//!
//! # Responses
//!
//! 1. A [`ChallengeResponse`] is a 402, or a 401 that sells a new token: the challenge lines, and a body in the [`Form`] that
//!    the client understands: JSON for programs, a page for browsers, trailers only for gRPC.
//! 2. A [`Problem`] is everything else: JSON that names the part that was wrong and never its value, or the gRPC status.
//! 3. The `reason` is a code from one table, [`Reason::ALL`]. It stands in the JSON body. A gRPC response has no body, and
//!    says it in the metadata header `l402-reason`.
//! 4. No response holds a preimage; nothing here ever sees one.
//!
//! # Caching
//!
//! Every response is `no-store`: a cache that kept a challenge would hand two buyers one invoice (RFC 9111 §5.2.2.5).
//!
//! # Deviation
//!
//! A 401 for a malformed credential carries no `WWW-Authenticate`, which RFC 9110 §15.5.2 asks for. A challenge would need an
//! invoice, and the client holds a credential that it only has to write properly.

// No preimage and no stored challenge: T1 and H3 of docs/threats.md.

#[cfg(feature = "server")]
mod body;
#[cfg(feature = "server")]
mod body_error;
#[cfg(feature = "server")]
mod challenge;
mod form;
mod grpc;
#[cfg(feature = "server")]
mod page;
mod problem;
mod reason;
mod rejection;
#[cfg(feature = "server")]
mod seconds;

#[cfg(feature = "server")]
pub use body::PaidBody;
#[cfg(feature = "server")]
pub(crate) use body::{ReadAlong, begun};
#[cfg(feature = "server")]
pub use body_error::BodyError;
#[cfg(feature = "server")]
pub use challenge::ChallengeResponse;
pub use form::Form;
#[cfg(feature = "server")]
pub(crate) use form::is_grpc;
pub use problem::Problem;
pub use reason::Reason;
pub use rejection::Rejection;
#[cfg(feature = "server")]
pub use seconds::Seconds;

use bytes::Bytes;
#[cfg(feature = "server")]
use http::header::HeaderName;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

/// What a page of another origin needs to read of our answers, and of those that it has paid for; a browser shows it no other
/// header that is not safe-listed (Fetch §2.2.2). A header that is added to a response is added here too.
#[cfg(feature = "server")]
pub(crate) const EXPOSED: &str = "WWW-Authenticate, Retry-After, Allow, L402-Reason, X-L402, X-L402-Remaining, X-L402-Balance-Msat, Age, \
     X-Should-Retry, Grpc-Status, Grpc-Message, RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset";

/// What is left of a balance.
#[cfg(feature = "server")]
pub(crate) static X_L402_BALANCE_MSAT: HeaderName = HeaderName::from_static("x-l402-balance-msat");

/// The field `error` of a JSON body: the status in words.
fn error_text(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "Invalid token", // nothing else gets a 401
        status => status.canonical_reason().unwrap_or_default(),
    }
}

/// An answer with a JSON body.
fn json(status: StatusCode, body: &impl Serialize) -> Response<Bytes> {
    let body = serde_json::to_vec(body).unwrap_or_default(); // text and numbers under fixed keys cannot fail
    answer(status, HeaderValue::from_static("application/json"), body.into())
}

/// An answer of this module: typed, and never stored by a cache.
fn answer(status: StatusCode, content_type: HeaderValue, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, content_type);
    fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

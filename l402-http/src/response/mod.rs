//! What a paid service answers by itself.
//!
//! 1. A [`ChallengeResponse`] is a 402, or a 401 that sells a new token: the challenge lines, and a body for whoever asks
//!    ([`Form`]): JSON for programs, a page for browsers, trailers only for gRPC.
//! 2. A [`Problem`] is everything else: JSON that names the part that was wrong and never its value, or the gRPC status.
//! 3. The `reason` of the JSON is the metadata field `l402-reason` of an answer in gRPC's form, which has no body.
//! 4. Every answer is `no-store`: a cache that kept a challenge would hand two buyers one invoice (RFC 9111 §5.2.2.5).
//! 5. No answer holds a preimage; nothing here ever sees one.
//!
//! # Deviation
//! A 401 for a malformed credential carries no `WWW-Authenticate`, which RFC 9110 §15.5.2 asks for: a challenge would need an
//! invoice, and the client holds a credential that it only has to write properly.

#[cfg(feature = "server")]
mod body;
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
pub use challenge::ChallengeResponse;
pub use form::Form;
pub use problem::Problem;
pub use reason::Reason;
pub use rejection::Rejection;
#[cfg(feature = "server")]
pub use seconds::Seconds;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

/// What a page of another origin needs to read of our answers, and of those that it has paid for; a browser shows it no other
/// field that is not safe-listed (Fetch §2.2.2). Whoever adds a field to an answer adds it here.
#[cfg(feature = "server")]
pub(crate) const EXPOSED: &str = "WWW-Authenticate, Retry-After, Allow, L402-Reason, Grpc-Status, Grpc-Message";

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

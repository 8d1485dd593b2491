//! What an outer layer learns about a response that this crate made itself.

use super::Reason;
use http::StatusCode;

/// Says that a response does not come from the inner service, and why. It is among the response's extensions.
///
/// An outer layer reads it for its log or its counters, or to replace the body. Responses of the inner service have none,
/// unless that service made one with [`Problem`](super::Problem), as the reverse proxy does.
///
/// ```
/// use http::{Response, StatusCode};
/// use l402_http::response::{Form, Problem, Reason, Rejection};
///
/// fn is_unpaid<B>(response: &Response<B>) -> bool {
///     let rejection = response.extensions().get::<Rejection>();
///     rejection.is_some_and(|rejection| rejection.status == StatusCode::PAYMENT_REQUIRED)
/// }
///
/// let problem = Problem::new(StatusCode::NOT_FOUND, Reason::NO_ROUTE, &"no route covers this path");
/// let response = problem.response(Form::Grpc);
/// let rejection = response.extensions().get::<Rejection>();
/// assert_eq!(rejection, Some(&Rejection { status: StatusCode::NOT_FOUND, reason: Reason::NO_ROUTE }));
/// assert_eq!(response.status(), StatusCode::OK); // as gRPC wants it
/// assert!(!is_unpaid(&response));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rejection {
    /// The status for an HTTP client. A gRPC client gets 200 and the gRPC status that belongs to this one.
    pub status: StatusCode,
    /// Why.
    pub reason: Reason,
}

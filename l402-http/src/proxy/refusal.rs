//! What a client is told when its request could not be forwarded.

use http::header::CONNECTION;
use http::{HeaderValue, Response};

use super::body::ProxyBody;
use super::error::ForwardError;
use super::health::Health;
use crate::response::{Form, Problem};

impl ForwardError {
    /// Answers the client; the cause goes to the log alone.
    pub(super) fn into_response<B>(self, form: Form, to: &Health) -> Response<ProxyBody<B>> {
        let (status, reason) = (self.status(), self.reason());
        let (code, service, upstream) = (status.as_u16(), to.service(), to.authority());
        if status.is_server_error() {
            tracing::warn!(
                status = code,
                reason = reason.code(),
                service,
                upstream,
                error = self.cause(),
                "not forwarded"
            );
        } else {
            tracing::debug!(
                status = code,
                reason = reason.code(),
                service,
                upstream,
                error = self.cause(),
                "not forwarded"
            );
        }
        let message = self.message();
        let problem = Problem::new(status, reason, &message);
        let problem = if matches!(self, Self::NoRoom) { problem.retry_after(RETRY_AFTER) } else { problem };
        let mut response = problem.response(form);
        response.extensions_mut().insert(self.attempted());
        if matches!(self, Self::Framing(_)) {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response.map(ProxyBody::whole)
    }
}

/// Seconds after which another attempt makes sense.
const RETRY_AFTER: u64 = 5;

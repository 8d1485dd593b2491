//! The response to a request above a limit.

use super::limiter::Wait;
use crate::response::{Form, Problem, Reason};
use bytes::Bytes;
use core::time::Duration;
use http::{HeaderName, HeaderValue, Response, StatusCode};

/// A limit, as responses tell it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    /// The name of the policy.
    pub(super) name: &'static str,
    pub(super) reason: Reason,
    pub(super) message: &'static str,
}

/// A request above a limit.
#[derive(Debug)]
pub(in crate::service) struct Refused {
    pub(super) limit: &'static Limit,
    pub(super) wait: Wait,
}

impl Refused {
    /// Writes the response.
    #[cold]
    pub(in crate::service) fn response(&self, form: Form) -> Response<Bytes> {
        let (Limit { name, reason, message }, Wait { rate, time }) = (*self.limit, self.wait);
        let seconds = seconds(time);
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, reason, &message);
        let mut response = problem.retry_after(seconds).response(form);
        let (most, window) = (rate.requests(), rate.window().as_secs());
        let fields = response.headers_mut();
        let mut put = |field, value: String| {
            if let Ok(value) = HeaderValue::try_from(value) {
                fields.insert(HeaderName::from_static(field), value);
            }
        };
        put("ratelimit-policy", format!("\"{name}\";q={most};w={window}"));
        put("ratelimit", format!("\"{name}\";r=0;t={seconds}"));
        put("x-ratelimit-limit", most.to_string());
        put("x-ratelimit-remaining", "0".to_owned());
        put("x-ratelimit-reset", seconds.to_string());
        response
    }
}

/// Whole seconds, at least one.
fn seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX).max(1)
}

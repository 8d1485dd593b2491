//! The response to a request above a limit.

use super::limiter::Wait;
use crate::response::{Form, Problem, Reason};
use bytes::Bytes;
use core::time::Duration;
use http::{HeaderName, HeaderValue, Response, StatusCode};

/// A limit, as responses tell it.
#[derive(Debug, Clone, Copy)]
pub(in crate::service) struct Limit {
    /// The name of the policy.
    pub(in crate::service) name: &'static str,
    pub(in crate::service) reason: Reason,
    pub(in crate::service) message: &'static str,
}

/// A request above a limit.
#[derive(Debug)]
pub(in crate::service) struct Refused {
    limit: &'static Limit,
    most: u32,
    window: Duration,
    wait: Duration,
}

impl Refused {
    /// So many are allowed in that time, and more after a wait.
    pub(in crate::service) const fn above(
        limit: &'static Limit,
        (most, window): (u32, Duration),
        wait: Duration,
    ) -> Self {
        Self { limit, most, window, wait }
    }

    /// A bucket is empty.
    pub(super) const fn by(limit: &'static Limit, Wait { rate, time }: Wait) -> Self {
        Self::above(limit, (rate.requests(), rate.window()), time)
    }

    /// Writes the response.
    #[cold]
    pub(in crate::service) fn response(&self, form: Form) -> Response<Bytes> {
        let (Limit { name, reason, message }, most) = (*self.limit, self.most);
        let (window, seconds) = (self.window.as_secs(), seconds(self.wait));
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, reason, &message);
        let mut response = problem.retry_after(seconds).response(form);
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

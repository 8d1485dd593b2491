//! Refusals: the request, the path or the node is at fault, and nothing is for sale.

use super::{Form, Reason, Rejection, grpc, json};
use bytes::Bytes;
use core::fmt;
use http::header::{ALLOW, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use serde::Serialize;

/// An answer that names what was wrong.
///
/// ```
/// use http::StatusCode;
/// use l402_http::response::{Form, Problem, Reason};
///
/// let problem = Problem::new(StatusCode::NOT_FOUND, Reason::NO_ROUTE, &"no route covers this path");
/// let response = problem.response(Form::Json);
/// let body = r#"{"error":"Not Found: no route covers this path","reason":"no-route","message":"no route covers this path"}"#;
/// assert_eq!(response.body(), body);
/// ```
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    status: StatusCode,
    reason: Reason,
    message: &'a (dyn fmt::Display + Sync),
    retry_after: Option<u64>,
    is_final: bool,
    allow: Option<&'a HeaderValue>,
}

impl<'a> Problem<'a> {
    /// Takes the status, the reason for programs and the message for people. The message must not repeat what the request
    /// holds.
    pub const fn new(status: StatusCode, reason: Reason, message: &'a (dyn fmt::Display + Sync)) -> Self {
        Self { status, reason, message, retry_after: None, is_final: false, allow: None }
    }

    /// Says after how many seconds another attempt makes sense (RFC 9110 §10.2.3).
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// Says that the same request will get the same answer for long. Clients that repeat each 409 leave it then: they read
    /// `x-should-retry`, as those of OpenAI and Anthropic do.
    #[must_use]
    pub const fn not_to_repeat(mut self) -> Self {
        self.is_final = true;
        self
    }

    /// Says which methods there are (RFC 9110 §10.2.1).
    #[must_use]
    pub const fn allow(mut self, methods: &'a HeaderValue) -> Self {
        self.allow = Some(methods);
        self
    }

    /// Writes the answer; people get JSON too.
    pub fn response(&self, form: Form) -> Response<Bytes> {
        let mut response = match form {
            Form::Grpc => grpc::answer(self.status, self.reason, &self.message.to_string()),
            Form::Json | Form::Html => json(self.status, &self.body()),
        };
        response.extensions_mut().insert(Rejection { status: self.status, reason: self.reason });
        let fields = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            fields.insert(RETRY_AFTER, seconds.into());
        }
        if self.is_final {
            fields.insert(X_SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if let Some(methods) = self.allow {
            fields.insert(ALLOW, methods.clone());
        }
        response
    }

    fn body(&self) -> impl Serialize {
        #[derive(Serialize)]
        struct Body {
            error: String,
            reason: &'static str,
            message: String,
        }
        let message = self.message.to_string();
        let error = match (self.status, super::error_text(self.status)) {
            (StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED, text) => text.to_owned(),
            (_, text) => format!("{text}: {message}"), // the libraries of OpenAI show `error` alone
        };
        Body { error, reason: self.reason.code(), message }
    }
}

const X_SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

impl fmt::Debug for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Problem").field("status", &self.status).field("reason", &self.reason).finish_non_exhaustive()
    }
}

//! One line in the log for each request, where the operator wants it.
//!
//! A line tells method, canonical path, status, the reason of a refusal, service and the time until the response began: never a
//! query, a header or a body, which may hold secrets (H2, T1).
//!
//! Most lines come from the events of the paid service, which [`Lines`] subscribes to. What the gateway answers before a
//! request gets there is written by [`RequestLog`].

use core::time::Duration;
use http::{Method, Request, Response, StatusCode};
use l402_core::Name;
use l402_http::path::CanonicalPath;
use l402_http::policy::{Access, Policy};
use l402_http::response::Rejection;
use l402_http::service::{Event, Observe, Phase};
use std::sync::Arc;

use crate::settings::{RequestLines, Settings};

/// Writes a line at the end of each request that came to the paid service.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines;

impl Observe for Lines {
    fn observe(&self, event: &Event<'_>) {
        if let Some(line) = Line::of(event) {
            line.write();
        }
    }
}

/// Writes lines for requests that did not come to the paid service, or nothing.
#[derive(Debug, Clone)]
pub(super) struct RequestLog {
    policy: Option<Arc<Policy>>,
}

impl RequestLog {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { policy: (settings.request_lines == RequestLines::On).then(|| Arc::clone(settings.policy())) }
    }

    /// Writes the line of a request to the gateway itself.
    pub(super) fn own<B, R>(&self, request: &Request<B>, response: &Response<R>) {
        if let Some(policy) = &self.policy {
            Line { service: None, ..Line::unrouted(policy, canonical(policy, request).as_ref(), request, response) }
                .write();
        }
    }

    /// Writes the line of a request that the gateway has refused.
    pub(super) fn refused<B, R>(&self, request: &Request<B>, response: &Response<R>) {
        if let Some(policy) = &self.policy {
            Line::unrouted(policy, canonical(policy, request).as_ref(), request, response).write();
        }
    }
}

/// The path that is noted. One that is refused is not repeated, because the client chose what it is made of. Of a path that is
/// forwarded as it came, the prefix is noted.
fn canonical<'r, B>(policy: &'r Policy, request: &'r Request<B>) -> Option<CanonicalPath<'r>> {
    let path = request.uri().path();
    policy.raw_prefix(path).unwrap_or_else(|| CanonicalPath::parse(path)).ok()
}

#[derive(Debug)]
struct Line<'a> {
    method: &'a Method,
    path: Option<&'a str>,
    service: Option<&'a Name>,
    status: StatusCode,
    rejection: Option<Rejection>,
    elapsed: Duration,
}

impl<'a> Line<'a> {
    /// The line of a request that has ended with a response.
    fn of(event: &Event<'a>) -> Option<Self> {
        let Phase::Ended(ended) = event.phase else { return None };
        Some(Self {
            method: event.method,
            path: event.path,
            service: event.service,
            status: ended.status?,
            rejection: ended.rejection,
            elapsed: event.elapsed,
        })
    }

    /// The line of a request that was answered at once.
    fn unrouted<B, R>(
        policy: &'a Policy,
        path: Option<&'a CanonicalPath<'_>>,
        request: &'a Request<B>,
        response: &Response<R>,
    ) -> Self {
        let service = path.and_then(|path| match policy.route(request.method(), path) {
            Access::Priced(route, _) | Access::Free(route) => route.service(),
            Access::NotFound | Access::MethodNotAllowed { .. } => None,
        });
        Self {
            method: request.method(),
            path: path.map(CanonicalPath::as_str),
            service,
            status: response.status(),
            rejection: response.extensions().get().copied(),
            elapsed: Duration::ZERO,
        }
    }

    fn write(&self) {
        let Self { method, status, rejection, .. } = self;
        let ms = self.elapsed.as_secs_f64() * 1e3;
        let (path, service) = (self.path.unwrap_or("-"), self.service.map_or("-", Name::as_str));
        let (status, reason) = (status.as_u16(), rejection.map_or("-", |rejection| rejection.reason.code()));
        tracing::info!(target: "l402_server::requests", %method, path, status, reason, service, ms, "request");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    fn line(target: &str) -> String {
        let (settings, response) = (settings(), Response::new(()));
        let request = Request::get(target).body(()).expect("a request");
        let path = canonical(settings.policy(), &request);
        format!("{:?}", Line::unrouted(settings.policy(), path.as_ref(), &request, &response))
    }

    #[test]
    fn h2_a_line_holds_the_canonical_path_and_no_query() {
        let noted = line("http://gateway/%61/b?key=canary");
        assert!(noted.contains("path: Some(\"/a/b\"), service: Some(Name(\"default\"))"), "{noted}");
        assert!(!noted.contains("canary"), "{noted}");
        let refused = line("/canary/../b");
        assert!(!refused.contains("canary"), "{refused}");
    }

    #[test]
    fn nothing_is_noted_unless_asked_for() {
        assert!(RequestLog::new(&Settings { request_lines: RequestLines::Off, ..settings() }).policy.is_none());
    }
}

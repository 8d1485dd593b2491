//! One line in the log for each request, where the operator wants it.
//!
//! A line tells method, canonical path, status, the reason of a refusal, service and the time until the answer began: never a query, a field or a
//! body, which may hold secrets (H2, T1).

use http::{Method, Request, StatusCode};
use l402_http::path::CanonicalPath;
use l402_http::policy::{Access, Policy};
use l402_http::response::Rejection;
use std::sync::Arc;
use std::time::Instant;

use crate::settings::Settings;

/// Begins a line for each request, or nothing.
#[derive(Debug, Clone)]
pub(super) struct RequestLog {
    policy: Option<Arc<Policy>>,
}

impl RequestLog {
    pub(super) fn new(settings: &Settings) -> Self {
        Self { policy: settings.log_requests.then(|| Arc::clone(&settings.policy())) }
    }

    /// Notes what is asked of the gateway itself.
    pub(super) fn own<B>(&self, request: &Request<B>) -> Option<Entry> {
        self.begin(request).map(|entry| Entry { service: None, ..entry })
    }

    /// Notes what is asked; [`None`] where nothing is to be logged.
    pub(super) fn begin<B>(&self, request: &Request<B>) -> Option<Entry> {
        let policy = self.policy.as_ref()?;
        let begun = Instant::now();
        let method = request.method().clone();
        // A path that is refused is not repeated: what it is made of is the client's choice.
        // Of a path that goes on as it came, the prefix is noted.
        let path = request.uri().path();
        let Ok(path) = policy.raw_prefix(path).unwrap_or_else(|| CanonicalPath::parse(path)) else {
            return Some(Entry { begun, method, path: None, service: None });
        };
        let service = match policy.route(&method, &path) {
            Access::Priced(route, _) | Access::Free(route) => route.service().map(ToString::to_string),
            _ => None,
        };
        Some(Entry { begun, method, path: Some(path.as_str().into()), service })
    }
}

/// A line that has been begun.
#[derive(Debug)]
pub(super) struct Entry {
    begun: Instant,
    method: Method,
    path: Option<Box<str>>,
    service: Option<String>,
}

impl Entry {
    /// Writes the line.
    pub(super) fn end(self, status: StatusCode, rejection: Option<&Rejection>) {
        let Self { begun, method, path, service } = self;
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        let (path, service) = (path.as_deref().unwrap_or("-"), service.as_deref().unwrap_or("-"));
        let (status, reason) = (status.as_u16(), rejection.map_or("-", |rejection| rejection.reason.code()));
        tracing::info!(target: "l402_server::requests", %method, path, status, reason, service, ms, "request");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::tests::settings;

    fn entry(target: &str, requests: bool) -> Option<Entry> {
        RequestLog::new(&Settings { log_requests: requests, ..settings() })
            .begin(&Request::get(target).body(()).expect("a request"))
    }

    #[test]
    fn h2_a_line_holds_the_canonical_path_and_no_query() {
        let noted = format!("{:?}", entry("http://gateway/%61/b?key=canary", true).expect("an entry"));
        assert!(noted.contains("path: Some(\"/a/b\"), service: Some(\"default\")"), "{noted}");
        assert!(!noted.contains("canary"), "{noted}");
        let refused = format!("{:?}", entry("/canary/../b", true).expect("an entry"));
        assert!(!refused.contains("canary"), "{refused}");
    }

    #[test]
    fn nothing_is_noted_unless_asked_for() {
        assert!(entry("/", false).is_none());
    }
}

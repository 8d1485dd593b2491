//! One line in the log for each request, where the operator wants it.
//!
//! A line tells method, canonical path, status, service and the time until the answer began: never a query, a field or a
//! body, which may hold secrets (H2, T1).

use http::{Method, Request, StatusCode};
use l402_http::path::CanonicalPath;
use l402_http::policy::{Access, Policy};
use std::sync::Arc;
use std::time::Instant;

use crate::config::Config;

/// Begins a line for each request, or nothing.
#[derive(Debug, Clone)]
pub(super) struct RequestLog {
    policy: Option<Arc<Policy>>,
}

impl RequestLog {
    pub(super) fn new(config: &Config) -> Self {
        Self { policy: config.log.requests.then(|| Arc::clone(&config.policy)) }
    }

    /// Notes what is asked; [`None`] where nothing is to be logged.
    pub(super) fn begin<B>(&self, request: &Request<B>) -> Option<Entry> {
        let policy = self.policy.as_ref()?;
        let begun = Instant::now();
        let method = request.method().clone();
        // A path that is refused is not repeated: what it is made of is the client's choice.
        let Ok(path) = CanonicalPath::parse(request.uri().path()) else {
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
    pub(super) fn end(self, status: StatusCode) {
        let Self { begun, method, path, service } = self;
        let ms = begun.elapsed().as_secs_f64() * 1e3;
        let (path, service) = (path.as_deref().unwrap_or("-"), service.as_deref().unwrap_or("-"));
        tracing::info!(target: "l402_server::requests", %method, path, status = status.as_u16(), service, ms, "request");
    }
}

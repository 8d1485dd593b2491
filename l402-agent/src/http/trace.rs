//! Who hears of each request and each response on its way.

use core::fmt;
use http::{HeaderMap, Method, Uri, response};
use std::sync::Arc;

/// A request that is sent, or a response that has come.
#[derive(Debug)]
#[non_exhaustive]
pub enum Traced<'a> {
    /// A request, with the token that it carries: whoever writes it down leaves out what
    /// [`is_secret`] names.
    Sent {
        /// The method.
        method: &'a Method,
        /// The URL.
        uri: &'a Uri,
        /// The headers.
        headers: &'a HeaderMap,
    },
    /// The head of a response.
    Received(&'a response::Parts),
}

/// Hears of them; nobody unless set.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Watcher>>);

type Watcher = dyn Fn(&Traced<'_>) + Send + Sync;

impl Trace {
    /// Takes who is told.
    pub fn new(watch: impl Fn(&Traced<'_>) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(watch)))
    }

    pub(super) fn tell(&self, traced: &Traced<'_>) {
        if let Some(watch) = &self.0 {
            watch(traced);
        }
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({})", if self.0.is_some() { "set" } else { "none" })
    }
}

/// Tells whether a header may carry a login, a token or a session, and is never written down.
pub fn is_secret(name: &str) -> bool {
    SECRET.iter().any(|secret| name.eq_ignore_ascii_case(secret))
        || l402_core::CREDENTIAL_HEADERS.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

const SECRET: [&str; 6] =
    ["authorization", "cookie", "proxy-authorization", "set-cookie", "set-cookie2", "www-authenticate-info"];

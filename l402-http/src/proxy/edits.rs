//! What is done to the header of each request.

use http::header::{HeaderName, HeaderValue};

use super::location::Origin;
use super::peer::IpRange;

/// What a request gets and keeps on its way to the upstream.
#[derive(Clone, Debug)]
pub(super) struct Edits {
    pub(super) authority: HeaderValue,
    pub(super) tls: bool,
    pub(super) preserve_host: bool,
    pub(super) trusted: Vec<IpRange>,
    pub(super) always: Vec<(HeaderName, HeaderValue)>,
    pub(super) when_paid: Vec<(HeaderName, HeaderValue)>,
}

impl Edits {
    /// The names by which the upstream may call itself.
    pub(super) fn origin<'a>(&'a self, host: Option<&'a HeaderValue>) -> Origin<'a> {
        Origin { tls: self.tls, authority: self.authority.as_bytes(), host: host.map(HeaderValue::as_bytes) }
    }
}

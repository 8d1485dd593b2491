//! What a request asks for, as far as its use is concerned: whether it may have an effect, and how it is told from others.

use crate::policy::Route;
use crate::response::{Form, Problem, Reason};
use bytes::Bytes;
use core::fmt;
use http::header::{HeaderMap, HeaderName, UPGRADE};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use l402_core::ledger::{Content, Fingerprint, IdempotencyKey, Safety};
use l402_ledger::BoxFuture;
use std::sync::Arc;

/// Finds the SHA-256 of a request's body; an outer layer that can read the body and give it again puts one among the request's
/// extensions.
///
/// It is asked after the verdict, for a request that has a body. Two such requests without an `Idempotency-Key` are then known to be
/// the same, and one whose body breaks off takes no use. Without the extension, a request with a body is told apart by its
/// `Idempotency-Key` alone.
///
/// ```
/// use l402_http::service::{BodyDigest, Digested};
///
/// let mut request = http::Request::post("/v1/demo").body(String::from("seed"))?;
/// let digest = [7; 32]; // the SHA-256 of the body, which this layer has read
/// request.extensions_mut().insert(BodyDigest::new(move || Box::pin(async move { Digested::Sha256(digest) })));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone)]
pub struct BodyDigest(Arc<Digest>);

type Digest = dyn Fn() -> BoxFuture<'static, Digested> + Send + Sync;

/// What became of a body that a [`BodyDigest`] has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Digested {
    /// It is whole, and this is its SHA-256.
    Sha256([u8; 32]),
    /// It is longer than a megabyte, or did not come in time.
    Unknown,
    /// Its client broke it off. Nothing was sent upstream, so that the request takes no use.
    Aborted,
}

impl BodyDigest {
    /// Takes what finds it.
    pub fn new(find: impl Fn() -> BoxFuture<'static, Digested> + Send + Sync + 'static) -> Self {
        Self(Arc::new(find))
    }
}

impl fmt::Debug for BodyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyDigest")
    }
}

/// What a request asks for.
pub(in crate::service) struct Asked {
    pub(in crate::service) safety: Safety,
    pub(in crate::service) key: Option<IdempotencyKey>,
    digest: Option<BodyDigest>,
    is_empty: bool,
}

/// Why a request takes no use, whatever its token permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Unclear {
    /// The `Idempotency-Key` is too long, or there are two.
    BadKey,
    /// The client broke off the body.
    Aborted,
}

impl Asked {
    /// Looks at a request, and takes the extension out of it.
    pub(in crate::service) fn of<B: Body>(request: &mut Request<B>, route: &Route) -> Result<Self, Unclear> {
        let (key, is_empty) = (key(request.headers())?, request.body().is_end_stream());
        let is_unsafe = !request.method().is_safe()
            || !is_empty
            || request.headers().contains_key(UPGRADE)
            || *request.method() == Method::CONNECT
            || route.has_side_effects();
        let safety = if is_unsafe { Safety::Unsafe } else { Safety::Safe };
        Ok(Self { safety, key, digest: request.extensions_mut().remove(), is_empty })
    }

    /// Returns where the rest of what tells it apart comes from.
    pub(in crate::service) async fn content(&self) -> Result<Option<Content>, Unclear> {
        let digest = match &self.digest {
            _ if self.is_empty => return Ok(Some(self.key.map_or_else(Content::empty, Content::Key))),
            Some(digest) => (digest.0)().await, // also with a key: what breaks off takes no use
            None => Digested::Unknown,
        };
        match (digest, self.key) {
            (Digested::Aborted, _) => Err(Unclear::Aborted),
            (_, Some(key)) => Ok(Some(Content::Key(key))),
            (Digested::Sha256(digest), None) => Ok(Some(Content::Body(digest))),
            (Digested::Unknown, None) => Ok(None),
        }
    }
}

/// Takes the fingerprint of a request whose path is canonical.
pub(in crate::service) fn fingerprint<B>(request: &Request<B>, content: &Content) -> Fingerprint {
    let uri = request.uri();
    Fingerprint::of(request.method().as_str(), uri.path(), uri.query(), content)
}

fn key(fields: &HeaderMap) -> Result<Option<IdempotencyKey>, Unclear> {
    let mut values = fields.get_all(&IDEMPOTENCY_KEY).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) if value.len() <= IdempotencyKey::MAX_LEN => Ok(Some(IdempotencyKey::of(value.as_bytes()))),
        _ => Err(Unclear::BadKey),
    }
}

impl Unclear {
    /// What the client is told.
    #[cold]
    pub(in crate::service) fn response(self, form: Form) -> Response<Bytes> {
        let (reason, message) = match self {
            Self::BadKey => (Reason::REQUEST_REFUSED, BAD_KEY),
            Self::Aborted => (Reason::REQUEST_ABORTED, "the request was not completed"),
        };
        Problem::new(StatusCode::BAD_REQUEST, reason, &message).response(form)
    }
}

const BAD_KEY: &str = "the request has more than one Idempotency-Key, or one that is longer than 256 bytes";

/// What clients and upstreams know a request by (draft-ietf-httpapi-idempotency-key-header).
pub(in crate::service) static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

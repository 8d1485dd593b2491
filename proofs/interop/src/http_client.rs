//! HTTP without payments, in one version of it, that notes what it was answered.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use l402_http::pay::ReplayBody;
use tower_service::Service;

/// Why there is no answer.
pub type HttpError = hyper_util::client::legacy::Error;

/// What a client speaks, without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HttpVersion {
    /// HTTP/1.1.
    One,
    /// HTTP/2, known beforehand (RFC 9113 §3.3).
    Two,
}

impl HttpVersion {
    /// Both.
    pub const ALL: [Self; 2] = [Self::One, Self::Two];
}

impl fmt::Display for HttpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::One => "HTTP/1.1",
            Self::Two => "HTTP/2",
        })
    }
}

/// A client that keeps its connections. Clones share them, and what was noted.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client<HttpConnector, ReplayBody<Empty<Bytes>>>,
    plain: Client<HttpConnector, Empty<Bytes>>,
    seen: Arc<Mutex<Vec<(http::Version, StatusCode)>>>,
}

impl Http {
    /// Makes a client without connections.
    pub fn new(version: HttpVersion) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.http2_only(version == HttpVersion::Two);
        Self { client: builder.build(tcp.clone()), plain: builder.build(tcp), seen: Arc::default() }
    }

    /// Returns a client over the same connections that has noted nothing.
    #[must_use]
    pub fn afresh(&self) -> Self {
        Self { seen: Arc::default(), ..self.clone() }
    }

    /// Asks once, and pays nothing.
    ///
    /// # Errors
    ///
    /// When there is no answer.
    pub async fn get(&self, uri: &Uri) -> Result<Response<Incoming>, HttpError> {
        self.plain.request(get(uri)).await
    }

    /// Returns the version and the status of each answer to what was paid for, or tried to be, since the last time.
    pub fn noted(&self) -> Vec<(http::Version, StatusCode)> {
        core::mem::take(&mut *self.seen.lock().unwrap())
    }
}

/// Returns a request without a body.
pub(crate) fn get(uri: &Uri) -> Request<Empty<Bytes>> {
    Request::get(uri).body(Empty::new()).unwrap()
}

impl Service<Request<ReplayBody<Empty<Bytes>>>> for Http {
    type Response = Response<Incoming>;
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Incoming>, HttpError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), HttpError>> {
        Poll::Ready(Ok(())) // it opens as many connections as it takes
    }

    fn call(&mut self, request: Request<ReplayBody<Empty<Bytes>>>) -> Self::Future {
        let (answer, seen) = (self.client.request(request), Arc::clone(&self.seen));
        Box::pin(async move {
            let answer = answer.await?;
            seen.lock().unwrap().push((answer.version(), answer.status()));
            Ok(answer)
        })
    }
}

//! The reverse proxy: one upstream origin behind a tower service, streamed both ways.
//!
//! 1. Fields that belong to the client's connection, credentials, claims about the client and overrides of path or method
//!    (`X-HTTP-Method-Override`) stay behind, among trailers too; what the configuration says is added last
//!    (RFC 9110 §7.6).
//! 2. The target is passed on byte for byte: what was priced is what is asked for.
//! 3. Each side is framed anew by hyper, so that the two cannot disagree where a message ends (RFC 9112 §6). A request
//!    with both `Transfer-Encoding` and `Content-Length` is read as chunked, which RFC 9112 §6.3 allows, and goes on with a
//!    framing of its own and neither field of the client's: what loses does not reach the upstream.
//!    `chunked`, alone and once, is the only transfer coding; another before it is a 501, and twice a 400.
//! 4. The only upgrade is WebSocket over HTTP/1.1, and the tunnel begins after the upstream's 101 (RFC 9110 §7.8).
//! 5. A request is sent again, once and over a new connection, where a kept connection had closed: if not a byte of it had
//!    been sent, or if it is idempotent, has no body, and not a byte of an answer had come (RFC 9110 §9.2.2).
//! 6. Connecting, answering and standing still have deadlines of their own. They run whether or not a body is polled: a
//!    client that takes nothing, over HTTP/2 by a closed window, or that sends a byte now and then, does not hold the upstream.
//!    What the client's own connection holds is up to the server of that connection.
//! 7. An answer that comes before the end of the request's body is passed on at once, also where no more of it is taken.
//! 8. `Expect: 100-continue` is passed on over HTTP/1.1, and the client is asked for the body when the upstream asks, or says
//!    nothing for a second. Other interim answers of the upstream, such as 103, are dropped: hyper's server sends none.
//! 9. A tunnel ends with the token that opened it and when the server stops, and both sides are told by a close frame. A
//!    response of unknown length may go on for [`Timeouts::after_grant`] after its token has ended.
//! 10. What an upstream says of itself is put right: a URL at its own origin in `Location`, `Content-Location`, `Refresh` or
//!     `Link` becomes one at the public origin. An answer that holds the request, and a field, of the head or of the
//!     trailers, that holds a secret which was added to it, do not reach the client.
//! 11. Connections to upstreams are bounded where there is a [`ConnectionLimit`].
//!
//! The upstream is spoken to in HTTP/1.1 or HTTP/2, see [`Protocol`]. A pool belongs to one [`Upstream`] and its clones: make one
//! for each single-threaded runtime, and nothing is shared.

// Threats H2, P1, P2, P3, P4, P6, P7, P8.

mod body;
mod config;
mod config_error;
mod connect;
mod deadline;
mod edits;
mod error;
mod exchange;
mod expect;
mod fields;
mod forward;
mod frames;
mod health;
mod limit;
mod location;
mod peer;
mod pool;
mod probe;
mod progress;
mod protocol;
mod refusal;
mod sender;
mod streams;
mod sweep;
mod timeouts;
mod tunnel;
mod version;
mod wire;

use core::convert::Infallible;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::sync::Arc;

use http::{Request, Response};
use http_body::Body;

pub use self::body::{ProxyBody, ProxyBodyError, RequestBody};
pub use self::config::UpstreamConfig;
pub use self::config_error::UpstreamConfigError;
pub use self::health::{Health, Outage};
pub use self::limit::{ConnectionLimit, Session};
pub use self::peer::{IpRange, IpRangeError, Peer};
pub use self::probe::{ProbeError, Spoken};
pub use self::protocol::{HEADER_FIELDS, Protocol};
pub use self::timeouts::Timeouts;

use self::connect::Connector;
use self::edits::Edits;
use self::exchange::Opening;
use self::pool::Pool;
use self::sweep::Sweeper;

type BoxError = Box<dyn core::error::Error + Send + Sync>;

/// Forwards requests to one upstream origin; a [`tower_service::Service`] that never fails.
///
/// `B` is the body of the requests, such as [`hyper::body::Incoming`]. Whatever goes wrong becomes a response: 400 for
/// a request that must not be forwarded, such as one of HTTP/1.1 without `Host`, 408 for a client that stops sending, 502 and
/// 504 for the upstream, each as JSON with a `reason`, or in gRPC's form for a gRPC request.
///
/// The futures are `Send` and need a tokio runtime with time and I/O.
///
/// ```
/// use hyper::body::Incoming;
/// use l402_http::proxy::{Upstream, UpstreamConfig};
///
/// let config = UpstreamConfig::new(&"http://127.0.0.1:3000".parse()?)?;
/// let upstream = Upstream::<Incoming>::new(&config)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Upstream<B> {
    shared: Arc<Shared<B>>,
}

struct Shared<B> {
    connector: Connector,
    edits: Arc<Edits>,
    timeouts: Timeouts,
    slowest_upload: u64,
    pool: Arc<Pool<RequestBody<B>>>,
    opening: Opening,
    sweeper: Sweeper,
}

impl<B> Upstream<B> {
    /// Makes a forwarder with an empty pool; it connects when it is first used.
    ///
    /// # Errors
    ///
    /// [`UpstreamConfigError`] when an https origin's host or the extra certificates do not suit TLS.
    pub fn new(config: &UpstreamConfig) -> Result<Self, UpstreamConfigError> {
        let shared = Shared {
            connector: config.connector()?,
            edits: Arc::new(config.edits.clone()),
            timeouts: config.timeouts,
            slowest_upload: config.slowest_upload,
            pool: Arc::new(Pool::new(config.max_idle, config.timeouts.keep_alive, config.limit.clone())),
            opening: Opening::default(),
            sweeper: Sweeper::new(config.timeouts.idle),
        };
        Ok(Self { shared: Arc::new(shared) })
    }
}

impl<B> Upstream<B> {
    /// Keeps what is known of the upstream up to date, so that no client pays for what cannot be delivered.
    ///
    /// Connects, and closes the connection at once, when no request has connected for
    /// [`Timeouts::probe`], and with growing pauses of 250 milliseconds to 10 seconds while the upstream is down. Never
    /// completes: spawn it, beside requests. Of those made from one [`UpstreamConfig`] only one works at a time.
    pub fn watch(&self) -> impl Future<Output = ()> + Send + use<B> {
        self.shared.connector.clone().watch(self.shared.timeouts.probe)
    }
}

impl<B> Upstream<B>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// Forwards one request, as the service does.
    pub async fn forward(&self, request: Request<B>) -> Response<ProxyBody<B>> {
        self.shared.forward(request).await
    }
}

impl<B> tower_service::Service<Request<B>> for Upstream<B>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<ProxyBody<B>>;
    type Error = Infallible;
    type Future = Forwarding<B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Forwarding(self.shared.forward(request))
    }
}

/// The future of [`Upstream`]. A request goes out when the service is called, if there is a connection for it.
#[must_use = "futures do nothing unless polled"]
pub struct Forwarding<B>(exchange::Forwarded<B>);

impl<B> Future for Forwarding<B> {
    type Output = Result<Response<ProxyBody<B>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(context).map(Ok)
    }
}

impl<B> fmt::Debug for Forwarding<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Forwarding").finish_non_exhaustive()
    }
}

impl<B> Clone for Upstream<B> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<B> fmt::Debug for Upstream<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("authority", &self.shared.edits.authority).finish_non_exhaustive()
    }
}

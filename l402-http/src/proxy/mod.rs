//! The reverse proxy: one upstream origin behind a tower service, streamed both ways.
//!
//! 1. Fields that belong to the client's connection, credentials, claims about the client and overrides of path or method
//!    (`X-HTTP-Method-Override`) stay behind, among trailers too; what the configuration says is added last (P2, P3, H2,
//!    RFC 9110 §7.6).
//! 2. The target is passed on byte for byte: what was priced is what is asked for (P3).
//! 3. Each side is framed anew by hyper, so that the two cannot disagree where a message ends (P1, RFC 9112 §6). A request
//!    with both `Transfer-Encoding` and `Content-Length` is read as chunked, which RFC 9112 §6.3 allows, and goes on with a
//!    framing of its own and neither field of the client's: what loses does not reach the upstream.
//!    `chunked`, alone and once, is the only transfer coding; another before it is a 501, and twice a 400.
//! 4. The only upgrade is WebSocket over HTTP/1.1, and the tunnel begins after the upstream's 101 (P1, RFC 9110 §7.8).
//! 5. A request is sent again, once and over a new connection, where a kept connection had closed: if not a byte of it had
//!    been sent, or if it is idempotent, has no body, and not a byte of an answer had come (RFC 9110 §9.2.2).
//! 6. Connecting, answering and standing still have deadlines of their own (P4). They run whether or not a body is polled: a
//!    client that takes nothing, over HTTP/2 by a closed window, or that sends a byte now and then, does not hold the upstream
//!    (P6). What the client's own connection holds is the business of whoever serves it.
//! 7. An answer that comes before the end of the request's body is passed on at once, also where no more of it is taken.
//! 8. `Expect: 100-continue` is passed on over HTTP/1.1, and the client is asked for the body when the upstream asks, or says
//!    nothing for a second. Other interim answers of the upstream, such as 103, are dropped: hyper's server sends none.
//! 9. A tunnel ends with the token that opened it and when the server stops, and both sides are told by a close frame (P8). A
//!    response of unknown length may go on for [`Timeouts::after_grant`] after its token has ended.
//! 10. What an upstream says of itself is put right: a URL at its own origin in `Location`, `Content-Location`, `Refresh` or
//!     `Link` becomes one at the public origin. An answer that holds the request, and a field, of the head or of the
//!     trailers, that holds a secret which was added to it, do not reach the client (P7).
//! 11. Connections to upstreams are bounded where there is a [`ConnectionLimit`] (P6).
//!
//! The upstream is spoken to in HTTP/1.1 or HTTP/2, see [`Protocol`]. A pool belongs to one [`Upstream`] and its clones: make one
//! for each single-threaded runtime, and nothing is shared.

mod body;
mod config;
mod connect;
mod error;
mod expect;
mod fields;
mod frames;
mod health;
mod limit;
mod location;
mod peer;
mod pool;
mod probe;
mod progress;
mod sender;
mod streams;
mod sweep;
mod tunnel;
mod version;
mod wire;

use core::convert::Infallible;
use core::fmt;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;
use std::time::SystemTime;

use http::{Method, Request, Response, StatusCode, header};
use http_body::Body;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use l402_core::Grant;
use tokio::time::{Instant, sleep_until, timeout};

pub use self::body::{ProxyBody, ProxyBodyError, RequestBody};
pub use self::config::{HEADER_FIELDS, Protocol, Timeouts, UpstreamConfig, UpstreamConfigError};
pub use self::health::{Health, Outage};
pub use self::limit::{ConnectionLimit, Session};
pub use self::peer::{IpRange, IpRangeError, Peer};
pub use self::probe::{ProbeError, Spoken};

use self::body::{Deadlines, Lease};
use self::config::Edits;
use self::connect::{Connected, Connector};
use self::error::ForwardError;
use self::expect::Hold;
use self::pool::Pool;
use self::progress::Progress;
use self::sender::Sender;
use self::sweep::Sweeper;
use self::tunnel::Terms;
use crate::framing::FramingFault;
use crate::method;
use crate::response::Form;

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
    /// Keeps what is known of the upstream up to date, so that nobody pays for what cannot be delivered.
    ///
    /// Connects, and closes the connection at once, when nobody else has connected for
    /// [`Timeouts::probe`], and with growing pauses of 250 milliseconds to 10 seconds while the upstream is down. Never
    /// completes: spawn it, beside requests. Of those made from one [`UpstreamConfig`] only one works at a time.
    pub fn watch(&self) -> impl Future<Output = ()> + Send + use<B> {
        self.shared.connector.health.clone().watch(self.shared.connector.clone(), self.shared.timeouts.probe)
    }
}

impl<B> Upstream<B>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// Forwards one request; what the service does, without its box.
    pub async fn forward(&self, request: Request<B>) -> Response<ProxyBody<B>> {
        let form = Form::without_page(request.headers());
        match self.shared.forward(request).await {
            Ok(response) => response,
            Err(error) => error.into_response(form, &self.shared.connector.health),
        }
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
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let upstream = self.clone();
        Box::pin(async move { Ok(upstream.forward(request).await) })
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

impl<B> Shared<B>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    async fn forward(&self, request: Request<B>) -> Result<Response<ProxyBody<B>>, ForwardError> {
        if method::reflects(request.method()) {
            return Err(ForwardError::Method);
        }
        if let Some(fault) = FramingFault::of(request.headers()) {
            return Err(ForwardError::Framing(fault));
        }
        let (mut head, body) = request.into_parts();
        #[cfg(feature = "server")]
        if head.extensions.get::<crate::framing::NoBody>().is_some() && !body.is_end_stream() {
            return Err(ForwardError::Refused("a preflight has no body"));
        }
        let upgrade = head.extensions.remove::<OnUpgrade>();
        let upgrade = upgrade.filter(|_| !self.connector.is_http2_only() && fields::asks_for_websocket(&head));
        let session = head.extensions.remove::<Session>();
        let end = head.extensions.get::<Grant>().and_then(end_of);
        let hold = Hold::of(&head, !body.is_end_stream());
        fields::to_upstream(&mut head, &body, &self.edits, upgrade.is_some())?;
        head.extensions.clear();
        if let Some(hold) = &hold {
            head.extensions.insert(hold.clone());
        }
        let host = head.headers.get(header::HOST).filter(|_| self.edits.preserve_host).cloned();
        let upload = (!body.is_end_stream()).then(|| self.quota(&head));
        let progress =
            Arc::new(upload.map_or_else(Progress::new, |quota| Progress::of_upload(self.timeouts.idle, quota)));
        // Without a body there is nothing to note.
        let noted = upload.map(|_| Arc::clone(&progress));
        let body = RequestBody::new(body, Arc::clone(&self.edits), noted).held(hold.clone());
        let request = Request::from_parts(head, body);

        let (response, sender) = self.exchange(request, upgrade.is_some(), &progress).await?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.open_tunnel(response, upgrade, Terms { idle: self.timeouts.tunnel, end, session });
        }
        if fields::is_reflection(response.headers()) {
            return Err(ForwardError::Reflected);
        }
        if FramingFault::of(response.headers()).is_some() {
            return Err(ForwardError::Coding); // the coding would stay, and the field that names it would go
        }
        let (mut head, incoming) = response.into_parts();
        fields::to_client(&mut head, &self.edits, false);
        location::publish(&mut head.headers, self.edits.origin(host.as_ref()));
        let is_endless = incoming.size_hint().exact().is_none();
        let end = end.filter(|_| is_endless).and_then(|end| end.checked_add(self.timeouts.after_grant));
        if upload.is_some() {
            self.sweeper.watch(Arc::<Progress>::downgrade(&progress) as _);
        }
        let deadlines = Deadlines { progress, idle: self.timeouts.idle, end };
        let unwanted = hold.and_then(|hold| hold.answered());
        let lease = Lease { sender, pool: Arc::clone(&self.pool), unwanted };
        let body = ProxyBody::streamed(incoming, lease, deadlines, Arc::clone(&self.edits));
        if let Some(watched) = body.watched() {
            self.sweeper.watch(watched);
        }
        self.pool.watch();
        Ok(Response::from_parts(head, body))
    }

    /// For how many bytes of a body the client may use up the idle time. A message of gRPC comes when there is something to say.
    fn quota(&self, head: &http::request::Parts) -> u64 {
        let is_grpc =
            head.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
        let bytes = if is_grpc { 0 } else { self.timeouts.idle.as_secs().saturating_mul(self.slowest_upload) };
        bytes.max(1)
    }

    /// Sends the request and waits for the head of the response.
    async fn exchange(
        &self,
        request: Request<RequestBody<B>>,
        upgrades: bool,
        progress: &Progress,
    ) -> Result<(Response<Incoming>, Sender<RequestBody<B>>), ForwardError> {
        let kept = Some(()).filter(|()| !upgrades).and_then(|()| self.pool.stream(None)).or_else(|| self.pool.take());
        let (mut sender, is_new) = match kept {
            Some(sender) => (sender, false),
            None => self.open(upgrades, None).await?,
        };
        let copy = if is_new { None } else { self.copy(&request) };
        let failed = match within(sender.exchange(request), progress, &self.timeouts).await? {
            Ok(response) => return Ok((response, sender)),
            Err(failed) => failed,
        };
        // The upstream had closed the connection. Others of the same age may be closed as well.
        let again = failed.unsent.filter(|_| !is_new).or(copy.filter(|_| failed.is_unheard));
        let Some(again) = again else { return Err(ForwardError::Exchange(failed.error)) };
        drop(sender);
        let (mut sender, _) = self.open(upgrades, Some(Instant::now())).await?;
        let response = within(sender.exchange(again), progress, &self.timeouts).await?;
        Ok((response.map_err(|failed| ForwardError::Exchange(failed.error))?, sender))
    }

    /// Opens a connection, and returns whether it is new. Where the upstream speaks HTTP/2, those who want one at the same time
    /// share it, if it is no older than `since`.
    async fn open(
        &self,
        upgrades: bool,
        since: Option<Instant>,
    ) -> Result<(Sender<RequestBody<B>>, bool), ForwardError> {
        let turn = if upgrades || !self.opening.is_shared(&self.connector) {
            None
        } else {
            let turn = timeout(self.timeouts.connect, self.opening.turn.lock()).await;
            let turn = turn.map_err(|_| ForwardError::ConnectTimeout)?;
            if let Some(sender) = self.pool.stream(since) {
                return Ok((sender, false));
            }
            Some(turn)
        };
        match self.connector.connect(upgrades).await? {
            Connected::One(sender) => Ok((sender, true)),
            Connected::Many(connection) => {
                self.opening.has_shared.store(true, Ordering::Relaxed);
                let sender = Sender::of(&connection).ok_or(ForwardError::ConnectTimeout)?;
                self.pool.share(connection);
                drop(turn);
                Ok((sender, true))
            }
        }
    }

    /// Copies a request that may be sent twice: one that is idempotent and has no body.
    fn copy(&self, request: &Request<RequestBody<B>>) -> Option<Request<RequestBody<B>>> {
        if !request.method().is_idempotent() || *request.method() == Method::TRACE || !request.body().is_end_stream() {
            return None;
        }
        let mut copy = Request::new(RequestBody::empty(Arc::clone(&self.edits)));
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.version_mut() = request.version();
        *copy.headers_mut() = request.headers().clone();
        Some(copy)
    }

    /// Passes the 101 on and joins the two connections behind it.
    fn open_tunnel(
        &self,
        mut response: Response<Incoming>,
        client: Option<OnUpgrade>,
        terms: Terms,
    ) -> Result<Response<ProxyBody<B>>, ForwardError> {
        let client = client.filter(|_| fields::is_websocket(response.headers())).ok_or(ForwardError::Upgrade)?;
        let upstream = hyper::upgrade::on(&mut response);
        tokio::spawn(tunnel::run(client, upstream, terms));
        let (mut head, _) = response.into_parts();
        fields::to_client(&mut head, &self.edits, true);
        head.extensions.clear();
        Ok(Response::from_parts(head, ProxyBody::whole(bytes::Bytes::new())))
    }
}

/// The right to open a connection that others share.
#[derive(Default)]
struct Opening {
    turn: tokio::sync::Mutex<()>,
    /// Whether the upstream has chosen HTTP/2 before.
    has_shared: AtomicBool,
}

impl Opening {
    fn is_shared(&self, connector: &Connector) -> bool {
        connector.is_http2_only() || self.has_shared.load(Ordering::Relaxed)
    }
}

/// When a grant ends, by a clock that nobody can put back.
fn end_of(grant: &Grant) -> Option<Instant> {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or(Duration::MAX);
    let left = Duration::from_secs(grant.expires_at()?.get()).saturating_sub(now);
    Instant::now().checked_add(left)
}

/// Waits for an answer: for as long as the upstream takes the request's body and the client sends it, and `response` beyond.
async fn within<F: Future>(answer: F, progress: &Progress, limits: &Timeouts) -> Result<F::Output, ForwardError> {
    let mut answer = pin!(answer);
    let mut timer = pin!(sleep_until(Instant::now() + limits.response.min(limits.idle)));
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return Ok(answer),
            () = &mut timer => {}
        }
        let (end, fault) = match progress.client_ends() {
            Some(end) => (end, ForwardError::ClientStalled),
            None => (progress.last() + limits.response, ForwardError::ResponseTimeout),
        };
        let now = Instant::now();
        if end <= now {
            return Err(fault);
        }
        // It may be the client's turn before that.
        timer.as_mut().reset(end.min(now + limits.idle));
    }
}

//! What happens to one request: the gateway's own paths, else the paywall, else the upstream.

use bytes::Bytes;
use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use http::{HeaderValue, Request, Response, StatusCode, Version};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use l402_http::cors::Cors;
use l402_http::proxy::{ConnectionLimit, Peer, ProxyBody, Session, UpstreamConfigError};
use l402_http::response::{Form, PaidBody, Problem, Reason};
use l402_http::service::{PaidFuture, PaidService, Paywall};
use l402_lightning::{InvoiceSource, Network, SettlementSource};
use pin_project_lite::pin_project;
use std::sync::Arc;
use tower_layer::Layer;
use tower_service::Service;

use super::activity::{Activity, Exchange};
use super::bodies::{Download, Upload};
use super::clients::Seat;
use super::forward::Forward;
use super::identity::{Identity, warn_of_proxy};
use super::own::OwnPaths;
use super::ready::Checks;
use super::requests::{Lines, RequestLog};
use super::reread::may_be_hashed;
use crate::fresh_keys::FreshKeys;
use crate::settings::{RequestLines, Settings};

/// What the connections of one thread share.
pub(super) struct Gateway<N> {
    own: Arc<OwnPaths>,
    forward: Forward,
    pages: Cors,
    paid: PaidService<Forward, N, FreshKeys>,
    log: RequestLog,
    identity: Arc<Identity>,
    /// How long the hash of a body may take; [`None`] where nothing is counted.
    hashed_within: Option<Duration>,
}

impl<N> Gateway<N> {
    pub(super) fn new(
        settings: &Settings,
        paywall: Paywall<N, FreshKeys>,
        network: Network,
        (checks, hashed_within): (Checks, Option<Duration>),
        limit: &ConnectionLimit,
    ) -> Result<Self, UpstreamConfigError> {
        let own = Arc::new(OwnPaths::new(settings, network, checks));
        let forward = Forward::new(settings, limit)?;
        let paywall = if settings.request_lines == RequestLines::On { paywall.observe(Lines) } else { paywall };
        let paid = paywall.layer().layer(forward.clone());
        let (pages, log) = (settings.policy().elsewhere().clone(), RequestLog::new(settings));
        let identity = Identity::of(settings);
        Ok(Self { own, forward, pages, paid, log, identity, hashed_within })
    }

    /// Waits until the ledger was told what became of every use.
    pub(super) fn at_rest(&self) -> impl Future<Output = ()> + Send + use<N> {
        self.paid.at_rest()
    }

    /// Begins to watch the upstreams, on the runtime of the caller's.
    pub(super) fn watch_upstreams(&self) {
        for watch in self.forward.watches() {
            tokio::spawn(watch);
        }
    }
}

impl<N> Clone for Gateway<N> {
    fn clone(&self) -> Self {
        Self {
            own: Arc::clone(&self.own),
            forward: self.forward.clone(),
            pages: self.pages.clone(),
            paid: self.paid.clone(),
            log: self.log.clone(),
            identity: Arc::clone(&self.identity),
            hashed_within: self.hashed_within,
        }
    }
}

/// The gateway, as one client's connection meets it.
pub(super) struct Client<N> {
    gateway: Gateway<N>,
    peer: Peer,
    activity: Arc<Activity>,
    seat: Arc<Seat>,
    session: Session,
    may_be_proxy: bool,
}

impl<N> Client<N> {
    pub(super) fn new(
        gateway: Gateway<N>,
        peer: Peer,
        activity: Arc<Activity>,
        seat: Arc<Seat>,
        session: Session,
    ) -> Self {
        let may_be_proxy = gateway.identity.may_be_proxy(peer.address());
        Self { gateway, peer, activity, seat, session, may_be_proxy }
    }
}

impl<N: InvoiceSource + SettlementSource + 'static> hyper::service::Service<Request<Incoming>> for Client<N> {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        let is_shared = request.version() == Version::HTTP_2;
        let mut request = request.map(|body| Upload::new(body, Arc::clone(&self.activity), is_shared));
        let Gateway { own, pages, paid, log, hashed_within, .. } = &self.gateway;
        if let Some(response) = own.answer(&request) {
            let response = open_to(pages, &request, response);
            log.own(&request, &response);
            let exchange = self.activity.begin(is_shared, None);
            return Answer { content: Content::own(response), exchange: Some(exchange) };
        }
        if self.may_be_proxy {
            warn_of_proxy(self.peer.address(), request.headers());
        }
        let under_way = self.seat.request().map(Arc::new);
        let is_refused = under_way.is_none();
        let exchange = Some(self.activity.begin(is_shared, under_way.clone()));
        if is_refused {
            let response = crowded(pages, &request);
            log.refused(&request, &response);
            return Answer { content: Content::own(response), exchange };
        }
        request.extensions_mut().insert(self.peer.clone());
        if let (Some(_), Some(under_way)) = (request.extensions().get::<OnUpgrade>(), under_way) {
            // A tunnel holds a connection to its upstream, as a request does.
            request.extensions_mut().insert(self.session.clone().holding(under_way as _));
        }
        if let Some(within) = *hashed_within
            && may_be_hashed(&request)
        {
            request = hashable(request, within);
        }
        let mut paid = paid.clone(); // always ready, since forwarding is
        Answer { content: Content::Paid { response: paid.call(request) }, exchange }
    }
}

/// Lets the body be hashed.
fn hashable(request: Request<Upload>, within: Duration) -> Request<Upload> {
    let (mut head, body) = request.into_parts();
    let (body, digest) = body.hashable(within);
    if let Some(digest) = digest {
        head.extensions.insert(digest);
    }
    Request::from_parts(head, body)
}

/// Lets pages of other origins read what the gateway says of itself, and answers their preflights (threat P9).
fn open_to<B>(pages: &Cors, request: &Request<B>, mut response: Response<Full<Bytes>>) -> Response<Full<Bytes>> {
    if let Some(answer) = pages.preflight(request, &HeaderValue::from_static("GET, HEAD")) {
        return answer.map(Full::new);
    }
    pages.sharing(request.headers()).write(response.headers_mut());
    response
}

/// A client has as many requests under way as it may.
#[cold]
fn crowded<B>(pages: &Cors, request: &Request<B>) -> Response<Full<Bytes>> {
    let problem =
        Problem::new(StatusCode::TOO_MANY_REQUESTS, Reason::TOO_MANY_REQUESTS, &CROWDED).retry_after(RETRY_AFTER);
    let mut response = problem.response(Form::of(request.headers())).map(Full::new);
    pages.sharing(request.headers()).write(response.headers_mut());
    response
}

const CROWDED: &str = "this client has too many running requests; try again later";

/// Seconds after which another attempt makes sense.
const RETRY_AFTER: u64 = 5;

/// The gateway's own words, or those of the paywall or the upstream.
pub(super) type AnswerBody = Download<Either<Full<Bytes>, PaidBody<ProxyBody<Upload>>>>;

pin_project! {
    /// An answer on its way.
    pub(super) struct Answer {
        #[pin]
        content: Content,
        exchange: Option<Arc<Exchange>>,
    }
}

pin_project! {
    #[project = Projected]
    enum Content {
        Own { response: Option<Response<Full<Bytes>>> },
        Paid { #[pin] response: PaidFuture<Forward, Upload> },
    }
}

impl Content {
    const fn own(response: Response<Full<Bytes>>) -> Self {
        Self::Own { response: Some(response) }
    }
}

impl Future for Answer {
    type Output = Result<Response<AnswerBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match this.content.project() {
            Projected::Own { response } => {
                response.take().expect("a future is not polled again after it was ready").map(Either::Left)
            }
            Projected::Paid { response } => match ready!(response.poll(context)) {
                Ok(response) => response.map(Either::Right),
            },
        };
        let exchange = this.exchange.take().expect("a future is not polled again after it was ready");
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            exchange.becomes_tunnel();
        }
        Poll::Ready(Ok(response.map(|body| Download::new(body, exchange))))
    }
}

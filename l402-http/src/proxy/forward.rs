//! From a client's request to the upstream's, and from the upstream's response to ours.

use core::time::Duration;
use std::sync::Arc;
use std::time::SystemTime;

use http::header::{self, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use l402_core::{Grant, UnixSeconds};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::body::{Deadlines, Lease, ProxyBody, RequestBody};
use super::error::ForwardError;
use super::expect::Hold;
use super::limit::Session;
use super::progress::Progress;
use super::sender::Sender;
use super::tunnel::{self, Terms};
use super::{BoxError, Shared, fields, location};
use crate::framing::FramingFault;
use crate::method;
use crate::opened::Opened;

/// What the response to a request needs to know of it.
pub(super) struct Asked {
    upgrade: Option<OnUpgrade>,
    session: Option<Session>,
    /// When the token ends that paid for it, in Unix seconds.
    paid_until: Option<u64>,
    hold: Option<Hold>,
    /// The host that the upstream was told, where it is the client's.
    host: Option<HeaderValue>,
    has_body: bool,
    pub(super) progress: Arc<Progress>,
}

impl Asked {
    /// Whether another protocol is asked for on the connection.
    pub(super) const fn upgrades(&self) -> bool {
        self.upgrade.is_some()
    }

    /// When what was paid for ends, by a clock that does not jump.
    fn end(&self) -> Option<Instant> {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or(Duration::MAX);
        let left = Duration::from_secs(self.paid_until?).saturating_sub(now);
        Instant::now().checked_add(left)
    }
}

impl<B> Shared<B>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// Makes the upstream's request of the client's.
    pub(super) fn to_upstream(&self, request: Request<B>) -> Result<(Request<RequestBody<B>>, Asked), ForwardError> {
        if method::reflects(request.method()) {
            return Err(ForwardError::Method);
        }
        if let Some(fault) = FramingFault::of(request.headers()) {
            return Err(ForwardError::Framing(fault));
        }
        let (mut head, body) = request.into_parts();
        let has_body = !body.is_end_stream();
        #[cfg(feature = "server")]
        if has_body && head.extensions.get::<crate::framing::NoBody>().is_some() {
            return Err(ForwardError::Refused("a preflight has no body"));
        }
        let upgrade = head.extensions.remove::<OnUpgrade>();
        let upgrade = upgrade.filter(|_| !self.connector.is_http2_only() && fields::asks_for_websocket(&head));
        let session = head.extensions.remove::<Session>();
        let paid_until = head.extensions.get::<Grant>().and_then(Grant::expires_at).map(UnixSeconds::get);
        let hold = Hold::of(&head, has_body);
        fields::to_upstream(&mut head, &body, &self.edits, upgrade.is_some())?;
        head.extensions.clear();
        if let Some(hold) = &hold {
            head.extensions.insert(hold.clone());
        }
        let host = if self.edits.preserve_host { head.headers.get(header::HOST).cloned() } else { None };
        let progress =
            if has_body { Progress::of_upload(self.timeouts.idle, self.quota(&head)) } else { Progress::new() };
        let progress = Arc::new(progress);
        // Without a body there is nothing to note.
        let noted = has_body.then(|| Arc::clone(&progress));
        let body = RequestBody::new(body, Arc::clone(&self.edits), noted).held(hold.clone());
        let asked = Asked { upgrade, session, paid_until, hold, host, has_body, progress };
        Ok((Request::from_parts(head, body), asked))
    }

    /// Makes our response of the upstream's.
    pub(super) fn to_client(
        &self,
        response: Response<Incoming>,
        sender: Sender<RequestBody<B>>,
        asked: Asked,
    ) -> Result<Response<ProxyBody<B>>, ForwardError> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.open_tunnel(response, asked);
        }
        if fields::is_reflection(response.headers()) {
            return Err(ForwardError::Reflected);
        }
        if FramingFault::of(response.headers()).is_some() {
            return Err(ForwardError::Coding); // the coding would stay, and the field that names it would go
        }
        let (mut head, incoming) = response.into_parts();
        fields::to_client(&mut head, &self.edits, false);
        location::publish(&mut head.headers, self.edits.origin(asked.host.as_ref()));
        let is_endless = incoming.size_hint().exact().is_none();
        let end = if is_endless { asked.end() } else { None };
        let end = end.and_then(|end| end.checked_add(self.timeouts.after_grant));
        if asked.has_body {
            self.sweeper.watch(Arc::<Progress>::downgrade(&asked.progress) as _);
        }
        let deadlines = Deadlines { progress: asked.progress, idle: self.timeouts.idle, end };
        let unwanted = asked.hold.and_then(|hold| hold.answered());
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

    /// Passes the 101 on and joins the two connections behind it.
    fn open_tunnel(
        &self,
        mut response: Response<Incoming>,
        asked: Asked,
    ) -> Result<Response<ProxyBody<B>>, ForwardError> {
        let end = asked.end();
        let client = asked.upgrade.filter(|_| fields::is_websocket(response.headers()));
        let client = client.ok_or(ForwardError::Upgrade)?;
        let upstream = hyper::upgrade::on(&mut response);
        let (stop, (running, ended)) = (Arc::new(Notify::new()), watch::channel(()));
        let terms = Terms { idle: self.timeouts.tunnel, end, stop: Arc::clone(&stop), session: asked.session };
        let task = tokio::spawn(async move {
            tunnel::run(client, upstream, terms).await;
            drop(running);
        });
        let (mut head, _) = response.into_parts();
        fields::to_client(&mut head, &self.edits, true);
        head.extensions.clear();
        head.extensions.insert(Opened::new(task.abort_handle(), stop, ended));
        Ok(Response::from_parts(head, ProxyBody::whole(bytes::Bytes::new())))
    }
}

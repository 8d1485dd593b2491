//! From a client's request to the upstream's, and from the upstream's response to ours.

use core::time::Duration;
use std::sync::Arc;
use std::time::SystemTime;

use http::{Request, Response, StatusCode, header};
use http_body::Body;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use l402_core::Grant;
use tokio::time::Instant;

use super::body::{Deadlines, Lease, ProxyBody, RequestBody};
use super::error::ForwardError;
use super::expect::Hold;
use super::limit::Session;
use super::progress::Progress;
use super::tunnel::{self, Terms};
use super::{BoxError, Shared, fields, location};
use crate::framing::FramingFault;
use crate::method;

impl<B> Shared<B>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// Forwards a request: what is refused or fails has no response yet.
    pub(super) async fn forward(&self, request: Request<B>) -> Result<Response<ProxyBody<B>>, ForwardError> {
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

/// When a grant ends, by a clock that nobody can put back.
fn end_of(grant: &Grant) -> Option<Instant> {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or(Duration::MAX);
    let left = Duration::from_secs(grant.expires_at()?.get()).saturating_sub(now);
    Instant::now().checked_add(left)
}

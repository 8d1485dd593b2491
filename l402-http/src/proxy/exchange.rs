//! One request on one connection to the upstream: a kept one, a new one, or one after the other.

use core::pin::pin;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use http::{Method, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use tokio::time::{Instant, sleep_until, timeout};

use super::body::RequestBody;
use super::connect::{Connected, Connector};
use super::error::ForwardError;
use super::progress::Progress;
use super::sender::Sender;
use super::timeouts::Timeouts;
use super::{BoxError, Shared};

impl<B> Shared<B>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// Sends the request and waits for the head of the response.
    pub(super) async fn exchange(
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
}

/// The right to open a connection that others share.
#[derive(Default)]
pub(super) struct Opening {
    turn: tokio::sync::Mutex<()>,
    /// Whether the upstream has chosen HTTP/2 before.
    has_shared: AtomicBool,
}

impl Opening {
    fn is_shared(&self, connector: &Connector) -> bool {
        connector.is_http2_only() || self.has_shared.load(Ordering::Relaxed)
    }
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

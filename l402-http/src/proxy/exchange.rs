//! One request on one connection to the upstream: a kept one, a new one, or one after the other.
//!
//! Most requests go out on a kept connection before anything is waited for. Their future is small and has one box: what opens
//! connections and sends again lies behind another, which most do not need.

use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, ready};
use std::sync::Arc;

use http::{Method, Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use pin_project_lite::pin_project;
use tokio::time::{Instant, timeout};

use super::body::{ProxyBody, RequestBody};
use super::connect::{Connected, Connector};
use super::deadline::Deadline;
use super::error::ForwardError;
use super::forward::Asked;
use super::sender::{Failed, Sender};
use super::{BoxError, Shared};
use crate::response::Form;

/// A request on its way to a response of the upstream, or of our own.
pub(super) type Forwarded<B> = Pin<Box<dyn Future<Output = Response<ProxyBody<B>>> + Send>>;

/// A response, and the connection that it came on.
type Answered<B> = Result<(Response<Incoming>, Sender<RequestBody<B>>), ForwardError>;

impl<B> Shared<B>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// Sends a request, over a kept connection at once, and makes a response of whatever comes of it.
    pub(super) fn forward(self: &Arc<Self>, request: Request<B>) -> Forwarded<B> {
        let form = Form::without_page(request.headers());
        let shared = Arc::clone(self);
        let (request, asked) = match self.to_upstream(request) {
            Ok(sent) => sent,
            Err(error) => return Box::pin(async move { shared.refuse(error, form) }),
        };
        let kept = if asked.upgrades() { None } else { self.pool.stream(None) };
        let Some(mut sender) = kept.or_else(|| self.pool.take(asked.progress.start())) else {
            return Box::pin(async move {
                let answered = Box::pin(shared.exchange_anew(request, &asked)).await;
                shared.answer(answered, asked, form)
            });
        };
        let copy = self.copy(&request);
        let deadline = Some(sender.deadline(asked.progress.start() + self.timeouts.first_look()));
        let answer = sender.exchange(request);
        let (sender, asked) = (Some(sender), Some(asked));
        Box::pin(Kept { answer, deadline, sender, asked, copy, form, shared, again: None })
    }

    fn answer(&self, answered: Answered<B>, asked: Asked, form: Form) -> Response<ProxyBody<B>> {
        let response = answered.and_then(|(response, sender)| self.to_client(response, sender, asked));
        response.unwrap_or_else(|error| self.refuse(error, form))
    }

    #[cold]
    fn refuse(&self, error: ForwardError, form: Form) -> Response<ProxyBody<B>> {
        error.into_response(form, &self.connector.health)
    }

    /// Sends the request over a new connection, or one of HTTP/2 that another has just opened.
    async fn exchange_anew(&self, request: Request<RequestBody<B>>, asked: &Asked) -> Answered<B> {
        let (mut sender, is_new) = self.open(asked.upgrades(), None).await?;
        let copy = if is_new { None } else { self.copy(&request) };
        let mut failed = match self.exchange_on(&mut sender, request, asked).await? {
            Ok(response) => return Ok((response, sender)),
            Err(failed) => failed,
        };
        drop(sender);
        let unsent = if is_new { None } else { failed.unsent.take() };
        match unsent.or(copy.filter(|_| failed.is_unheard)) {
            Some(again) => self.exchange_again(again, asked).await,
            None => Err(failed.fault()),
        }
    }

    /// Sends a request once more: the upstream had closed the connection, and may have closed others of the same age.
    async fn exchange_again(&self, request: Request<RequestBody<B>>, asked: &Asked) -> Answered<B> {
        let (mut sender, _) = self.open(asked.upgrades(), Some(Instant::now())).await?;
        let response = self.exchange_on(&mut sender, request, asked).await?;
        Ok((response.map_err(Failed::fault)?, sender))
    }

    async fn exchange_on(
        &self,
        sender: &mut Sender<RequestBody<B>>,
        request: Request<RequestBody<B>>,
        asked: &Asked,
    ) -> Result<Result<Response<Incoming>, Failed<RequestBody<B>>>, ForwardError> {
        let mut deadline = sender.deadline(Instant::now() + self.timeouts.first_look());
        let mut answer = pin!(sender.exchange(request));
        let answer = core::future::poll_fn(|context| {
            if let Poll::Ready(answer) = answer.as_mut().poll(context) {
                return Poll::Ready(Ok(answer));
            }
            deadline.poll(context, &asked.progress, &self.timeouts).map(Err)
        });
        let answer = answer.await?;
        sender.keep(Some(deadline));
        Ok(answer.map_err(|error| sender.failed(error)))
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

pin_project! {
    /// A request that was sent over a kept connection, and what comes of it.
    struct Kept<B, F> {
        #[pin]
        answer: F,
        deadline: Option<Deadline>,
        sender: Option<Sender<RequestBody<B>>>,
        asked: Option<Asked>,
        copy: Option<Request<RequestBody<B>>>,
        form: Form,
        shared: Arc<Shared<B>>,
        again: Option<Again<B>>,
    }
}

/// A second attempt, with what it was made for.
type Again<B> = Pin<Box<dyn Future<Output = (Answered<B>, Asked)> + Send>>;

impl<B, F> Future for Kept<B, F>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
    F: Future<Output = Result<Response<Incoming>, TrySendError<Request<RequestBody<B>>>>>,
{
    type Output = Response<ProxyBody<B>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.again.is_none() {
            let answer = match this.answer.poll(context) {
                Poll::Ready(answer) => answer,
                Poll::Pending => {
                    let (Some(deadline), Some(asked)) = (this.deadline, this.asked) else { return Poll::Pending };
                    let fault = ready!(deadline.poll(context, &asked.progress, &this.shared.timeouts));
                    return Poll::Ready(this.shared.refuse(fault, *this.form));
                }
            };
            let (Some(mut sender), Some(asked)) = (this.sender.take(), this.asked.take()) else {
                return Poll::Pending; // it is not polled again after it was ready
            };
            let failed = match answer {
                Ok(response) => {
                    sender.keep(this.deadline.take());
                    return Poll::Ready(this.shared.answer(Ok((response, sender)), asked, *this.form));
                }
                Err(error) => sender.failed(error),
            };
            drop(sender);
            let Some(request) = failed.unsent.or(this.copy.take().filter(|_| failed.is_unheard)) else {
                return Poll::Ready(this.shared.refuse(ForwardError::Exchange(failed.error), *this.form));
            };
            let shared = Arc::clone(this.shared);
            let again = async move { (shared.exchange_again(request, &asked).await, asked) };
            *this.again = Some(Box::pin(again));
        }
        let Some(again) = this.again else { return Poll::Pending };
        let (answered, asked) = ready!(again.as_mut().poll(context));
        Poll::Ready(this.shared.answer(answered, asked, *this.form))
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

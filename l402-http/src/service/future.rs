//! The response of a paid service, on its way.

use crate::response::PaidBody;
use bytes::Bytes;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

/// I/O that was asked of the node; boxed, since it is not on the way of a request that a preimage admits.
pub(super) type Io<T> = Pin<Box<dyn Future<Output = T> + Send>>;

pin_project! {
    /// The future of [`PaidService`](super::PaidService).
    pub struct PaidFuture<S: Service<Request<B>>, B> {
        #[pin]
        state: State<S, B>,
    }
}

pin_project! {
    #[project = Projected]
    enum State<S: Service<Request<B>>, B> {
        Forwarding { #[pin] response: S::Future },
        Settling { settled: Io<Result<(), Response<Bytes>>>, forward: Option<(S, Request<B>)> },
        Charging { response: Io<Response<Bytes>> },
        Answered { response: Option<Response<Bytes>> },
    }
}

impl<S: Service<Request<B>>, B> PaidFuture<S, B> {
    /// The inner service was called.
    pub(super) const fn forwarding(response: S::Future) -> Self {
        Self { state: State::Forwarding { response } }
    }

    /// The inner service, which is ready, is called once the payment is settled.
    pub(super) const fn settling(settled: Io<Result<(), Response<Bytes>>>, inner: S, request: Request<B>) -> Self {
        Self { state: State::Settling { settled, forward: Some((inner, request)) } }
    }

    /// The node is asked for an invoice.
    pub(super) const fn charging(response: Io<Response<Bytes>>) -> Self {
        Self { state: State::Charging { response } }
    }

    /// There is nothing to wait for.
    pub(super) const fn answered(response: Response<Bytes>) -> Self {
        Self { state: State::Answered { response: Some(response) } }
    }
}

impl<S, B, R> Future for PaidFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<PaidBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let own = match state.as_mut().project() {
                Projected::Forwarding { response } => {
                    return response.poll(context).map_ok(|response| response.map(PaidBody::inner));
                }
                Projected::Settling { settled, forward } => {
                    match (ready!(settled.as_mut().poll(context)), forward.take()) {
                        (Ok(()), Some((mut inner, request))) => {
                            let response = inner.call(request);
                            state.set(State::Forwarding { response });
                            continue;
                        }
                        (Ok(()), None) => None,
                        (Err(response), _) => Some(response),
                    }
                }
                Projected::Charging { response } => Some(ready!(response.as_mut().poll(context))),
                Projected::Answered { response } => response.take(),
            };
            let own = own.expect("a future is not polled again after it was ready");
            return Poll::Ready(Ok(own.map(PaidBody::own)));
        }
    }
}

impl<S: Service<Request<B>>, B> fmt::Debug for PaidFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidFuture").finish_non_exhaustive()
    }
}

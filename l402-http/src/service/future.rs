//! The response of a paid service, on its way.

use super::private::keep_private;
use crate::cors::{Sharing, only_cors};
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
    #[project = PaidFutureProjection]
    /// The future of [`PaidService`](super::PaidService).
    pub struct PaidFuture<S: Service<Request<B>>, B> {
        #[pin]
        state: State<S, B>,
        sharing: Sharing,
    }
}

/// What the inner service was called with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Forwarded {
    /// A request that was paid for.
    Paid,
    /// One that costs nothing.
    Free,
    /// A preflight of a call that may cost something.
    Preflight,
}

pin_project! {
    #[project = Projected]
    enum State<S: Service<Request<B>>, B> {
        Forwarding { #[pin] response: S::Future, kind: Forwarded },
        Settling { settled: Io<Result<(), Response<Bytes>>>, forward: Option<(S, Request<B>)> },
        Charging { response: Io<Response<Bytes>> },
        Answered { response: Option<Response<Bytes>> },
    }
}

impl<S: Service<Request<B>>, B> PaidFuture<S, B> {
    /// The inner service was called.
    pub(super) const fn forwarding(response: S::Future, kind: Forwarded) -> Self {
        Self::of(State::Forwarding { response, kind })
    }

    /// The inner service, which is ready, is called once the payment is settled.
    pub(super) const fn settling(settled: Io<Result<(), Response<Bytes>>>, inner: S, request: Request<B>) -> Self {
        Self::of(State::Settling { settled, forward: Some((inner, request)) })
    }

    /// The node is asked for an invoice.
    pub(super) const fn charging(response: Io<Response<Bytes>>) -> Self {
        Self::of(State::Charging { response })
    }

    /// There is nothing to wait for.
    pub(super) const fn answered(response: Response<Bytes>) -> Self {
        Self::of(State::Answered { response: Some(response) })
    }

    /// Says which pages may read the answer, whoever gives it.
    #[must_use]
    pub(super) fn shared_with(mut self, sharing: Sharing) -> Self {
        self.sharing = sharing;
        self
    }

    const fn of(state: State<S, B>) -> Self {
        Self { state, sharing: Sharing::Unsaid }
    }
}

impl<S, B, R> Future for PaidFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<PaidBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let PaidFutureProjection { mut state, sharing } = self.project();
        loop {
            let own = match state.as_mut().project() {
                Projected::Forwarding { response, kind } => {
                    let mut response = ready!(response.poll(context))?;
                    let has_body = passed_on(*kind, &mut response);
                    sharing.write(response.headers_mut());
                    return Poll::Ready(Ok(
                        response.map(|body| if has_body { PaidBody::inner(body) } else { PaidBody::own(Bytes::new()) })
                    ));
                }
                Projected::Settling { settled, forward } => {
                    match (ready!(settled.as_mut().poll(context)), forward.take()) {
                        (Ok(()), Some((mut inner, request))) => {
                            let response = inner.call(request);
                            state.set(State::Forwarding { response, kind: Forwarded::Paid });
                            continue;
                        }
                        (Ok(()), None) => None,
                        (Err(response), _) => Some(response),
                    }
                }
                Projected::Charging { response } => Some(ready!(response.as_mut().poll(context))),
                Projected::Answered { response } => response.take(),
            };
            let mut own = own.expect("a future is not polled again after it was ready");
            sharing.write(own.headers_mut());
            return Poll::Ready(Ok(own.map(PaidBody::own)));
        }
    }
}

/// Changes the head of the inner service's answer, and tells whether its body is passed on.
fn passed_on<R>(kind: Forwarded, response: &mut Response<R>) -> bool {
    match kind {
        Forwarded::Paid => keep_private(response.headers_mut()),
        Forwarded::Free => {}
        Forwarded::Preflight => only_cors(response.headers_mut()),
    }
    !matches!(kind, Forwarded::Preflight)
}

impl<S: Service<Request<B>>, B> fmt::Debug for PaidFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidFuture").finish_non_exhaustive()
    }
}

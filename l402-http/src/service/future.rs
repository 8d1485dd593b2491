//! The response of a paid service, on its way.
//!
//! What is held here is small, because a server moves it with every request: what only a request that waits for the node or for
//! the ledger needs is boxed.

use super::charge::{Charging, Io};
use super::counted::{Begun, Visited, Visiting};
use super::event::{Ended, Forwarded, ForwardedKind, Phase};
use super::forward::pass_on;
use super::head::RequestHead;
use super::kept::Tee;
use super::meter::Metered;
use super::observe::{Ending, Trail};
use super::settle::Unsettled;
use crate::cors::Sharing;
use crate::response::{PaidBody, Rejection};
use bytes::Bytes;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

pin_project! {
    #[project = PaidFutureProjection]
    /// The future of [`PaidService`](super::PaidService).
    pub struct PaidFuture<S: Service<Request<B>>, B> {
        #[pin]
        state: State<S, B>,
        sharing: Sharing,
        ending: Ending,
    }
}

pin_project! {
    /// What is waited for.
    #[project = Projected]
    pub(super) enum State<S: Service<Request<B>>, B> {
        /// The inner service, which was called.
        Forwarding { #[pin] response: S::Future, kind: ForwardedKind },
        /// The node, which looks for the payment. The inner service, which is ready, is called afterwards.
        Settling { settled: Io<Result<(), Unsettled>>, parked: Option<Box<Parked<S, B>>> },
        /// The ledger, and the inner service, which is called once there is a use.
        Counting { visiting: Visiting<S::Response, S::Error> },
        /// The node, which makes an invoice.
        Charging { response: Io<Response<Bytes>> },
        /// Nothing.
        Answered { response: Option<Box<Response<Bytes>>> },
    }
}

/// A request that waits until its payment is known to be settled, ready for the inner service.
pub(super) struct Parked<S, B> {
    pub(super) inner: S,
    pub(super) request: Request<B>,
}

impl<S: Service<Request<B>>, B> State<S, B> {
    pub(super) fn answered(response: Response<Bytes>) -> Self {
        Self::Answered { response: Some(Box::new(response)) }
    }

    pub(super) fn charging(charging: Charging) -> Self {
        match charging {
            Charging::Answered(response) => Self::answered(response),
            Charging::Waiting(response) => Self::Charging { response },
        }
    }

    /// What follows once the node has looked for the payment.
    fn settled(settled: Result<(), Unsettled>, parked: Parked<S, B>) -> Self {
        let Parked { mut inner, request } = parked;
        match settled {
            Ok(()) => Self::Forwarding { response: inner.call(request), kind: ForwardedKind::Paid },
            Err(Unsettled::Answer(response)) => Self::answered(response),
            Err(Unsettled::Charge(charge)) => Self::charging(charge(&RequestHead::of(&request))),
        }
    }
}

impl<S: Service<Request<B>>, B> PaidFuture<S, B> {
    /// Waits. `sharing` says which pages may read the response, wherever it comes from.
    pub(super) const fn new(state: State<S, B>, sharing: Sharing, trail: Trail) -> Self {
        Self { state, sharing, ending: Ending::of(trail) }
    }
}

impl<S, B, R> Future for PaidFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body<Data = Bytes> + Send + Unpin + 'static,
{
    type Output = Result<Response<PaidBody<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let PaidFutureProjection { mut state, sharing, ending } = self.project();
        let mut response = loop {
            let own = match state.as_mut().project() {
                Projected::Forwarding { response, kind } => {
                    let answered = ready!(response.poll(context));
                    break forwarded(*kind, answered, ending)?;
                }
                Projected::Settling { settled, parked } => {
                    let settled = ready!(settled.as_mut().poll(context));
                    let parked = parked.take().expect(POLLED_AGAIN);
                    state.set(State::settled(settled, *parked));
                    continue;
                }
                Projected::Counting { visiting } => match ready!(Pin::new(visiting).poll(context)) {
                    Ok(Visited::Own(response)) => response,
                    Ok(Visited::Inner(mut response, Begun { first, till: Some(till), .. })) => {
                        Metered::<R>::announce(response.headers_mut());
                        break response.map(|body| PaidBody::metered(first, body, till));
                    }
                    Ok(Visited::Inner(response, Begun { first, keep: None, .. })) => {
                        break response.map(|body| PaidBody::begun(first, body));
                    }
                    Ok(Visited::Inner(response, Begun { first, keep: Some(keep), .. })) => {
                        break response.map(|body| PaidBody::along(Box::new(Tee::new(first, body, keep))));
                    }
                    Err(error) => {
                        ending.end(|| Ended { status: None, rejection: None });
                        return Poll::Ready(Err(error));
                    }
                },
                Projected::Charging { response } => ready!(response.as_mut().poll(context)),
                Projected::Answered { response } => *response.take().expect(POLLED_AGAIN),
            };
            break own.map(PaidBody::own);
        };
        sharing.write(response.headers_mut());
        ending.end(|| Ended {
            status: Some(response.status()),
            rejection: response.extensions().get::<Rejection>().copied(),
        });
        Poll::Ready(Ok(response))
    }
}

/// Passes on what the inner service has answered.
#[inline]
fn forwarded<R, E>(
    kind: ForwardedKind,
    answered: Result<Response<R>, E>,
    ending: &mut Ending,
) -> Result<Response<PaidBody<R>>, E> {
    let status = answered.as_ref().ok().map(Response::status);
    ending.trail().tell(|| Phase::Forwarded(Forwarded { kind, status }));
    let mut response = match answered {
        Ok(response) => response,
        Err(error) => {
            ending.end(|| Ended { status: None, rejection: None });
            return Err(error);
        }
    };
    let has_body = pass_on(kind, &mut response);
    Ok(response.map(|body| if has_body { PaidBody::inner(body) } else { PaidBody::own(Bytes::new()) }))
}

const POLLED_AGAIN: &str = "a future is not polled again after it was ready";

impl<S: Service<Request<B>>, B> fmt::Debug for PaidFuture<S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaidFuture").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;
    use core::future::Ready;

    /// An inner service whose future is as small as one can be.
    struct Inner;

    impl Service<Request<[u8; 512]>> for Inner {
        type Response = Response<()>;
        type Error = Infallible;
        type Future = Pin<Box<Ready<Result<Response<()>, Infallible>>>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<[u8; 512]>) -> Self::Future {
            Box::pin(core::future::ready(Ok(Response::new(()))))
        }
    }

    #[test]
    fn the_future_holds_neither_a_request_nor_a_response_of_ours() {
        assert!(size_of::<PaidFuture<Inner, [u8; 512]>>() <= 96);
    }
}

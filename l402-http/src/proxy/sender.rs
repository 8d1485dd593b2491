//! One connection to the upstream, as the exchange on it sees it: of HTTP/1.1, for one exchange at a time, or of HTTP/2.

use core::pin::Pin;
use core::task::{Context, Poll};

use http::uri::Scheme;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use pin_project_lite::pin_project;
use tokio::time::Instant;

use super::BoxError;
use super::deadline::Deadline;
use super::error::ForwardError;
use super::expect::Hold;
use super::streams::{Connection, Stream};
use super::version::{for_http1, for_http2};
use super::wire::Heard;

/// What a request is sent through.
pub(super) enum Sender<B> {
    /// HTTP/1.1.
    One(One<B>),
    /// A stream of HTTP/2.
    Many { send: http2::SendRequest<B>, stream: Stream, scheme: Scheme },
}

/// A connection of HTTP/1.1.
pub(super) struct One<B> {
    send: http1::SendRequest<B>,
    heard: Heard,
    /// How many bytes had come when the last request was sent.
    before: u64,
    deadline: Option<Deadline>,
}

impl<B> Sender<B> {
    /// Takes a connection of HTTP/1.1.
    pub(super) fn one(send: http1::SendRequest<B>, heard: Heard) -> Self {
        Self::One(One { send, heard, before: 0, deadline: None })
    }

    /// Takes a stream of a connection that is shared.
    pub(super) fn of(connection: &Connection<B>) -> Option<Self> {
        let stream = connection.stream()?;
        Some(Self::Many { send: connection.send.clone(), stream, scheme: connection.scheme.clone() })
    }

    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::One(One { send, .. }) => send.is_closed(),
            Self::Many { send, .. } => send.is_closed(),
        }
    }

    /// Whether a request can be sent at once.
    pub(super) fn is_ready(&self) -> bool {
        match self {
            Self::One(One { send, .. }) => send.is_ready(),
            Self::Many { send, .. } => send.is_ready(),
        }
    }

    /// Returns the timer for the next exchange.
    pub(super) fn deadline(&mut self, at: Instant) -> Deadline {
        let kept = if let Self::One(One { deadline, .. }) = self { deadline.take() } else { None };
        match kept {
            Some(mut kept) => {
                kept.put_off(at);
                kept
            }
            None => Deadline::new(at),
        }
    }

    /// Keeps the timer for another exchange.
    pub(super) fn keep(&mut self, timer: Option<Deadline>) {
        if let Self::One(One { deadline, .. }) = self {
            *deadline = timer;
        }
    }

    /// Finds out what it means that there was no response.
    pub(super) fn failed(&self, mut error: TrySendError<Request<B>>) -> Failed<B> {
        let unsent = error.take_message();
        let error = error.into_error();
        let is_untouched = unsent.is_some() || is_unprocessed(&error);
        let is_unheard = match self {
            Self::One(One { heard, before, .. }) => heard.bytes() == *before,
            Self::Many { stream, .. } => {
                let is_unheard = stream.is_cut() || is_untouched;
                if is_unheard {
                    stream.condemn(); // no other request is to find out the same
                }
                is_unheard
            }
        };
        Failed { error, unsent, is_untouched, is_unheard }
    }
}

impl<B> Sender<B>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    /// Sends a request; the future waits for the head of the response.
    pub(super) fn exchange(
        &mut self,
        mut request: Request<B>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<B>>>> + Send + use<B> {
        match self {
            Self::One(One { send, heard, before, .. }) => {
                for_http1(&mut request);
                Hold::ask(&mut request);
                *before = heard.bytes();
                Answer::One { answer: send.try_send_request(request) }
            }
            Self::Many { send, scheme, .. } => {
                for_http2(&mut request, scheme);
                Hold::skip(&mut request);
                Answer::Many { answer: send.try_send_request(request) }
            }
        }
    }
}

pin_project! {
    #[project = Projected]
    enum Answer<A, C> {
        One { #[pin] answer: A },
        Many { #[pin] answer: C },
    }
}

impl<A: Future, C: Future<Output = A::Output>> Future for Answer<A, C> {
    type Output = A::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<A::Output> {
        match self.project() {
            Projected::One { answer } => answer.poll(context),
            Projected::Many { answer } => answer.poll(context),
        }
    }
}

/// Why there is no response.
pub(super) struct Failed<B> {
    pub(super) error: hyper::Error,
    /// The request, if nothing of it was sent.
    pub(super) unsent: Option<Request<B>>,
    /// Whether nothing of it was sent, or the upstream says that it has not touched it.
    is_untouched: bool,
    /// Whether the connection closed before anything of an answer came.
    pub(super) is_unheard: bool,
}

impl<B> Failed<B> {
    /// The end of it, where it is not sent again.
    pub(super) fn fault(self) -> ForwardError {
        if self.is_untouched { ForwardError::Unsent(self.error) } else { ForwardError::Exchange(self.error) }
    }
}

/// Whether the upstream says that it has not touched the request (RFC 9113 §8.7).
fn is_unprocessed(error: &hyper::Error) -> bool {
    let cause = core::error::Error::source(error).and_then(|cause| cause.downcast_ref::<h2::Error>());
    cause.is_some_and(|cause| {
        cause.is_remote() && (cause.is_go_away() || cause.reason() == Some(h2::Reason::REFUSED_STREAM))
    })
}

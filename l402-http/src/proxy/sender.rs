//! One connection to the upstream, as the exchange on it sees it: of HTTP/1.1, for one exchange at a time, or of HTTP/2.

use http::uri::Scheme;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};

use super::BoxError;
use super::expect::Hold;
use super::streams::{Connection, Stream};
use super::version::{for_http1, for_http2};
use super::wire::Heard;

/// What a request is sent through.
pub(super) enum Sender<B> {
    /// HTTP/1.1.
    One { send: http1::SendRequest<B>, heard: Heard },
    /// A stream of HTTP/2.
    Many { send: http2::SendRequest<B>, stream: Stream, scheme: Scheme },
}

impl<B> Sender<B> {
    /// Takes a stream of a connection that is shared.
    pub(super) fn of(connection: &Connection<B>) -> Option<Self> {
        let stream = connection.stream()?;
        Some(Self::Many { send: connection.send.clone(), stream, scheme: connection.scheme.clone() })
    }

    pub(super) fn is_closed(&self) -> bool {
        match self {
            Self::One { send, .. } => send.is_closed(),
            Self::Many { send, .. } => send.is_closed(),
        }
    }

    /// Whether a request can be sent at once.
    pub(super) fn is_ready(&self) -> bool {
        match self {
            Self::One { send, .. } => send.is_ready(),
            Self::Many { send, .. } => send.is_ready(),
        }
    }
}

impl<B> Sender<B>
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    /// Sends a request, and waits for the head of the response.
    pub(super) async fn exchange(&mut self, mut request: Request<B>) -> Result<Response<Incoming>, Box<Failed<B>>> {
        match self {
            Self::One { send, heard } => {
                for_http1(&mut request);
                Hold::ask(&mut request);
                let before = heard.bytes();
                send.try_send_request(request).await.map_err(|mut failed| {
                    let unsent = failed.take_message();
                    Box::new(Failed { error: failed.into_error(), unsent, is_unheard: heard.bytes() == before })
                })
            }
            Self::Many { send, stream, scheme } => {
                for_http2(&mut request, scheme);
                Hold::skip(&mut request);
                send.try_send_request(request).await.map_err(|mut failed| {
                    let unsent = failed.take_message();
                    let error = failed.into_error();
                    let is_unheard = stream.is_cut() || is_unprocessed(&error);
                    if is_unheard || unsent.is_some() {
                        stream.condemn(); // no other request is to find out the same
                    }
                    Box::new(Failed { error, unsent, is_unheard })
                })
            }
        }
    }
}

/// Why there is no response.
pub(super) struct Failed<B> {
    pub(super) error: hyper::Error,
    /// The request, if nothing of it was sent.
    pub(super) unsent: Option<Request<B>>,
    /// Whether the connection closed before anything of an answer came.
    pub(super) is_unheard: bool,
}

/// Whether the upstream says that it has not touched the request (RFC 9113 §8.7).
fn is_unprocessed(error: &hyper::Error) -> bool {
    let cause = core::error::Error::source(error).and_then(|cause| cause.downcast_ref::<h2::Error>());
    cause.is_some_and(|cause| {
        cause.is_remote() && (cause.is_go_away() || cause.reason() == Some(h2::Reason::REFUSED_STREAM))
    })
}

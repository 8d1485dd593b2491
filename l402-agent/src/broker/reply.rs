//! What goes back to who asked.

use super::door::Inside;
use super::wire;
use crate::errand::{ErrandError, FetchBody, Fetched};
use bytes::Bytes;
use core::pin::Pin;
use core::task::{Context, Poll};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TE, TRAILER};
use http::{Response, StatusCode};
use http_body::{Body, Frame};
use serde::Serialize;

/// A line, then what follows it.
#[derive(Debug)]
pub(super) struct Reply {
    start: Option<Bytes>,
    rest: Option<FetchBody>,
    /// Whether an error is told in a trailer. Who does not ask for that must see the body break off.
    has_trailer: bool,
    /// It counts as long as its body is under way.
    _inside: Option<Inside<i64>>,
}

impl Reply {
    /// Counts until the body was passed on.
    pub(super) fn holding(self, inside: Inside<i64>) -> Self {
        Self { _inside: Some(inside), ..self }
    }

    /// Answers in JSON.
    pub(super) fn json(value: &impl Serialize) -> Response<Self> {
        Self::line(StatusCode::OK, wire::line(value))
    }

    /// Says why not.
    pub(super) fn fault(fault: &ErrandError) -> Response<Self> {
        Self::line(wire::status(fault.reason), wire::line(fault))
    }

    /// Passes on what was fetched.
    pub(super) fn fetched(fetched: Fetched, request: &HeaderMap) -> Response<Self> {
        let has_trailer = request.get_all(TE).iter().any(|value| value == "trailers");
        let Fetched { head, body } = fetched;
        let mut response =
            Response::new(Self { start: Some(wire::line(&head)), rest: Some(body), has_trailer, _inside: None });
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        if has_trailer {
            response.headers_mut().insert(TRAILER, wire::FAULT.into());
        }
        response
    }

    fn line(status: StatusCode, line: Bytes) -> Response<Self> {
        let mut response = Response::new(Self { start: Some(line), rest: None, has_trailer: false, _inside: None });
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = ErrandError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ErrandError>>> {
        let reply = self.get_mut();
        if let Some(start) = reply.start.take() {
            return Poll::Ready(Some(Ok(Frame::data(start))));
        }
        let Some(rest) = &mut reply.rest else { return Poll::Ready(None) };
        let frame = core::task::ready!(Pin::new(rest).poll_frame(cx));
        Poll::Ready(match frame {
            Some(Ok(frame)) if frame.is_data() => Some(Ok(frame)),
            Some(Err(fault)) if reply.has_trailer => {
                reply.rest = None;
                Some(Ok(Frame::trailers(trailer(&fault))))
            }
            Some(Ok(_)) | None => {
                reply.rest = None;
                None
            }
            fault => fault,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.start.is_none() && self.rest.is_none()
    }
}

fn trailer(fault: &ErrandError) -> HeaderMap {
    let text = serde_json::to_string(fault).unwrap_or_default();
    let value = HeaderValue::from_bytes(text.as_bytes()).unwrap_or(HeaderValue::from_static("{}"));
    HeaderMap::from_iter([(wire::FAULT, value)])
}

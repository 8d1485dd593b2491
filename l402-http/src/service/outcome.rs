//! `outcome`: from what the inner service answered to what that means for the use.
//!
//! 1. A layer below may know more than the status tells, and says it with an [`Attempted`] among the response's extensions, as
//!    the reverse proxy does. Without one the status counts.
//! 2. A redirect to a path costs nothing: the client comes again. One that names an origin counts as an answer, since only the
//!    client says which origin it asked, and could name that of what it wants for nothing. The proxy makes paths of the redirects to
//!    the upstream's own origin.
//! 3. A gRPC response is judged by its first message or its trailers, which are waited for, and passed on untouched.

use crate::response::Rejection;
use bytes::Bytes;
use core::future::poll_fn;
use core::pin::Pin;
use http::header::{CONTENT_TYPE, HeaderMap, LOCATION};
use http::{Response, StatusCode};
use http_body::{Body, Frame};
use l402_core::ledger::Attempted;

/// What the inner service answered, and what it means.
pub(super) struct Outcome<R, E> {
    pub(super) attempted: Attempted,
    pub(super) answer: Result<Answer<R>, E>,
}

/// A response, and the first frame of its body where that was waited for.
pub(super) struct Answer<R> {
    pub(super) response: Response<R>,
    pub(super) first: Option<Frame<Bytes>>,
    /// Whether the body broke off before its first frame.
    pub(super) is_broken: bool,
}

/// Judges what the inner service answered.
pub(super) async fn outcome<R, E>(answered: Result<Response<R>, E>) -> Outcome<R, E>
where
    R: Body<Data = Bytes> + Unpin,
{
    let mut response = match answered {
        Ok(response) => response,
        Err(error) => return Outcome { attempted: Attempted::Unanswered, answer: Err(error) },
    };
    if let Some(attempted) = of_head(&response) {
        return Outcome { attempted, answer: Ok(Answer { response, first: None, is_broken: false }) };
    }
    let first = first_frame(response.body_mut()).await;
    let (attempted, first, is_broken) = match first {
        None => (Attempted::GrpcStatus(grpc_status(response.headers()).unwrap_or(UNKNOWN)), None, false),
        Some(Err(())) => (Attempted::Unanswered, None, true),
        Some(Ok(frame)) => (of_frame(&frame), Some(frame), false),
    };
    Outcome { attempted, answer: Ok(Answer { response, first, is_broken }) }
}

/// Returns [`None`] where the head does not say enough.
fn of_head<R: Body>(response: &Response<R>) -> Option<Attempted> {
    if let Some(attempted) = response.extensions().get::<Attempted>() {
        return Some(*attempted);
    }
    if let Some(Rejection { status, .. }) = response.extensions().get::<Rejection>() {
        return Some(Attempted::Answered(status.as_u16()));
    }
    let (status, fields) = (response.status(), response.headers());
    if status == StatusCode::OK && is_grpc(fields) {
        let is_all = response.body().is_end_stream(); // a message behind it counts, whatever the head says
        return grpc_status(fields).filter(|_| is_all).map(Attempted::GrpcStatus);
    }
    let is_here = leads_on(status) && redirects_to_a_path(fields);
    Some(if is_here { Attempted::RedirectedHere } else { Attempted::Answered(status.as_u16()) })
}

/// The first frame that says something.
async fn first_frame<R: Body<Data = Bytes> + Unpin>(body: &mut R) -> Option<Result<Frame<Bytes>, ()>> {
    loop {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await?;
        match frame {
            Ok(frame) if frame.data_ref().is_some_and(Bytes::is_empty) => {}
            Ok(frame) => return Some(Ok(frame)),
            Err(_) => return Some(Err(())),
        }
    }
}

fn of_frame(frame: &Frame<Bytes>) -> Attempted {
    match frame.trailers_ref() {
        Some(trailers) => Attempted::GrpcStatus(grpc_status(trailers).unwrap_or(UNKNOWN)),
        None => Attempted::GrpcMessage,
    }
}

fn is_grpc(fields: &HeaderMap) -> bool {
    fields.get(CONTENT_TYPE).is_some_and(|value| crate::response::is_grpc(value.as_bytes()))
}

/// What `grpc-status` says; a value that is no number is unknown.
fn grpc_status(fields: &HeaderMap) -> Option<u32> {
    let status = fields.get("grpc-status")?;
    Some(status.to_str().ok().and_then(|status| status.parse().ok()).unwrap_or(UNKNOWN))
}

/// Whether a client goes where `Location` says (RFC 9110 §15.4).
fn leads_on(status: StatusCode) -> bool {
    matches!(status.as_u16(), 300..=303 | 307 | 308)
}

/// Whether `Location` names neither a scheme nor an authority.
fn redirects_to_a_path(fields: &HeaderMap) -> bool {
    let location = fields.get(LOCATION).and_then(|location| location.to_str().ok());
    location.is_some_and(|location| {
        let start = location.split(['/', '?', '#']).next();
        !location.starts_with("//") && start.is_none_or(|start| !start.contains(':'))
    })
}

/// The status of gRPC where there is none.
const UNKNOWN: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::combinators::BoxBody;
    use http_body_util::{BodyExt, Empty, Full, StreamBody};

    type Frames = Vec<Result<Frame<Bytes>, &'static str>>;

    fn grpc(frames: Frames) -> Response<BoxBody<Bytes, &'static str>> {
        let body = BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames)));
        Response::builder().header(CONTENT_TYPE, "application/grpc+proto").body(body).unwrap()
    }

    fn trailers(status: &'static str) -> Frame<Bytes> {
        Frame::trailers(HeaderMap::from_iter([("grpc-status".parse().unwrap(), status.parse().unwrap())]))
    }

    #[tokio::test]
    async fn s2_a_grpc_response_is_judged_by_its_first_message_or_its_trailers() {
        let message = || Frame::data(Bytes::from_static(b"\0\0\0\0\0"));
        for (frames, expected) in [
            (vec![Ok(Frame::data(Bytes::new())), Ok(message()), Ok(trailers("13"))], Attempted::GrpcMessage),
            (vec![Ok(trailers("0"))], Attempted::GrpcStatus(0)),
            (vec![Ok(trailers("14"))], Attempted::GrpcStatus(14)),
            (vec![Ok(trailers("x"))], Attempted::GrpcStatus(2)),
            (vec![], Attempted::GrpcStatus(2)),
            (vec![Err("broken")], Attempted::Unanswered),
        ] {
            let count = frames.len();
            let Outcome { attempted, answer } = outcome(Ok::<_, ()>(grpc(frames))).await;
            assert_eq!(attempted, expected);
            let answer = answer.unwrap();
            assert_eq!(answer.is_broken, expected == Attempted::Unanswered);
            assert_eq!(answer.first.is_some(), count > 0 && !answer.is_broken, "what was read is passed on");
        }
        let mut only: Response<Empty<Bytes>> = Response::default();
        only.headers_mut().insert(CONTENT_TYPE, "application/grpc".parse().unwrap());
        only.headers_mut().insert("grpc-status", "5".parse().unwrap());
        assert_eq!(outcome(Ok::<_, ()>(only)).await.attempted, Attempted::GrpcStatus(5));
        for (frames, expected) in [(vec![Ok(message())], Attempted::GrpcMessage), (vec![], Attempted::GrpcStatus(14))] {
            let mut early = grpc(frames);
            early.headers_mut().insert("grpc-status", "14".parse().unwrap());
            assert_eq!(outcome(Ok::<_, ()>(early)).await.attempted, expected, "a status in the head of a body");
        }
    }

    #[tokio::test]
    async fn s2_a_redirect_to_a_path_is_told_apart() {
        for (status, location, is_here) in [
            (302, "/login?x=http://a:1", true),
            (302, "login", true),
            (308, "?page=2", true),
            (303, "http://shop.example/login", false),
            (301, "https://Shop.Example:443/login#top", false),
            (307, "//shop.example/login", false),
            (302, "http://shop.example:8080/login", false),
            (302, "https://other.example/login", false),
            (302, "//other.example", false),
            (302, "mailto:someone", false),
            (201, "/made/1", false),
            (304, "/", false),
        ] {
            let response = Response::builder().status(status).header(LOCATION, location).body(Full::new(Bytes::new()));
            let Outcome { attempted, answer } = outcome(Ok::<_, ()>(response.unwrap())).await;
            let expected = if is_here { Attempted::RedirectedHere } else { Attempted::Answered(status) };
            assert_eq!(attempted, expected, "{status} {location}");
            assert!(answer.unwrap().response.into_body().collect().await.is_ok());
        }
    }
}

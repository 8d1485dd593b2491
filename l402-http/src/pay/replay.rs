//! Bodies that can be sent again after the payment.

use super::RequestError;
use bytes::{Bytes, BytesMut};
use core::convert::Infallible;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use l402_lightning::Cause;
use std::sync::Arc;

/// Makes a request's body once more, for bodies that lie somewhere and need not be kept in memory to be sent again.
///
/// Where one is among a request's extensions, its body is sent as it comes, and the repetition after a payment sends what this
/// makes. An error means that it is not the same body any more; it is asked for before anything is paid.
///
/// ```
/// use http::Request;
/// use http_body_util::Full;
/// use l402_http::pay::Replay;
///
/// let text = bytes::Bytes::from("shared, never copied");
/// let replay = Replay::new(move || Ok(Full::new(text.clone())));
/// let body = replay.body().unwrap();
/// let request = Request::post("https://api.example/").extension(replay).body(body)?;
/// # Ok::<(), http::Error>(())
/// ```
pub struct Replay<B>(Arc<Make<B>>);

type Make<B> = dyn Fn() -> Result<B, Cause> + Send + Sync;

impl<B> Replay<B> {
    /// Takes what makes the body.
    pub fn new(make: impl Fn() -> Result<B, Cause> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    /// Makes the body.
    ///
    /// # Errors
    /// Why the body is not there any more, or is another one.
    pub fn body(&self) -> Result<B, Cause> {
        (self.0)()
    }
}

impl<B> Clone for Replay<B> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<B> fmt::Debug for Replay<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay").finish_non_exhaustive()
    }
}

/// The body of a request that may have to be sent twice.
///
/// One that ends within the limit is kept and can be repeated. A longer one is passed on as it comes, and cannot be.
#[derive(Debug)]
pub struct ReplayBody<B> {
    start: Bytes,
    rest: Option<Pin<Box<B>>>,
    trailers: Option<HeaderMap>,
    /// What makes the body again; then nothing is kept of it.
    replay: Option<Replay<B>>,
}

impl<B: Body<Data = Bytes>> ReplayBody<B> {
    /// Reads a body to its end, or until more than `limit` bytes have come.
    ///
    /// # Errors
    /// That of the body.
    pub(super) async fn read(body: B, limit: usize) -> Result<Self, B::Error> {
        let mut body = Box::pin(body);
        let mut start = BytesMut::new();
        let is_long = |length: usize, body: &B| length as u64 + body.size_hint().lower() > limit as u64;
        while !is_long(start.len(), &body) {
            match body.frame().await.transpose()?.map(Frame::into_data) {
                Some(Ok(data)) => start.extend_from_slice(&data),
                Some(Err(last)) => {
                    return Ok(Self::kept(start.freeze(), last.into_trailers().ok()));
                }
                None => return Ok(Self::kept(start.freeze(), None)),
            }
        }
        Ok(Self { start: start.freeze(), rest: Some(body), trailers: None, replay: None })
    }

    /// Begins with a body: one that can be made again is sent as it comes, any other is read as [`ReplayBody::read`] does.
    ///
    /// # Errors
    /// That of the body.
    pub(super) async fn first(body: B, limit: usize, replay: Option<Replay<B>>) -> Result<Self, B::Error> {
        if replay.is_none() {
            return Self::read(body, limit).await;
        }
        Ok(Self { start: Bytes::new(), rest: Some(Box::pin(body)), trailers: None, replay })
    }

    /// Returns the same body once more; [`None`] if it is too long for that.
    pub(super) fn again(&self) -> Option<Again<B>> {
        let same = || Self::kept(self.start.clone(), self.trailers.clone());
        self.replay.clone().map(Again::Made).or_else(|| self.rest.is_none().then(same).map(Again::Kept))
    }

    /// Returns the same body once more, for an HTTP client that repeats a request by itself; [`None`] if it is too long for that, or
    /// another one by now.
    pub fn once_more(&self) -> Option<Self> {
        Again::body::<Infallible>(self.again(), 0).ok()
    }

    fn kept(start: Bytes, trailers: Option<HeaderMap>) -> Self {
        Self { start, rest: None, trailers, replay: None }
    }
}

/// A body to be sent once more.
pub(super) enum Again<B> {
    /// It was kept.
    Kept(ReplayBody<B>),
    /// It is made when it is needed.
    Made(Replay<B>),
}

impl<B> Again<B> {
    /// Returns the body; `limit` is how many bytes could be kept.
    ///
    /// # Errors
    /// [`RequestError::BodyTooLong`] where there is none, [`RequestError::Body`] where it is another one by now.
    pub(super) fn body<E>(again: Option<Self>, limit: usize) -> Result<ReplayBody<B>, RequestError<E>> {
        match again.ok_or(RequestError::BodyTooLong { limit })? {
            Self::Kept(body) => Ok(body),
            Self::Made(replay) => {
                let body = replay.body().map_err(RequestError::Body)?;
                Ok(ReplayBody { start: Bytes::new(), rest: Some(Box::pin(body)), trailers: None, replay: Some(replay) })
            }
        }
    }
}

impl<B: Body<Data = Bytes>> Body for ReplayBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let body = self.get_mut();
        if !body.start.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(core::mem::take(&mut body.start)))));
        }
        match &mut body.rest {
            Some(rest) => rest.as_mut().poll_frame(context),
            None => Poll::Ready(body.trailers.take().map(|trailers| Ok(Frame::trailers(trailers)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        let rest_ended = self.rest.as_ref().is_none_or(Body::is_end_stream);
        self.start.is_empty() && self.trailers.is_none() && rest_ended
    }

    fn size_hint(&self) -> SizeHint {
        let start = self.start.len() as u64;
        let Some(rest) = &self.rest else { return SizeHint::with_exact(start) };
        let mut hint = rest.size_hint();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper.saturating_add(start));
        }
        hint.set_lower(hint.lower().saturating_add(start));
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{Full, StreamBody};

    async fn collect(body: impl Body<Data = Bytes, Error = Infallible>) -> (Bytes, Option<HeaderMap>) {
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned();
        (collected.to_bytes(), trailers)
    }

    fn again<B: Body<Data = Bytes, Error = Infallible>>(body: &ReplayBody<B>) -> ReplayBody<B> {
        Again::body::<Infallible>(body.again(), 0).unwrap()
    }

    #[tokio::test]
    async fn a_short_body_is_sent_again() {
        for text in ["", "x", "12345678"] {
            let body = ReplayBody::read(Full::from(text), 8).await.unwrap();
            assert_eq!(body.size_hint().exact(), Some(text.len() as u64));
            assert_eq!(collect(again(&body)).await.0, text);
            assert_eq!(collect(body).await.0, text);
        }
    }

    #[tokio::test]
    async fn a_long_body_passes_once() {
        let body = ReplayBody::read(Full::from("123456789"), 8).await.unwrap();
        assert!(body.again().is_none());
        assert_eq!(body.size_hint().exact(), Some(9));
        assert_eq!(collect(body).await.0, "123456789");
    }

    fn frames(frames: Vec<Frame<Bytes>>) -> impl Body<Data = Bytes, Error = Infallible> {
        StreamBody::new(futures_util::stream::iter(frames.into_iter().map(Ok)))
    }

    #[tokio::test]
    async fn a_body_of_unknown_length_is_long_when_it_proves_to_be() {
        let pieces = || vec![Frame::data(Bytes::from("12345")), Frame::data(Bytes::from("6789"))];
        let body = ReplayBody::read(frames(pieces()), 9).await.unwrap();
        assert_eq!(collect(again(&body)).await.0, "123456789");

        let body = ReplayBody::read(frames(pieces()), 4).await.unwrap();
        assert!(body.again().is_none());
        assert_eq!(collect(body).await.0, "123456789");
    }

    #[tokio::test]
    async fn trailers_are_sent_again() {
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "42".parse().unwrap())]);
        let pieces = vec![Frame::data(Bytes::from("1")), Frame::trailers(trailers.clone())];
        let body = ReplayBody::read(frames(pieces), 9).await.unwrap();
        assert_eq!(collect(again(&body)).await, (Bytes::from("1"), Some(trailers)));
    }
}

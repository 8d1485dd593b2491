//! Bodies that can be sent again after the payment.

use bytes::{Bytes, BytesMut};
use core::pin::Pin;
use core::task::{Context, Poll};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

/// The body of a request that may have to be sent twice.
///
/// One that ends within the limit is kept and can be repeated. A longer one is passed on as it comes, and cannot be.
#[derive(Debug)]
pub struct ReplayBody<B> {
    start: Bytes,
    rest: Option<Pin<Box<B>>>,
    trailers: Option<HeaderMap>,
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
                    return Ok(Self { start: start.freeze(), rest: None, trailers: last.into_trailers().ok() });
                }
                None => return Ok(Self { start: start.freeze(), rest: None, trailers: None }),
            }
        }
        Ok(Self { start: start.freeze(), rest: Some(body), trailers: None })
    }

    /// Returns the same body once more; [`None`] if it is too long for that.
    pub(super) fn again(&self) -> Option<Self> {
        let same = || Self { start: self.start.clone(), rest: None, trailers: self.trailers.clone() };
        self.rest.is_none().then(same)
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
    use core::convert::Infallible;
    use http_body_util::{Full, StreamBody};

    async fn collect(body: impl Body<Data = Bytes, Error = Infallible>) -> (Bytes, Option<HeaderMap>) {
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned();
        (collected.to_bytes(), trailers)
    }

    #[tokio::test]
    async fn a_short_body_is_sent_again() {
        for text in ["", "x", "12345678"] {
            let body = ReplayBody::read(Full::from(text), 8).await.unwrap();
            assert_eq!(body.size_hint().exact(), Some(text.len() as u64));
            assert_eq!(collect(body.again().unwrap()).await.0, text);
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
        assert_eq!(collect(body.again().unwrap()).await.0, "123456789");

        let body = ReplayBody::read(frames(pieces()), 4).await.unwrap();
        assert!(body.again().is_none());
        assert_eq!(collect(body).await.0, "123456789");
    }

    #[tokio::test]
    async fn trailers_are_sent_again() {
        let trailers = HeaderMap::from_iter([("x-sum".parse().unwrap(), "42".parse().unwrap())]);
        let pieces = vec![Frame::data(Bytes::from("1")), Frame::trailers(trailers.clone())];
        let body = ReplayBody::read(frames(pieces), 9).await.unwrap();
        assert_eq!(collect(body.again().unwrap()).await, (Bytes::from("1"), Some(trailers)));
    }
}

//! A request's body that is read before the request goes to the upstream, and is given to it all the same.
//!
//! 1. At most a megabyte is read and kept. What is longer, or does not come in time, has no hash; what was read goes on with the rest.
//! 2. It is read only after the verdict, because [`BodyDigest`] is asked then: an unpaid body costs no memory.

use bytes::Bytes;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use http::Request;
use http::header::EXPECT;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use l402_http::service::{BodyDigest, Digested};
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::timeout;

use super::activity::Activity;

/// Tells whether the hash of a request's body may be asked for. A client that waits to be asked for its body is asked for it when
/// the upstream is, and not before. With an `Idempotency-Key` nobody needs the hash: a body that says how long it is is read all the same, so
/// that it takes no use where it breaks off; one that does not may be a stream, and is not held up.
pub(super) fn may_be_hashed<B: Body>(request: &Request<B>) -> bool {
    let (fields, body) = (request.headers(), request.body());
    !body.is_end_stream()
        && body.size_hint().lower() <= LONGEST
        && (!fields.contains_key("idempotency-key") || body.size_hint().exact().is_some())
        && !fields.contains_key(EXPECT)
}

/// A body of which some may have been read.
#[derive(Debug)]
pub(super) struct Reread<B = Incoming>(Arc<Mutex<State<B>>>);

#[derive(Debug)]
struct State<B> {
    rest: Option<B>,
    /// What was read and is still to be given.
    read: VecDeque<Frame<Bytes>>,
    bytes: u64,
    /// Why there is no more.
    fault: Option<hyper::Error>,
}

impl<B: Body<Data = Bytes, Error = hyper::Error> + Send + Unpin + 'static> Reread<B> {
    pub(super) fn new(body: B) -> Self {
        Self(Arc::new(Mutex::new(State { rest: Some(body), read: VecDeque::new(), bytes: 0, fault: None })))
    }

    /// Finds the hash when it is asked for, within a time.
    pub(super) fn digest(&self, activity: Arc<Activity>, within: Duration) -> BodyDigest {
        let state = Arc::clone(&self.0);
        BodyDigest::new(move || {
            let (this, activity) = (Self(Arc::clone(&state)), Arc::clone(&activity));
            Box::pin(async move {
                let digested = timeout(within, this.read_all()).await.unwrap_or(Digested::Unknown);
                if matches!(digested, Digested::Sha256(_)) {
                    activity.unread(false);
                }
                digested
            })
        })
    }

    async fn read_all(&self) -> Digested {
        let mut hash = Sha256::new();
        loop {
            match poll_fn(|context| self.poll_read(context)).await {
                Read::Data(data) => hash.update(&data),
                Read::End => return Digested::Sha256(hash.finalize().into()),
                Read::Unknown => return Digested::Unknown,
                Read::Aborted => return Digested::Aborted,
            }
        }
    }

    /// Reads a frame and keeps it.
    fn poll_read(&self, context: &mut Context<'_>) -> Poll<Read> {
        let mut state = self.lock();
        if state.bytes > LONGEST {
            return Poll::Ready(Read::Unknown);
        }
        let Some(rest) = &mut state.rest else { return Poll::Ready(Read::Unknown) };
        match ready!(Pin::new(rest).poll_frame(context)) {
            None => {
                state.rest = None;
                Poll::Ready(Read::End)
            }
            Some(Err(fault)) => {
                state.fault = Some(fault);
                Poll::Ready(Read::Aborted)
            }
            Some(Ok(frame)) => {
                let data = frame.data_ref().cloned().unwrap_or_default();
                state.bytes = state.bytes.saturating_add(data.len() as u64);
                state.read.push_back(frame);
                Poll::Ready(Read::Data(data))
            }
        }
    }
}

/// What was read.
enum Read {
    Data(Bytes),
    End,
    /// There is no hash.
    Unknown,
    /// The client broke it off.
    Aborted,
}

impl<B: Body<Data = Bytes, Error = hyper::Error> + Unpin> Reread<B> {
    /// Gives a frame, first of those that were read.
    pub(super) fn poll_frame(&self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut state = self.lock();
        if let Some(frame) = state.read.pop_front() {
            return Poll::Ready(Some(Ok(frame)));
        }
        if let Some(fault) = state.fault.take() {
            return Poll::Ready(Some(Err(fault)));
        }
        match &mut state.rest {
            Some(rest) => Pin::new(rest).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    pub(super) fn is_end_stream(&self) -> bool {
        let state = self.lock();
        state.read.is_empty() && state.fault.is_none() && state.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        let state = self.lock();
        let read = state.read.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum::<u64>();
        let mut size = state.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        if let Some(upper) = size.upper() {
            size.set_upper(upper.saturating_add(read));
        }
        size.set_lower(size.lower().saturating_add(read));
        size
    }

    /// Takes what was not read.
    pub(super) fn take_rest(&self) -> Option<B> {
        self.lock().rest.take()
    }
}

impl<B> Reread<B> {
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The longest body that has a hash, in bytes.
const LONGEST: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;
    use http::HeaderMap;
    use http_body_util::{BodyExt, Full, StreamBody};

    fn whole(bytes: &'static [u8]) -> impl Body<Data = Bytes, Error = hyper::Error> + Send + Unpin + 'static {
        Full::new(Bytes::from_static(bytes)).map_err(|never: Infallible| match never {})
    }

    async fn given<B: Body<Data = Bytes, Error = hyper::Error> + Unpin>(body: &Reread<B>) -> (Vec<u8>, bool) {
        let (mut bytes, mut has_trailers) = (Vec::new(), false);
        while let Some(frame) = poll_fn(|context| body.poll_frame(context)).await {
            let frame = frame.expect("a frame");
            bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| &data[..]));
            has_trailers |= frame.is_trailers();
        }
        (bytes, has_trailers)
    }

    #[tokio::test]
    async fn s2_a_body_is_hashed_and_given_whole() {
        let body = Reread::new(whole(b"seed").with_trailers(async { Some(Ok(HeaderMap::new())) }).boxed_unsync());
        assert_eq!(body.read_all().await, Digested::Sha256(Sha256::digest(b"seed").into()));
        assert_eq!((body.size_hint().lower(), body.is_end_stream()), (4, false));
        assert_eq!(given(&body).await, (b"seed".to_vec(), true));
        assert!(body.is_end_stream());
    }

    #[tokio::test]
    async fn s2_a_body_above_a_megabyte_has_no_hash_and_goes_on() {
        const PIECE: usize = 64 * 1024;
        let piece = Bytes::from(vec![7; PIECE]);
        for (pieces, is_hashed) in [(16, true), (17, false), (40, false)] {
            let piece = piece.clone();
            let frames = (0..pieces).map(move |_| Ok(Frame::data(piece.clone())));
            let body = Reread::new(StreamBody::new(futures_util::stream::iter(frames)));
            assert_eq!(body.read_all().await != Digested::Unknown, is_hashed, "{pieces}");
            assert!(body.lock().read.len() <= 17, "no more is kept");
            assert_eq!(given(&body).await.0.len(), pieces * PIECE);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn s2_a_body_that_does_not_come_in_time_has_no_hash() {
        let (sender, receiver) = tokio::sync::oneshot::channel();
        let last = async { Ok(Frame::data(receiver.await.unwrap_or_default())) };
        let first = futures_util::stream::iter([Ok(Frame::data(Bytes::from_static(b"first ")))]);
        let frames = futures_util::StreamExt::chain(first, futures_util::stream::once(Box::pin(last)));
        let body = Reread::new(StreamBody::new(frames));
        assert!(timeout(Duration::from_secs(1), body.read_all()).await.is_err());
        sender.send(Bytes::from_static(b"last")).expect("it waits");
        assert_eq!(given(&body).await.0, b"first last");
    }
}

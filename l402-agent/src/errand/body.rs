//! The body of a response on its way to the caller.
//!
//! 1. It ends with an error where it breaks off, takes too long, or is longer than allowed. A caller that gets no error has all of it.
//! 2. The last piece is handed over, then the store notes that the answer is there. A caller that goes away before gets it again.

use super::ask::Limits;
use super::error::{ErrandError, Reason};
use crate::fetch::Handover;
use crate::http::whole::Whole;
use crate::store::file::StoreError;
use bytes::{Bytes, BytesMut};
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::{Instant, Sleep, sleep_until};

/// A body, as it arrives.
pub struct FetchBody(Pin<Box<dyn Body<Data = Bytes, Error = ErrandError> + Send>>);

impl FetchBody {
    /// Takes a body that keeps the limits by itself.
    pub(crate) fn new(body: impl Body<Data = Bytes, Error = ErrandError> + Send + 'static) -> Self {
        Self(Box::pin(body))
    }

    /// Returns the next piece; [`None`] after the last one.
    ///
    /// # Errors
    /// Why it did not arrive whole.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ErrandError> {
        loop {
            match self.0.frame().await.transpose()?.map(Frame::into_data) {
                Some(Ok(piece)) => return Ok(Some(piece)),
                Some(Err(_)) => {} // trailers are not handed over
                None => return Ok(None),
            }
        }
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// Why it did not arrive whole.
    pub async fn bytes(mut self) -> Result<Bytes, ErrandError> {
        let mut all = BytesMut::new();
        while let Some(piece) = self.next().await? {
            all.extend_from_slice(&piece);
        }
        Ok(all.freeze())
    }
}

impl Body for FetchBody {
    type Data = Bytes;
    type Error = ErrandError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ErrandError>>> {
        self.0.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl fmt::Debug for FetchBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FetchBody")
    }
}

/// A body that comes from a server.
pub(super) struct Served {
    state: State,
    /// How much more there may be.
    left: u64,
    deadline: Pin<Box<Sleep>>,
}

enum State {
    Coming(Box<Whole>, Option<Handover>),
    Completing(Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send>>),
    Done,
}

impl Served {
    /// Begins to pass on a body, until `ends`.
    pub(super) fn new(body: Whole, handover: Handover, limits: Limits, ends: Instant) -> Self {
        let state = State::Coming(Box::new(body), Some(handover));
        Self { state, left: limits.body, deadline: Box::pin(sleep_until(ends)) }
    }

    fn fail<T>(&mut self, fault: ErrandError) -> Poll<Option<Result<T, ErrandError>>> {
        self.state = State::Done;
        Poll::Ready(Some(Err(fault)))
    }

    fn passes(&mut self, frame: Frame<Bytes>) -> Result<Frame<Bytes>, ErrandError> {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        self.left = self.left.checked_sub(length).ok_or_else(too_large)?;
        Ok(frame)
    }
}

/// A body that is too long.
pub(super) fn too_large() -> ErrandError {
    ErrandError::new(Reason::TooLarge, "the body of the response is longer than allowed; what was bought is kept")
}

/// A call that took too long.
pub(super) fn too_late() -> ErrandError {
    let message = "the call took too long; ask again: a payment that is under way is looked for before another is made";
    ErrandError::new(Reason::Timeout, message)
}

impl Body for Served {
    type Data = Bytes;
    type Error = ErrandError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ErrandError>>> {
        let served = self.get_mut();
        loop {
            match &mut served.state {
                State::Done => return Poll::Ready(None),
                State::Completing(completing) => {
                    let completed = ready!(completing.as_mut().poll(cx));
                    served.state = State::Done;
                    if let Err(fault) = completed {
                        return served.fail(ErrandError::of(Reason::Local, &fault));
                    }
                }
                State::Coming(body, handover) => {
                    if served.deadline.as_mut().poll(cx).is_ready() {
                        return served.fail(too_late());
                    }
                    match ready!(Pin::new(&mut **body).poll_frame(cx)) {
                        Some(Ok(frame)) => match served.passes(frame) {
                            Ok(frame) => return Poll::Ready(Some(Ok(frame))),
                            Err(fault) => return served.fail(fault),
                        },
                        Some(Err(_)) => {
                            let message = "the body of the response broke off; what was bought is kept";
                            return served.fail(ErrandError::new(Reason::BodyBroke, message));
                        }
                        None => {
                            served.state = match handover.take() {
                                Some(handover) => State::Completing(Box::pin(handover.complete())),
                                None => State::Done,
                            };
                        }
                    }
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.state {
            State::Coming(body, _) => body.size_hint(),
            State::Completing(_) | State::Done => SizeHint::with_exact(0),
        }
    }
}

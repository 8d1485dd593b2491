//! The body of a response that is metered.

use super::unsent::{PIECE, Unsent};
use super::{Cut, Till};
use crate::response::{BodyError, X_L402_BALANCE_MSAT};
use bytes::Bytes;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue, TRAILER};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// Passes on what is paid for, and breaks off when that is sent. Its trailers say what is left of the balance.
    #[derive(Debug)]
    pub(crate) struct Metered<B> {
        #[pin]
        body: B,
        first: Option<Frame<Bytes>>,
        unpaid: Bytes,
        trailers: HeaderMap,
        stage: Stage,
        till: Box<Till>,
        unsent: Unsent,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Reading,
    Settling,
    /// Waits until what was paid for is sent.
    Breaking(Cut),
    Over,
}

impl<B> Metered<B> {
    /// Announces the trailer with the balance. HTTP/1.1 can only send trailers that were announced, and none after a body whose
    /// length the head says.
    pub(crate) fn announce(head: &mut HeaderMap) {
        if !head.contains_key(CONTENT_LENGTH) {
            head.append(TRAILER, HeaderValue::from_name(X_L402_BALANCE_MSAT.clone()));
        }
    }

    /// Meters a body, whose first frame may have been taken out.
    pub(crate) fn new(first: Option<Frame<Bytes>>, body: B, till: Box<Till>) -> Self {
        let (unpaid, trailers, stage) = (Bytes::new(), HeaderMap::new(), Stage::Reading);
        Self { body, first, unpaid, trailers, stage, till, unsent: Unsent::default() }
    }

    /// Returns how many bytes wait here.
    fn waiting(&self) -> usize {
        self.unpaid.len() + self.first.as_ref().and_then(Frame::data_ref).map_or(0, Bytes::len)
    }
}

type Polled<E> = Poll<Option<Result<Frame<Bytes>, BodyError<E>>>>;

impl<B: Body<Data = Bytes>> Metered<B> {
    /// Reads what comes, and passes on what is paid for; nothing where there is something else to do now.
    fn read(self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled<B::Error> {
        let mut this = self.project();
        if this.unpaid.is_empty() {
            let frame = match this.first.take() {
                Some(first) => Some(Ok(first)),
                None => match this.body.as_mut().poll_frame(context) {
                    Poll::Ready(frame) => frame,
                    Poll::Pending => {
                        let Err(cut) = this.till.idle(context) else { return Poll::Pending };
                        *this.stage = Stage::Breaking(cut);
                        return Poll::Ready(None);
                    }
                },
            };
            match frame.map(|frame| frame.map(Frame::into_data)) {
                None => *this.stage = Stage::Settling,
                Some(Err(error)) => {
                    *this.stage = Stage::Over;
                    return Poll::Ready(Some(Err(BodyError::Inner(error))));
                }
                Some(Ok(Ok(data))) => *this.unpaid = data,
                Some(Ok(Err(frame))) => {
                    if let Ok(trailers) = frame.into_trailers() {
                        (*this.trailers, *this.stage) = (trailers, Stage::Settling);
                    }
                }
            }
            return Poll::Ready(None);
        }
        let piece = this.unpaid.len().min(PIECE);
        let bytes = match ready!(this.till.pass(piece, context)) {
            Ok(bytes) => bytes.min(piece),
            Err(cut) => {
                *this.stage = Stage::Breaking(cut);
                return Poll::Ready(None);
            }
        };
        let paid = this.unpaid.split_to(bytes);
        this.till.passed(&paid);
        if this.unpaid.is_empty() && this.body.is_end_stream() {
            this.till.all_passed(); // who knows the length asks for nothing more
        }
        Poll::Ready(Some(Ok(Frame::data(this.unsent.count(paid)))))
    }
}

impl<B: Body<Data = Bytes>> Body for Metered<B> {
    type Data = Bytes;
    type Error = BodyError<B::Error>;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Polled<B::Error> {
        loop {
            let this = self.as_mut().project();
            match *this.stage {
                Stage::Reading => match ready!(self.as_mut().read(context)) {
                    None => {}
                    frame => return Poll::Ready(frame),
                },
                Stage::Settling => {
                    let balance = ready!(this.till.settle(context));
                    *this.stage = Stage::Over;
                    return Poll::Ready(last(core::mem::take(this.trailers), balance));
                }
                Stage::Breaking(cut) => {
                    let _ = this.till.settle(context); // else in the background
                    ready!(this.unsent.sent(context));
                    *this.stage = Stage::Over;
                    return Poll::Ready(Some(Err(cut.into())));
                }
                Stage::Over => return Poll::Ready(None),
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.stage == Stage::Over
    }

    fn size_hint(&self) -> SizeHint {
        let (waiting, rest) = (u64::try_from(self.waiting()).unwrap_or(u64::MAX), self.body.size_hint());
        let mut size = SizeHint::new();
        if let Some(upper) = rest.upper() {
            size.set_upper(upper.saturating_add(waiting));
        }
        size.set_lower(rest.lower().saturating_add(waiting));
        size
    }
}

impl<E> From<Cut> for BodyError<E> {
    fn from(cut: Cut) -> Self {
        match cut {
            Cut::Balance => Self::Balance,
            Cut::Ledger => Self::Ledger,
        }
    }
}

/// The trailers, with the balance. Nobody else may say that.
fn last<E>(mut trailers: HeaderMap, balance: Option<u64>) -> Option<Result<Frame<Bytes>, BodyError<E>>> {
    trailers.remove(&X_L402_BALANCE_MSAT);
    if let Some(balance) = balance {
        trailers.insert(&X_L402_BALANCE_MSAT, balance.into());
    }
    (!trailers.is_empty()).then(|| Ok(Frame::trailers(trailers)))
}

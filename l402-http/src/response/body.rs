//! The body of a paid service's responses.

use super::body_error::BodyError;
use crate::service::meter::{Metered, Till};
use bytes::Bytes;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// A body of the inner service, passed on untouched or as it is paid for, or one of our own answers.
    #[derive(Debug)]
    pub struct PaidBody<B> {
        #[pin]
        content: Content<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = Projected]
    enum Content<B> {
        Inner { #[pin] body: B },
        Along { body: Box<dyn ReadAlong<B>> },
        Begun { first: Option<Frame<Bytes>>, #[pin] body: B },
        Metered { #[pin] body: Metered<B> },
        Own { unsent: Bytes },
    }
}

/// What reads along while a body of the inner service is passed on.
pub(crate) trait ReadAlong<B>: fmt::Debug + Send {
    /// As [`Body::poll_frame`].
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>>
    where
        B: Body;

    /// As [`Body::is_end_stream`].
    fn is_end_stream(&self) -> bool;

    /// As [`Body::size_hint`].
    fn size_hint(&self) -> SizeHint;
}

impl<B> PaidBody<B> {
    /// Passes a body on.
    pub(crate) const fn inner(body: B) -> Self {
        Self { content: Content::Inner { body } }
    }

    /// Passes a body on whose first frame was taken out.
    pub(crate) fn begun(first: Option<Frame<Bytes>>, body: B) -> Self {
        match first {
            None => Self::inner(body),
            first => Self { content: Content::Begun { first, body } },
        }
    }

    /// Passes a body on along which something reads.
    pub(crate) fn along(body: Box<dyn ReadAlong<B>>) -> Self {
        Self { content: Content::Along { body } }
    }

    /// Passes a body on as it is paid for.
    pub(crate) fn metered(first: Option<Frame<Bytes>>, body: B, till: Box<Till>) -> Self {
        Self { content: Content::Metered { body: Metered::new(first, body, till) } }
    }

    /// Sends these bytes.
    pub(crate) const fn own(unsent: Bytes) -> Self {
        Self { content: Content::Own { unsent } }
    }
}

impl<B: Body<Data = Bytes>> Body for PaidBody<B> {
    type Data = Bytes;
    type Error = BodyError<B::Error>;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let inner = |polled: Poll<Option<Result<_, _>>>| polled.map_err(BodyError::Inner);
        match self.project().content.project() {
            Projected::Inner { body } => inner(body.poll_frame(context)),
            Projected::Along { body } => inner(body.poll_frame(context)),
            Projected::Begun { first, body } => match first.take() {
                Some(first) => Poll::Ready(Some(Ok(first))),
                None => inner(body.poll_frame(context)),
            },
            Projected::Metered { body } => body.poll_frame(context),
            Projected::Own { unsent } if unsent.is_empty() => Poll::Ready(None),
            Projected::Own { unsent } => Poll::Ready(Some(Ok(Frame::data(core::mem::take(unsent))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Inner { body } => body.is_end_stream(),
            Content::Along { body } => body.is_end_stream(),
            Content::Begun { first, body } => first.is_none() && body.is_end_stream(),
            Content::Metered { body } => body.is_end_stream(),
            Content::Own { unsent } => unsent.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Inner { body } => body.size_hint(),
            Content::Along { body } => body.size_hint(),
            Content::Begun { first, body } => begun(first.as_ref(), body),
            Content::Metered { body } => body.size_hint(),
            Content::Own { unsent } => SizeHint::with_exact(unsent.len().try_into().unwrap_or(u64::MAX)),
        }
    }
}

/// The size of a body whose first frame was taken out.
pub(crate) fn begun<B: Body>(first: Option<&Frame<Bytes>>, rest: &B) -> SizeHint {
    let bytes = first.and_then(Frame::data_ref).map_or(0, Bytes::len).try_into().unwrap_or(u64::MAX);
    let (mut size, rest) = (SizeHint::new(), rest.size_hint());
    if let Some(upper) = rest.upper() {
        size.set_upper(upper.saturating_add(bytes));
    }
    size.set_lower(rest.lower().saturating_add(bytes));
    size
}

//! The body of a paid service's responses.

use bytes::Bytes;
use core::pin::Pin;
use core::task::{Context, Poll};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// A body of the inner service, passed on untouched, or one of our own answers.
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
        Own { unsent: Bytes },
    }
}

impl<B> PaidBody<B> {
    /// Passes a body on.
    pub(crate) const fn inner(body: B) -> Self {
        Self { content: Content::Inner { body } }
    }

    /// Sends these bytes.
    pub(crate) const fn own(unsent: Bytes) -> Self {
        Self { content: Content::Own { unsent } }
    }
}

impl<B: Body<Data = Bytes>> Body for PaidBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().content.project() {
            Projected::Inner { body } => body.poll_frame(context),
            Projected::Own { unsent } if unsent.is_empty() => Poll::Ready(None),
            Projected::Own { unsent } => Poll::Ready(Some(Ok(Frame::data(core::mem::take(unsent))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Inner { body } => body.is_end_stream(),
            Content::Own { unsent } => unsent.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Inner { body } => body.size_hint(),
            Content::Own { unsent } => SizeHint::with_exact(unsent.len().try_into().unwrap_or(u64::MAX)),
        }
    }
}

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
        Begun { first: Option<Frame<Bytes>>, #[pin] body: B },
        Own { unsent: Bytes },
    }
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
            Projected::Begun { first, body } => match first.take() {
                Some(first) => Poll::Ready(Some(Ok(first))),
                None => body.poll_frame(context),
            },
            Projected::Own { unsent } if unsent.is_empty() => Poll::Ready(None),
            Projected::Own { unsent } => Poll::Ready(Some(Ok(Frame::data(core::mem::take(unsent))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Inner { body } => body.is_end_stream(),
            Content::Begun { first, body } => first.is_none() && body.is_end_stream(),
            Content::Own { unsent } => unsent.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Inner { body } => body.size_hint(),
            Content::Begun { first, body } => {
                let first = first.as_ref().and_then(Frame::data_ref).map_or(0, Bytes::len);
                more(&body.size_hint(), first.try_into().unwrap_or(u64::MAX))
            }
            Content::Own { unsent } => SizeHint::with_exact(unsent.len().try_into().unwrap_or(u64::MAX)),
        }
    }
}

/// The size of a body with so many bytes before it.
fn more(rest: &SizeHint, bytes: u64) -> SizeHint {
    let mut size = SizeHint::new();
    if let Some(upper) = rest.upper() {
        size.set_upper(upper.saturating_add(bytes));
    }
    size.set_lower(rest.lower().saturating_add(bytes));
    size
}

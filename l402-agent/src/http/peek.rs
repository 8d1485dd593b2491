//! A body whose beginning was read to see what it says, and which is then passed on whole.

use bytes::Bytes;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use core::time::Duration;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use std::collections::VecDeque;

/// A body, and what was read of it.
#[derive(Debug)]
pub struct Peeked<B: Body> {
    start: VecDeque<Result<Frame<Bytes>, B::Error>>,
    rest: B,
}

impl<B: Body<Data = Bytes> + Unpin> Peeked<B> {
    /// Passes a body on unread.
    pub const fn unread(rest: B) -> Self {
        Self { start: VecDeque::new(), rest }
    }

    /// Begins with bytes that were read.
    pub(crate) fn begun(start: Bytes, rest: B) -> Self {
        let start = if start.is_empty() { VecDeque::new() } else { VecDeque::from([Ok(Frame::data(start))]) };
        Self { start, rest }
    }

    /// Changes what is still to be read.
    pub(crate) fn map<C: Body<Data = Bytes, Error = B::Error>>(self, change: impl FnOnce(B) -> C) -> Peeked<C> {
        Peeked { start: self.start, rest: change(self.rest) }
    }

    /// Reads until the end, until there are `limit` bytes, or until `time` is over.
    pub async fn read(rest: B, limit: usize, time: Duration) -> Self {
        Self::unread(rest).read_on(limit, time).await
    }

    /// Reads on from what was read before, in the same way.
    pub async fn read_on(self, limit: usize, time: Duration) -> Self {
        let Self { mut start, mut rest } = self;
        let length_of = |frame: &Result<Frame<Bytes>, _>| frame.as_ref().ok()?.data_ref().map(Bytes::len);
        let mut length = start.iter().filter_map(length_of).fold(0, usize::saturating_add);
        let reading = async {
            while length < limit
                && let Some(frame) = rest.frame().await
            {
                length = length.saturating_add(length_of(&frame).unwrap_or_default());
                start.push_back(frame);
            }
        };
        let _ = tokio::time::timeout(time, pin!(reading)).await; // what has come by then is what there is to see
        Self { start, rest }
    }

    /// Returns what was read.
    pub fn start(&self) -> Vec<u8> {
        let frames = self.start.iter().filter_map(|frame| frame.as_ref().ok());
        frames.filter_map(Frame::data_ref).flatten().copied().collect()
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Peeked<B>
where
    B::Error: Unpin,
{
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let body = self.get_mut();
        match body.start.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Pin::new(&mut body.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.start.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.start.is_empty() { self.rest.size_hint() } else { SizeHint::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::convert::Infallible;
    use futures_util::StreamExt;
    use futures_util::stream;
    use http_body_util::StreamBody;

    fn pieces(texts: &'static [&'static str]) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let frames = texts.iter().map(|text| Ok(Frame::data(Bytes::from_static(text.as_bytes()))));
        StreamBody::new(stream::iter(frames))
    }

    #[tokio::test]
    async fn what_was_seen_is_passed_on() {
        for (limit, seen) in [(0, ""), (1, "ab"), (3, "abcd"), (99, "abcdef")] {
            let body = Peeked::read(pieces(&["ab", "cd", "ef"]), limit, Duration::from_secs(5)).await;
            assert_eq!(body.start(), seen.as_bytes());
            assert_eq!(body.collect().await.unwrap().to_bytes(), "abcdef");
        }
    }

    #[tokio::test]
    async fn who_says_nothing_is_not_waited_for() {
        let first = stream::once(async { Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"ab"))) });
        let body = StreamBody::new(Box::pin(first.chain(stream::pending())));
        let body = Peeked::read(body, 99, Duration::from_millis(50)).await;
        assert_eq!(body.start(), b"ab");
    }
}

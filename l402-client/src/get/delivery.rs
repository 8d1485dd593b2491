//! The response on its way out: heads on request, then the body as it arrives, never all of it in memory.
//!
//! What a server sends goes out byte by byte as it came, unless the user asks for `--compressed`.

use super::decode::{DecodeError, Decoder};
use super::progress::Progress;
use bytes::Bytes;
use core::fmt;
use core::time::Duration;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Response};
use http_body::Body;
use http_body_util::BodyExt;
use std::io;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// How a response is written.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// What comes first: status and header fields, where they are asked for.
    pub heads: Vec<Bytes>,
    /// Whether the body is left out.
    pub omits_body: bool,
    /// Whether the body is decompressed.
    pub decompresses: bool,
    /// Whether progress is shown on standard error.
    pub shows_progress: bool,
    /// The longest silence between two pieces of the body.
    pub timeout: Duration,
}

impl Delivery {
    /// Writes a response to `out`, and returns its trailers.
    ///
    /// A reader that goes away early, as `head` does, ends it without an error.
    ///
    /// # Errors
    /// [`DeliveryError`].
    pub async fn write<B>(
        self,
        response: Response<B>,
        out: &mut (impl AsyncWrite + Unpin),
    ) -> Result<HeaderMap, DeliveryError>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn core::error::Error + Send + Sync>>,
    {
        match self.write_all(response, out).await {
            Err(DeliveryError::Output(cause)) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(HeaderMap::new()),
            result => result,
        }
    }

    async fn write_all<B>(
        self,
        response: Response<B>,
        out: &mut (impl AsyncWrite + Unpin),
    ) -> Result<HeaderMap, DeliveryError>
    where
        B: Body<Data = Bytes> + Unpin,
        B::Error: Into<Box<dyn core::error::Error + Send + Sync>>,
    {
        let (parts, mut body) = response.into_parts();
        let mut trailers = HeaderMap::new();
        for head in &self.heads {
            out.write_all(head).await.map_err(DeliveryError::Output)?;
        }
        out.flush().await.map_err(DeliveryError::Output)?;
        if self.omits_body {
            return Ok(trailers);
        }
        let decoder = if self.decompresses { Decoder::of(&parts.headers) } else { Ok(Decoder::default()) };
        let mut decoder = decoder.map_err(DeliveryError::Encoding)?;
        let mut progress = self.shows_progress.then(|| Progress::begin(length(&parts.headers)));
        loop {
            let frame = tokio::time::timeout(self.timeout, body.frame()).await;
            let Some(frame) = frame.map_err(|_| DeliveryError::Silent(self.timeout))? else { break };
            let frame = frame.map_err(|cause| DeliveryError::Body(cause.into()))?;
            let data = match frame.into_data() {
                Ok(data) => data,
                Err(frame) => {
                    trailers = frame.into_trailers().unwrap_or_default();
                    continue;
                }
            };
            if let Some(progress) = &mut progress {
                progress.note(data.len());
            }
            for piece in Decoder::pieces(data) {
                let piece = decoder.push(piece).map_err(DeliveryError::Encoding)?;
                out.write_all(&piece).await.map_err(DeliveryError::Output)?;
            }
            out.flush().await.map_err(DeliveryError::Output)?; // a stream is shown as it comes
        }
        let rest = decoder.finish().map_err(DeliveryError::Encoding)?;
        out.write_all(&rest).await.map_err(DeliveryError::Output)?;
        out.flush().await.map_err(DeliveryError::Output)?;
        Ok(trailers)
    }
}

fn length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Why a body did not arrive whole.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The connection broke.
    Body(Box<dyn core::error::Error + Send + Sync>),
    /// The server fell silent.
    Silent(Duration),
    /// It cannot be decompressed.
    Encoding(DecodeError),
    /// The output takes no more.
    Output(io::Error),
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(_) => f.write_str("the body ended early"),
            Self::Silent(timeout) => write!(f, "the body ended early: no data for {timeout:?}"),
            Self::Encoding(cause) => cause.fmt(f),
            Self::Output(_) => f.write_str("cannot write the body"),
        }
    }
}

impl core::error::Error for DeliveryError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Body(cause) => Some(cause.as_ref()),
            Self::Silent(_) => None,
            Self::Encoding(cause) => cause.source(),
            Self::Output(cause) => Some(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::pin::Pin;
    use core::task::{Context, Poll};
    use http_body_util::Full;

    fn plain() -> Delivery {
        Delivery { timeout: Duration::from_secs(5), ..Delivery::default() }
    }

    fn with_head() -> Delivery {
        Delivery { heads: vec![Bytes::from_static(b"HTTP/1.1 200 Fine\r\n\r\n")], ..plain() }
    }

    struct ClosedPipe;

    impl AsyncWrite for ClosedPipe {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn answer() -> Response<Full<Bytes>> {
        Response::builder().header("x-a", "1").body(Full::from("body")).unwrap()
    }

    async fn written(delivery: Delivery) -> Vec<u8> {
        let mut out = Vec::new();
        delivery.write(answer(), &mut out).await.unwrap();
        out
    }

    #[tokio::test]
    async fn what_is_asked_for_and_nothing_else() {
        assert_eq!(written(plain()).await, b"body");
        assert_eq!(written(with_head()).await, b"HTTP/1.1 200 Fine\r\n\r\nbody");
        assert_eq!(written(Delivery { omits_body: true, ..with_head() }).await, b"HTTP/1.1 200 Fine\r\n\r\n");
    }

    #[tokio::test]
    async fn a_reader_may_go_away() {
        assert!(plain().write(answer(), &mut ClosedPipe).await.is_ok());
        assert!(with_head().write(answer(), &mut ClosedPipe).await.is_ok());
    }
}

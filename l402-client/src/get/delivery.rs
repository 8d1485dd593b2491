//! The response on its way out: status and fields on request, then the body as it arrives, never all of it in memory.

use core::fmt;
use core::time::Duration;
use http::{HeaderMap, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::BodyExt;
use std::io;
use tokio::io::{AsyncWrite, AsyncWriteExt};

/// How a response is written.
#[derive(Debug, Clone, Copy)]
pub struct Delivery {
    /// Whether status and header fields come first.
    pub include: bool,
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
        B: Body + Unpin,
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
        B: Body + Unpin,
        B::Error: Into<Box<dyn core::error::Error + Send + Sync>>,
    {
        let (parts, mut body) = response.into_parts();
        let mut trailers = HeaderMap::new();
        if self.include {
            let head = head(parts.version, parts.status, &parts.headers);
            out.write_all(&head).await.map_err(DeliveryError::Output)?;
        }
        loop {
            let frame = tokio::time::timeout(self.timeout, body.frame()).await;
            let Some(frame) = frame.map_err(|_| DeliveryError::Silent(self.timeout))? else { break };
            let frame = frame.map_err(|cause| DeliveryError::Body(cause.into()))?;
            let mut data = match frame.into_data() {
                Ok(data) => data,
                Err(frame) => {
                    trailers = frame.into_trailers().unwrap_or_default();
                    continue;
                }
            };
            out.write_all_buf(&mut data).await.map_err(DeliveryError::Output)?;
            out.flush().await.map_err(DeliveryError::Output)?; // a stream is shown as it comes
        }
        out.flush().await.map_err(DeliveryError::Output)?;
        Ok(trailers)
    }
}

fn head(version: Version, status: StatusCode, headers: &HeaderMap) -> Vec<u8> {
    let mut head = format!("{version:?} {status}\r\n").into_bytes();
    for (name, value) in headers {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Why a body did not arrive whole.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeliveryError {
    /// The connection broke.
    Body(Box<dyn core::error::Error + Send + Sync>),
    /// The server fell silent.
    Silent(Duration),
    /// The output takes no more.
    Output(io::Error),
}

impl fmt::Display for DeliveryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(_) => f.write_str("the body ended early"),
            Self::Silent(timeout) => write!(f, "the body ended early: no data for {timeout:?}"),
            Self::Output(_) => f.write_str("cannot write the body"),
        }
    }
}

impl core::error::Error for DeliveryError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Body(cause) => Some(cause.as_ref()),
            Self::Silent(_) => None,
            Self::Output(cause) => Some(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use core::pin::Pin;
    use core::task::{Context, Poll};
    use http_body_util::Full;

    const PLAIN: Delivery = Delivery { include: false, timeout: Duration::from_secs(5) };

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

    #[tokio::test]
    async fn the_body_and_nothing_else() {
        let mut out = Vec::new();
        PLAIN.write(answer(), &mut out).await.unwrap();
        assert_eq!(out, b"body");
    }

    #[tokio::test]
    async fn the_fields_on_request() {
        let mut out = Vec::new();
        Delivery { include: true, ..PLAIN }.write(answer(), &mut out).await.unwrap();
        assert_eq!(out, b"HTTP/1.1 200 OK\r\nx-a: 1\r\n\r\nbody");
    }

    #[tokio::test]
    async fn a_reader_may_go_away() {
        assert!(PLAIN.write(answer(), &mut ClosedPipe).await.is_ok());
        assert!(Delivery { include: true, ..PLAIN }.write(answer(), &mut ClosedPipe).await.is_ok());
    }
}

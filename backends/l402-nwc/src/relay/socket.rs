//! One connection to a relay: TCP, TLS by the roots of the web, WebSocket (RFC 6455).

use super::url::RelayUrl;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::sync::{Arc, LazyLock};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WebSocketError, http};

/// Connects to a relay.
pub(super) async fn connect(url: &RelayUrl) -> Result<WebSocketStream<Stream>, RelayError> {
    let tcp = TcpStream::connect((url.host(), url.port())).await.map_err(RelayError::Unreachable)?;
    tcp.set_nodelay(true).map_err(RelayError::Unreachable)?;
    let stream = if url.is_secure() { Stream::Tls(Box::new(tls(url, tcp).await?)) } else { Stream::Tcp(tcp) };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .read_buffer_size(BUFFER)
        .write_buffer_size(0);
    let connected = tokio_tungstenite::client_async_with_config(url.to_string(), stream, Some(config)).await;
    Ok(connected.map_err(RelayError::of)?.0)
}

async fn tls(url: &RelayUrl, tcp: TcpStream) -> Result<TlsStream<TcpStream>, RelayError> {
    let config = TLS.clone().ok_or_else(|| RelayError::Tls(io::ErrorKind::Unsupported.into()))?;
    let name =
        ServerName::try_from(url.host().to_owned()).map_err(|_| RelayError::Tls(io::ErrorKind::InvalidInput.into()))?;
    TlsConnector::from(config).connect(name, tcp).await.map_err(RelayError::Tls)
}

static TLS: LazyLock<Option<Arc<ClientConfig>>> = LazyLock::new(|| {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    Some(Arc::new(versions.with_root_certificates(roots).with_no_client_auth()))
});

/// With TLS or without.
pub(super) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, into),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// Why a relay cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum RelayError {
    /// It cannot be connected to.
    Unreachable(io::Error),
    /// TLS fails, such as for a certificate of another name.
    Tls(io::Error),
    /// What answers is no relay: it answers with this status of HTTP.
    NotRelay(u16),
    /// The connection broke.
    Broken(WebSocketError),
    /// It ended the connection, or our subscription, and this is what it said.
    Closed(String),
    /// It gave no sign for too long.
    Silent,
}

impl RelayError {
    pub(super) fn of(cause: WebSocketError) -> Self {
        match cause {
            WebSocketError::ConnectionClosed | WebSocketError::AlreadyClosed => Self::Closed(String::new()),
            WebSocketError::Http(response) if response.status() != http::StatusCode::SWITCHING_PROTOCOLS => {
                Self::NotRelay(response.status().as_u16())
            }
            WebSocketError::Io(cause) => Self::Unreachable(cause),
            other => Self::Broken(other),
        }
    }
}

impl fmt::Display for RelayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(_) => f.write_str("cannot reach the relay"),
            Self::Tls(_) => f.write_str("cannot open a TLS connection to the relay"),
            Self::NotRelay(status) => write!(f, "this is no relay: it answers with status {status}"),
            Self::Broken(_) => f.write_str("the connection to the relay broke"),
            Self::Closed(reason) if reason.is_empty() => f.write_str("the relay ended the connection"),
            Self::Closed(reason) => write!(f, "the relay ended the connection: {reason}"),
            Self::Silent => f.write_str("no sign from the relay"),
        }
    }
}

impl core::error::Error for RelayError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Unreachable(cause) | Self::Tls(cause) => Some(cause),
            Self::Broken(cause) => Some(cause),
            _ => None,
        }
    }
}

/// More than any answer of a wallet to one of our questions takes.
const MAX_MESSAGE: usize = 256 * 1024;
const BUFFER: usize = 16 * 1024;

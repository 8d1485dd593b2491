//! Asks an upstream which version of HTTP it speaks, for the check of a configuration.
//!
//! What TLS has negotiated is the answer where it is HTTP/2. Without TLS an upstream of HTTP/2 says its settings first thing
//! (RFC 9113 §3.4), and one of HTTP/1.1 answers `OPTIONS *`, which is about the server and no resource (RFC 9110 §9.3.7).

use core::error::Error;
use core::fmt;
use core::time::Duration;
use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::config::UpstreamConfig;
use super::connect::Connector;
use super::protocol::Protocol;

/// What an upstream speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Spoken {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    Http2,
}

impl fmt::Display for Spoken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        })
    }
}

/// Why it cannot be told what an upstream speaks.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProbeError {
    /// No connection, for the reason in the source.
    Unreachable(Box<dyn Error + Send + Sync>),
    /// It cannot be set up for TLS.
    Config(super::UpstreamConfigError),
    /// It took the connection and said nothing in time.
    Silent,
    /// It does not speak HTTP/1.1 without TLS; perhaps HTTP/2.
    NotHttp1,
    /// It does not speak HTTP/2, which was demanded.
    NotHttp2,
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreachable(_) => "cannot be reached",
            Self::Config(_) => "cannot be set up",
            Self::Silent => "takes a connection, but does not answer in time",
            Self::NotHttp1 => {
                "does not answer in HTTP/1.1; if it speaks HTTP/2 without TLS, write h2c:// in place of http://"
            }
            Self::NotHttp2 => "does not speak HTTP/2",
        })
    }
}

impl Error for ProbeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreachable(cause) => Some(&**cause),
            Self::Config(cause) => Some(cause),
            _ => None,
        }
    }
}

impl UpstreamConfig {
    /// Connects to the upstream and returns what it speaks, within 10 seconds. It is sent no field of the configuration.
    ///
    /// # Errors
    ///
    /// [`ProbeError`].
    pub async fn probe(&self) -> Result<Spoken, ProbeError> {
        let connector = self.connector().map_err(ProbeError::Config)?;
        timeout(PATIENCE, probe(&connector, self.authority())).await.unwrap_or(Err(ProbeError::Silent))
    }
}

async fn probe(connector: &Connector, authority: &str) -> Result<Spoken, ProbeError> {
    let unreachable = |cause: io::Error| ProbeError::Unreachable(cause.into());
    let tcp = timeout(connector.timeout, connector.tcp()).await;
    let tcp = tcp.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(unreachable)?;
    let Some(tls) = &connector.tls else {
        return match connector.protocol {
            Protocol::Http2 => settings(tcp).await,
            Protocol::Auto | Protocol::Http1 => options(tcp, authority).await,
        };
    };
    let stream = tls.handshake(tcp, false).await.map_err(unreachable)?;
    match (stream.get_ref().1.alpn_protocol(), connector.protocol) {
        (Some(b"h2"), _) => Ok(Spoken::Http2),
        (_, Protocol::Http2) => Err(ProbeError::NotHttp2),
        _ => options(stream, authority).await,
    }
}

/// Greets as a client of HTTP/2 does, and waits for the settings of the other side.
async fn settings<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> Result<Spoken, ProbeError> {
    let mut head = [0; 9];
    let asked = async {
        stream.write_all(PREFACE).await?;
        stream.read_exact(&mut head).await
    };
    match (asked.await, head) {
        (Ok(_), [_, _, _, SETTINGS, 0, 0, 0, 0, 0]) => Ok(Spoken::Http2),
        _ => Err(ProbeError::NotHttp2),
    }
}

/// Asks what the server can do, and reads the beginning of the answer.
async fn options<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, authority: &str) -> Result<Spoken, ProbeError> {
    let request = format!("OPTIONS * HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n");
    let mut version = [0; 8];
    let asked = async {
        stream.write_all(request.as_bytes()).await?;
        stream.flush().await?;
        stream.read_exact(&mut version).await
    };
    match (asked.await, &version) {
        (Ok(_), b"HTTP/1.1") => Ok(Spoken::Http11),
        (Ok(_), b"HTTP/1.0") => Ok(Spoken::Http10),
        _ => Err(ProbeError::NotHttp1),
    }
}

const PATIENCE: Duration = Duration::from_secs(10);

/// The connection preface and an empty frame of settings (RFC 9113 §3.4, §6.5).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const SETTINGS: u8 = 4;

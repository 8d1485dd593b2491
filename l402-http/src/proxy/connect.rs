//! New connections to the upstream: TCP, then TLS whose certificate and host name are always verified, then HTTP/1.1 or, as
//! TLS has negotiated it (ALPN) or the configuration says, HTTP/2.

use core::future::poll_fn;
use core::pin::Pin;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use http::uri::Scheme;
use http_body::Body;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::BoxError;
use super::error::{ForwardError, NotHttp2};
use super::health::{Health, TimedOut};
use super::limit::ConnectionLimit;
use super::protocol::{HEADER_FIELDS, Protocol};
use super::sender::Sender;
use super::streams::{Connection, Load};
use super::wire::Wire;

/// Opens connections to one host and port.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) host: Box<str>,
    pub(super) port: u16,
    pub(super) tls: Option<Tls>,
    pub(super) protocol: Protocol,
    pub(super) timeout: Duration,
    pub(super) limit: Option<ConnectionLimit>,
    pub(super) header_fields: usize,
    pub(super) health: Health,
}

/// What an https upstream needs.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<rustls::ClientConfig>,
    /// The same, for a connection that must speak HTTP/1.1.
    pub(super) upgrades: Arc<rustls::ClientConfig>,
    pub(super) name: ServerName<'static>,
}

impl Tls {
    async fn connect(&self, tcp: TcpStream, upgrades: bool) -> Result<TlsStream<TcpStream>, ForwardError> {
        self.handshake(tcp, upgrades).await.map_err(ForwardError::Tls)
    }

    /// Verifies who answers. With `upgrades` no HTTP/2 is offered.
    pub(super) async fn handshake(&self, tcp: TcpStream, upgrades: bool) -> io::Result<TlsStream<TcpStream>> {
        let connector = TlsConnector::from(Arc::clone(if upgrades { &self.upgrades } else { &self.config }));
        connector.connect(self.name.clone(), tcp).await
    }
}

impl Connector {
    /// Keeps what is known of the upstream up to date, by trying it when no request has connected for so long; never completes.
    pub(super) async fn watch(self, every: Duration) {
        let health = self.health.clone();
        health.watch(every, || self.reach()).await;
    }

    /// Opens a connection within the deadline and drops it, and notes whether that can be done.
    async fn reach(&self) {
        match timeout(self.timeout, self.try_to_reach()).await {
            Ok(Ok(())) => self.health.connected(),
            Ok(Err(error)) => self.health.failed(error.cause().unwrap_or(&TimedOut)),
            Err(_) => self.health.failed(&TimedOut),
        }
    }

    async fn try_to_reach(&self) -> Result<(), ForwardError> {
        let tcp = self.tcp().await.map_err(ForwardError::Unreachable)?;
        if let Some(tls) = &self.tls {
            tls.connect(tcp, false).await?;
        }
        Ok(())
    }

    /// Whether nothing but HTTP/2 is spoken, over which no upgrade is passed.
    pub(super) fn is_http2_only(&self) -> bool {
        self.protocol == Protocol::Http2
    }

    /// Waits for room, connects, each within the deadline, and hands the connection to a task of its own. With `upgrades` it
    /// speaks HTTP/1.1.
    pub(super) async fn connect<B>(&self, upgrades: bool) -> Result<Connected<B>, ForwardError>
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let room = match &self.limit {
            Some(limit) => timeout(self.timeout, limit.room()).await.map_err(|_| ForwardError::NoRoom)?,
            None => None,
        };
        let dialled = timeout(self.timeout, self.dial(room, upgrades)).await;
        let dialled = dialled.unwrap_or(Err(ForwardError::ConnectTimeout));
        match &dialled {
            Ok(_) => self.health.connected(),
            // Who speaks HTTP/2 alone may refuse the handshake of an upgrade, and serves all else.
            Err(ForwardError::Tls(_) | ForwardError::Exchange(_)) if upgrades => {}
            Err(error) => self.health.failed(error.cause().unwrap_or(&TimedOut)),
        }
        dialled
    }

    async fn dial<B>(&self, room: Option<OwnedSemaphorePermit>, upgrades: bool) -> Result<Connected<B>, ForwardError>
    where
        B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let tcp = self.tcp().await.map_err(ForwardError::Unreachable)?;
        let Some(tls) = &self.tls else {
            return match self.protocol {
                Protocol::Http2 => open_http2(tcp, room, Scheme::HTTP).await,
                Protocol::Auto | Protocol::Http1 => open_http1(tcp, room, self.header_fields).await,
            };
        };
        let stream = tls.connect(tcp, upgrades).await?;
        match (stream.get_ref().1.alpn_protocol(), self.protocol) {
            (Some(b"h2"), _) => open_http2(stream, room, Scheme::HTTPS).await,
            (_, Protocol::Http2) => Err(ForwardError::Protocol(NotHttp2)),
            _ => open_http1(stream, room, self.header_fields).await,
        }
    }

    pub(super) async fn tcp(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((&*self.host, self.port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

/// A new connection.
pub(super) enum Connected<B> {
    /// For one exchange at a time.
    One(Sender<B>),
    /// For many.
    Many(Connection<B>),
}

async fn open_http1<S, B>(
    stream: S,
    room: Option<OwnedSemaphorePermit>,
    header_fields: usize,
) -> Result<Connected<B>, ForwardError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    let wire = Wire::new(stream, room);
    let heard = wire.heard();
    let mut builder = http1::Builder::new();
    // Room for more than the usual number is made anew for each response.
    if header_fields != HEADER_FIELDS {
        builder.max_headers(header_fields);
    }
    let (send, connection) = builder.handshake(TokioIo::new(wire)).await.map_err(ForwardError::Exchange)?;
    tokio::spawn(async move {
        // The request that was under way reports the same error to its caller.
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "an upstream connection ended");
        }
    });
    Ok(Connected::One(Sender::one(send, heard)))
}

async fn open_http2<S, B>(
    stream: S,
    room: Option<OwnedSemaphorePermit>,
    scheme: Scheme,
) -> Result<Connected<B>, ForwardError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + Unpin + 'static,
{
    let wire = Wire::new(stream, room);
    let load = Load::new(wire.heard());
    let (send, mut connection) = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        .max_header_list_size(MAX_HEAD)
        .handshake(TokioIo::new(wire))
        .await
        .map_err(ForwardError::Exchange)?;
    let allowed = Arc::clone(&load);
    tokio::spawn(async move {
        let ended = poll_fn(|context| {
            let ended = Pin::new(&mut connection).poll(context);
            allowed.allow(connection.current_max_send_streams(), context.waker());
            ended
        });
        if let Err(error) = ended.await {
            tracing::debug!(%error, "an upstream connection ended");
        }
    });
    Ok(Connected::Many(Connection::new(send, scheme, load)))
}

/// How often an HTTP/2 upstream that is being used is asked whether it is still there, and how long it may take to answer.
const PING: Duration = Duration::from_secs(20);

/// The most bytes of a response's head over HTTP/2.
const MAX_HEAD: u32 = 64 * 1024;

//! New connections to the upstream: TCP, then TLS whose certificate and host name are always verified, then HTTP/1.1.

use core::time::Duration;
use std::io;
use std::sync::Arc;

use http_body::Body;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::error::ForwardError;
use super::health::{Health, TimedOut};
use super::limit::ConnectionLimit;
use super::pool::Sender;
use super::wire::Wire;

type BoxError = Box<dyn core::error::Error + Send + Sync>;

/// Opens connections to one host and port.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) host: Box<str>,
    pub(super) port: u16,
    pub(super) tls: Option<Tls>,
    pub(super) timeout: Duration,
    pub(super) limit: Option<ConnectionLimit>,
    pub(super) health: Health,
}

/// What an https upstream needs.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) config: Arc<rustls::ClientConfig>,
    pub(super) name: ServerName<'static>,
}

impl Tls {
    async fn connect(&self, tcp: TcpStream) -> Result<TlsStream<TcpStream>, ForwardError> {
        let connector = TlsConnector::from(Arc::clone(&self.config));
        connector.connect(self.name.clone(), tcp).await.map_err(ForwardError::Tls)
    }
}

impl Connector {
    /// Opens a connection and drops it, which says that one can be opened.
    pub(super) async fn reach(&self) -> Result<(), ForwardError> {
        let tcp = self.tcp().await.map_err(ForwardError::Unreachable)?;
        if let Some(tls) = &self.tls {
            tls.connect(tcp).await?;
        }
        Ok(())
    }

    /// Waits for room, connects, each within the deadline, and hands the connection to a task of its own.
    pub(super) async fn connect<B>(&self) -> Result<Sender<B>, ForwardError>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let room = match &self.limit {
            Some(limit) => timeout(self.timeout, limit.room()).await.map_err(|_| ForwardError::NoRoom)?,
            None => None,
        };
        let dialled = timeout(self.timeout, self.dial(room)).await.unwrap_or(Err(ForwardError::ConnectTimeout));
        match &dialled {
            Ok(_) => self.health.connected(),
            Err(error) => self.health.failed(error.cause().unwrap_or(&TimedOut)),
        }
        dialled
    }

    async fn dial<B>(&self, room: Option<OwnedSemaphorePermit>) -> Result<Sender<B>, ForwardError>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<BoxError>,
    {
        let tcp = self.tcp().await.map_err(ForwardError::Unreachable)?;
        match &self.tls {
            None => handshake(tcp, room).await,
            Some(tls) => handshake(tls.connect(tcp).await?, room).await,
        }
    }

    async fn tcp(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect((&*self.host, self.port)).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

async fn handshake<S, B>(stream: S, room: Option<OwnedSemaphorePermit>) -> Result<Sender<B>, ForwardError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let wire = Wire::new(stream, room);
    let heard = wire.heard();
    let (send, connection) = http1::handshake(TokioIo::new(wire)).await.map_err(ForwardError::Exchange)?;
    tokio::spawn(async move {
        // The request that was under way reports the same error to whoever waits for it.
        if let Err(error) = connection.with_upgrades().await {
            tracing::debug!(%error, "an upstream connection ended");
        }
    });
    Ok(Sender { send, heard })
}

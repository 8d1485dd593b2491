//! One connection to LND, shared by all calls: made when it is needed, and again after it broke.
//!
//! Every question has a deadline; answers that follow each other are waited for without one. While something is asked, LND is
//! pinged, so that a connection to an LND that hangs is given up.

use super::config::LndConfig;
use super::connect_error::ConnectError;
use super::error::LndError;
use super::rpc::Call;
use super::socket::Socket;
use core::fmt;
use core::pin::Pin;
use core::time::Duration;
use http::uri::PathAndQuery;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;

/// Asks LND. Clones share the connection.
#[derive(Clone)]
pub(super) struct Client {
    channel: Channel,
    macaroon: MetadataValue<Ascii>,
    socket: Socket,
    deadline: Duration,
}

impl Client {
    /// Prepares the connection, which belongs to the caller's tokio runtime; nothing is sent yet.
    pub(super) fn new(config: &LndConfig) -> Result<Self, LndError> {
        let tls = config.certificate.tls().map_err(|fault| LndError::UnusableCertificate(fault.into()))?;
        let dial = Dial { socket: config.socket.clone(), tls: Arc::new(tls) };
        // The connector decides where to go and how; the address here is only what requests say.
        let endpoint = Endpoint::from_static("http://lnd")
            .user_agent(concat!("l402/", env!("CARGO_PKG_VERSION")))
            .map_err(|fault| LndError::Disconnected(fault.into()))?
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT)
            .buffer_size(MOST_WAITING);
        let channel = endpoint.connect_with_connector_lazy(tower::service_fn(move |_: Uri| {
            let dial = dial.clone();
            async move { dial.connect().await.map(TokioIo::new) }
        }));
        let (macaroon, socket) = (config.macaroon.header(), config.socket.clone());
        Ok(Self { channel, macaroon, socket, deadline: config.deadline })
    }

    /// Asks for one answer.
    pub(super) async fn ask<C: Call>(&self, call: C) -> Result<C::Answer, LndError> {
        let asked = async {
            let mut grpc = self.grpc().await?;
            let answer = grpc.unary(self.request(call), PathAndQuery::from_static(C::PATH), ProstCodec::default());
            Ok(answer.await?.into_inner())
        };
        match timeout(self.deadline, asked).await {
            Ok(answered) => answered.map_err(|status| LndError::of::<C>(status, &self.socket)),
            Err(_) => Err(LndError::TimedOut { after: self.deadline }),
        }
    }

    /// How long LND may take for one answer.
    pub(super) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Asks for a stream of answers. Nothing is sent before the first is waited for.
    pub(super) fn follow<C: Call>(&self, call: C) -> Answers<C> {
        let client = self.clone();
        // LND sends no headers before the first answer, so that opening a stream may take as long as that.
        let opening = Box::pin(async move {
            let mut grpc = client.grpc().await?;
            let (path, codec) = (PathAndQuery::from_static(C::PATH), ProstCodec::<C, C::Answer>::default());
            Ok(grpc.server_streaming(client.request(call), path, codec).await?.into_inner())
        });
        Answers { state: State::Opening(opening), socket: self.socket.clone() }
    }

    async fn grpc(&self) -> Result<Grpc<Channel>, Status> {
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(MOST_BYTES);
        grpc.ready().await.map_err(|fault| Status::from_error(fault.into()))?;
        Ok(grpc)
    }

    fn request<C: Call>(&self, call: C) -> Request<C> {
        let mut request = Request::new(call);
        if C::NEEDS.is_some() {
            request.metadata_mut().insert("macaroon", self.macaroon.clone());
        }
        request
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({})", self.socket)
    }
}

/// A stream of answers.
pub(super) struct Answers<C: Call> {
    state: State<C::Answer>,
    socket: Socket,
}

enum State<A> {
    Opening(Pin<Box<dyn Future<Output = Result<Streaming<A>, Status>> + Send>>),
    Open(Box<Streaming<A>>),
}

impl<C: Call> Answers<C> {
    /// Waits for the next answer, without a deadline; may be dropped and called again. The end of the stream is an error: LND
    /// ends none that somebody waits for.
    pub(super) async fn next(&mut self) -> Result<C::Answer, LndError> {
        let fault = |status| LndError::of::<C>(status, &self.socket);
        if let State::Opening(opening) = &mut self.state {
            let opened = opening.await.map_err(fault)?;
            self.state = State::Open(Box::new(opened));
        }
        let State::Open(stream) = &mut self.state else { return Err(LndError::Malformed) };
        match stream.message().await.map_err(fault)? {
            Some(answer) => Ok(answer),
            None => Err(LndError::Disconnected("LND ended the stream".into())),
        }
    }
}

/// Where to go, and what must be shown there.
#[derive(Clone)]
struct Dial {
    socket: Socket,
    tls: Arc<ClientConfig>,
}

impl Dial {
    async fn connect(self) -> Result<TlsStream<TcpStream>, ConnectError> {
        let dialled = async {
            let (host, port) = (self.socket.host(), self.socket.port());
            let tcp = TcpStream::connect((host, port)).await?;
            tcp.set_nodelay(true)?;
            let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
            TlsConnector::from(self.tls.clone()).connect(name, tcp).await
        };
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time");
        timeout(CONNECT_TIMEOUT, dialled).await.map_err(late).flatten().map_err(ConnectError::new)
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// LND closes a connection that pings it more often than every five seconds.
const PING_EVERY: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests that wait for the connection; the gateway's own limits are lower.
const MOST_WAITING: usize = 1024;
/// An invoice or a payment with all its attempts has some kilobytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;

//! A small HTTP/1.1 server on 127.0.0.1.

use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::io;
use std::net::TcpListener;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;

use crate::background::Background;

/// A request with its body read to the end.
pub(crate) type Request = hyper::Request<Bytes>;

/// A response whose body is at hand.
pub(crate) type Response = hyper::Response<Full<Bytes>>;

/// How long to wait when the system has no socket to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// A running server. Dropping it closes its connections.
pub(crate) struct Server {
    address: SocketAddr,
    _thread: Background,
}

impl Server {
    /// Answers each request that reaches `listener` with `handle`.
    ///
    /// A body of more than `max_body` bytes is answered 413.
    pub(crate) fn start<H, F>(name: &str, listener: TcpListener, max_body: usize, handle: H) -> io::Result<Self>
    where
        H: Fn(Request) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response> + Send + 'static,
    {
        let address = listener.local_addr()?;
        let thread = Background::start(name)?;
        thread.spawn(accept(listener, max_body, handle));
        Ok(Self { address, _thread: thread })
    }

    /// Returns where the server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Binds `port` of 127.0.0.1; 0: one that is free.
pub(crate) fn bind(port: u16) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Accepts connections until it is dropped, which drops them too.
async fn accept<H, F>(listener: TcpListener, max_body: usize, handle: H)
where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        tokio::spawn(connection(stream, max_body, handle.clone()));
    }
}

async fn connection<H, F>(stream: TcpStream, max_body: usize, handle: H)
where
    H: Fn(Request) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response> + Send + 'static,
{
    // Small answers to small questions: waiting to fill a packet would cost 40 ms each.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(request, max_body, handle.clone()));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new());
    // A connection that breaks concerns only its client.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer<H, F>(request: hyper::Request<Incoming>, max_body: usize, handle: H) -> Result<Response, hyper::Error>
where
    H: Fn(Request) -> F,
    F: Future<Output = Response>,
{
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, max_body).collect().await else {
        return Ok(status(StatusCode::PAYLOAD_TOO_LARGE));
    };
    Ok(handle(Request::from_parts(head, body.to_bytes())).await)
}

/// Returns a response of `status` without a body.
pub(crate) fn status(status: StatusCode) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    response
}

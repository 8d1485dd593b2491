//! A gateway that does nothing but forward, upstreams that say what they saw, and a client that sends bytes as they are.

use core::convert::Infallible;
use core::fmt::Write;
use core::future::Future;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Uri};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use l402_http::proxy::{Peer, Upstream, UpstreamConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) type Body = BoxBody<Bytes, Box<dyn core::error::Error + Send + Sync>>;

/// Long enough for anything that should happen, so that a hang is a failure and not a hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn origin(address: SocketAddr) -> UpstreamConfig {
    let uri: Uri = format!("http://{address}").parse().unwrap();
    UpstreamConfig::new(&uri).unwrap()
}

/// Serves an `Upstream` of that configuration.
pub(crate) async fn gateway(config: UpstreamConfig) -> SocketAddr {
    gateway_with(config, |_| ()).await
}

/// The same; `edit` stands for whatever decides about requests first.
pub(crate) async fn gateway_with<E>(config: UpstreamConfig, edit: E) -> SocketAddr
where
    E: Fn(&mut Request<Incoming>) + Clone + Send + Sync + 'static,
{
    let upstream = Upstream::<Incoming>::new(&config).unwrap();
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, from)) = listener.accept().await {
            let (upstream, edit, peer) = (upstream.clone(), edit.clone(), Peer::new(from.ip(), false));
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(peer.clone());
                edit(&mut request);
                let upstream = upstream.clone();
                async move { Ok::<_, Infallible>(upstream.forward(request).await) }
            });
            let connection =
                http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service);
            tokio::spawn(connection.with_upgrades());
        }
    });
    address
}

/// An upstream that parses requests, with the number of connections it has taken.
pub(crate) async fn upstream<H, F>(handler: H) -> (SocketAddr, Arc<AtomicUsize>)
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let (listener, address) = listen().await;
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let handler = handler.clone();
            let service = service_fn(move |request| {
                let answer = handler(request);
                async move { Ok::<_, Infallible>(answer.await) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, connections)
}

/// An upstream that answers with the head it got, one field a line, and the length of the body.
pub(crate) async fn echo() -> (SocketAddr, Arc<AtomicUsize>) {
    upstream(|request| async move {
        let (head, body) = request.into_parts();
        let length = body.collect().await.map_or(0, |body| body.to_bytes().len());
        let mut text = format!("{} {} {:?}\n", head.method, head.uri, head.version);
        for (name, value) in &head.headers {
            writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
        }
        writeln!(text, "[{length} bytes]").unwrap();
        respond(StatusCode::OK, &text)
    })
    .await
}

/// An upstream that handles the bytes of each connection itself.
pub(crate) async fn raw_upstream<H, F>(handler: H) -> SocketAddr
where
    H: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(handler(stream));
        }
    });
    address
}

pub(crate) async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

pub(crate) fn respond(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = Response::new(whole(text));
    *response.status_mut() = status;
    response
}

pub(crate) fn whole(text: &str) -> Body {
    Full::new(Bytes::copy_from_slice(text.as_bytes())).map_err(|never| match never {}).boxed()
}

/// Sends bytes and reads until the connection closes. The bytes should ask for that.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    // A reset at the end still leaves what was read before.
    let _ = tokio::time::timeout(PATIENCE, read).await.expect("an answer in time");
    String::from_utf8(answer).unwrap()
}

/// A GET with these field lines, on a connection that closes afterwards.
pub(crate) async fn get(address: SocketAddr, fields: &str) -> String {
    exchange(address, &format!("GET /path?q=1 HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n{fields}\r\n"))
        .await
}

/// A client connection that parses responses.
pub(crate) async fn client<B>(address: SocketAddr) -> hyper::client::conn::http1::SendRequest<B>
where
    B: hyper::body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn core::error::Error + Send + Sync>>,
{
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Reads from a stream until the text has come.
pub(crate) async fn read_until(stream: &mut TcpStream, text: &str) -> String {
    let mut seen = Vec::new();
    let read = async {
        while !String::from_utf8_lossy(&seen).contains(text) {
            let mut chunk = [0; 4096];
            let count = stream.read(&mut chunk).await.unwrap();
            assert_ne!(count, 0, "closed after {:?}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&chunk[..count]);
        }
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the text in time");
    String::from_utf8(seen).unwrap()
}

pub(crate) async fn text(body: impl hyper::body::Body<Data = Bytes, Error: core::fmt::Debug>) -> String {
    let collected = tokio::time::timeout(PATIENCE, body.collect()).await.expect("a body in time");
    String::from_utf8(collected.unwrap().to_bytes().to_vec()).unwrap()
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

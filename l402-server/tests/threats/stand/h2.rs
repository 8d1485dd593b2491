//! An HTTP/2 client that knows beforehand what the server speaks (RFC 9113 §3.3).

use core::net::SocketAddr;
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

/// A connection; clones share it.
#[derive(Clone)]
pub(crate) struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    address: SocketAddr,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (sender, connection) = handshake(TokioExecutor::new(), stream).await.unwrap();
        tokio::spawn(connection);
        Self { sender, address }
    }

    pub(crate) async fn ask(&mut self, method: &str, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        self.sender.ready().await.unwrap();
        Reply::of(self.sender.send_request(request.body(Empty::new()).unwrap()).await.unwrap()).await
    }
}

/// An answer over HTTP/2.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) head: http::response::Parts,
    /// Whether the head was the last frame of the stream.
    pub(crate) head_only: bool,
    pub(crate) body: Bytes,
}

impl Reply {
    async fn of(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let head_only = body.is_end_stream();
        Self { head, head_only, body: body.collect().await.unwrap().to_bytes() }
    }

    pub(crate) fn field(&self, name: &str) -> &str {
        self.head.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn challenges(&self) -> Vec<&str> {
        self.head.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect()
    }

    pub(crate) fn text(&self) -> String {
        format!("{:?} {}", self.head.headers, String::from_utf8_lossy(&self.body))
    }
}

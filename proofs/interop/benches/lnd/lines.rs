//! A client that only asks what a thing costs, over connections that it has.

use std::sync::Arc;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Mutex;

/// Connections to a gateway, one for each request that is in flight at a time. Clones share them.
#[derive(Clone)]
pub(crate) struct Lines {
    uri: Uri,
    lines: Arc<[Mutex<SendRequest<Empty<Bytes>>>]>,
}

impl Lines {
    /// Opens so many connections for requests of `uri`.
    pub(crate) async fn open(uri: Uri, count: usize) -> Self {
        let mut lines = Vec::new();
        for _ in 0..count {
            let tcp = TcpStream::connect(uri.authority().unwrap().as_str()).await.unwrap();
            tcp.set_nodelay(true).unwrap();
            let (line, connection) = handshake(TokioIo::new(tcp)).await.unwrap();
            tokio::spawn(connection);
            lines.push(Mutex::new(line));
        }
        Self { uri, lines: lines.into() }
    }

    /// Asks over the connection of this number, and is told to pay.
    pub(crate) async fn unpaid(&self, line: usize) {
        let host = self.uri.authority().unwrap().as_str();
        let request = Request::get(self.uri.path()).header(HOST, host).body(Empty::new());
        let mut line = self.lines[line].lock().await;
        line.ready().await.unwrap();
        let answer = line.send_request(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::PAYMENT_REQUIRED);
        answer.into_body().collect().await.unwrap();
    }
}

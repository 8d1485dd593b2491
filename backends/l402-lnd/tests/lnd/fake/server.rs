//! gRPC over TLS, without a library for it: what crosses the wire is in plain sight.

use super::FakeLnd;
use bytes::{BufMut as _, Bytes, BytesMut};
use core::convert::Infallible;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use http_body_util::channel::{Channel, Sender};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use rustls::ServerConfig;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A status that is not 0.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) u32, pub(crate) &'static str);

/// Where answers to one request go.
pub(crate) struct Replies(Sender<Bytes, Infallible>);

impl Replies {
    pub(crate) async fn send(&mut self, message: &impl Message) {
        let mut frame = BytesMut::new();
        frame.put_u8(0);
        frame.put_u32(u32::try_from(message.encoded_len()).unwrap());
        message.encode(&mut frame).unwrap();
        let _ = self.0.send_data(frame.freeze()).await; // who asked may be gone
    }

    async fn end(mut self, status: Result<(), Refusal>) {
        let Refusal(code, message) = status.err().unwrap_or(Refusal(0, ""));
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", code.into());
        trailers.insert("grpc-message", message.parse().unwrap());
        let _ = self.0.send_trailers(trailers).await;
    }
}

/// Serves until it is dropped, which breaks all connections.
pub(crate) async fn serve(listener: TcpListener, tls: Arc<ServerConfig>, lnd: FakeLnd) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((tcp, _)) = listener.accept().await else { continue };
        let (tls, lnd) = (TlsAcceptor::from(tls.clone()), lnd.clone());
        connections.spawn(async move {
            let Ok(tls) = tls.accept(tcp).await else { return };
            let service = service_fn(move |request| answer(lnd.clone(), request));
            let _ = http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(tls), service).await;
        });
    }
}

async fn answer(lnd: FakeLnd, request: Request<Incoming>) -> Result<Response<Channel<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let macaroon = head.headers.get("macaroon").map(|value| value.to_str().unwrap().to_owned());
    let Ok(body) = body.collect().await else { core::future::pending().await };
    let message = body.to_bytes().slice(5..); // one message, not compressed
    let (sender, body) = Channel::new(16);
    tokio::spawn(async move {
        let mut replies = Replies(sender);
        let status = lnd.handle(head.uri.path(), macaroon, &message, &mut replies).await;
        replies.end(status).await;
    });
    Ok(Response::builder().header("content-type", "application/grpc").body(body).unwrap())
}

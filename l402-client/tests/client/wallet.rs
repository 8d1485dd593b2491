//! A stand-in for the sandbox's wallet: the same protocol over a fake node.

use bytes::Bytes;
use core::convert::Infallible;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use l402_lightning::testing::FakeNode;
use l402_lightning::{Invoice, Network, PaymentSource};
use l402_sandbox::{ErrorReply, InfoReply, PaidReply, PayRequest, PaymentReply, SandboxFile};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, MutexGuard};

pub(crate) struct SandboxStandIn {
    inner: Arc<Inner>,
}

struct Inner {
    node: FakeNode,
    asked_to_pay: AtomicUsize,
    till: Mutex<()>,
}

impl SandboxStandIn {
    pub(crate) async fn open(node: FakeNode, path: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let secret = "c0ffee".to_owned().into();
        SandboxFile { address: listener.local_addr().unwrap(), secret }.write(path).unwrap();
        let inner = Arc::new(Inner { node, asked_to_pay: AtomicUsize::new(0), till: Mutex::new(()) });
        let wallet = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let wallet = Arc::clone(&wallet);
                let service = service_fn(move |request| answer(Arc::clone(&wallet), request));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { inner }
    }

    /// Keeps it from paying, until what this returns is dropped.
    pub(crate) async fn hold(&self) -> MutexGuard<'_, ()> {
        self.inner.till.lock().await
    }

    pub(crate) fn asked_to_pay(&self) -> usize {
        self.inner.asked_to_pay.load(Ordering::SeqCst)
    }

    /// Waits until somebody has asked it to pay.
    pub(crate) async fn is_asked_to_pay(&self) {
        while self.asked_to_pay() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn answer(wallet: Arc<Inner>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    if path == "/v1/info" {
        return Ok(json(200, &InfoReply::new(Network::Regtest, wallet.node.node_id())));
    }
    if let Some(hash) = path.strip_prefix("/v1/payments/") {
        let status = wallet.node.payment(&hash.parse().unwrap()).await.unwrap();
        return Ok(json(200, &PaymentReply::from(&status)));
    }
    wallet.asked_to_pay.fetch_add(1, Ordering::SeqCst);
    drop(wallet.till.lock().await);
    let request: PayRequest = serde_json::from_slice(&body).unwrap();
    let invoice = Invoice::parse(&request.invoice).unwrap();
    // On a task of its own, as the sandbox does it: a payment that has begun does not end with its client.
    let node = wallet.node.clone();
    let paying = tokio::spawn(async move { node.pay(&invoice, request.limit()).await });
    Ok(match paying.await.unwrap() {
        Ok(paid) => json(200, &PaidReply::from(&paid)),
        Err(fault) => {
            let reply = ErrorReply::from(&fault);
            json(reply.error.status(), &reply)
        }
    })
}

fn json(status: u16, reply: &impl Serialize) -> Response<Full<Bytes>> {
    let body = serde_json::to_vec(reply).unwrap();
    Response::builder().status(status).body(Full::from(body)).unwrap()
}

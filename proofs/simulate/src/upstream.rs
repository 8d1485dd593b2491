//! The upstream: it answers as it is told, whoever waits for it.

use crate::answer::{Body, Down, Order};
use crate::book::Book;
use crate::meter::Delivery;
use crate::process::Process;
use core::pin::Pin;
use core::task::{Context, Poll};
use http::{Request, Response};
use std::sync::Arc;
use tower::Service;

/// The way of one gateway to the upstream.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) process: Arc<Process>,
    pub(crate) book: Arc<Book>,
}

impl Service<Request<String>> for Upstream {
    type Response = Response<Body>;
    type Error = Down;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Down>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Down>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let this = self.clone();
        let order: Order = *request.extensions().get().expect("every request has one");
        let delivery: Option<Arc<Delivery>> = request.extensions().get().cloned();
        Box::pin(async move {
            this.process.step().await;
            this.book.forwarded(order.call, request.headers());
            // Whoever asked may not wait for it any more.
            let (book, ended) = (Arc::clone(&this.book), tokio::sync::oneshot::channel());
            tokio::spawn(async move {
                tokio::time::sleep(order.delay).await;
                book.answered(order.call);
                ended.0.send(()).unwrap_or_default();
            });
            ended.1.await.unwrap_or_default();
            this.process.step().await;
            match delivery {
                Some(delivery) => Ok(delivery.response()),
                None => order.answer.response(),
            }
        })
    }
}

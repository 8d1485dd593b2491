//! Servers that sell, and some that only take money.

use crate::draw::Draw;
use crate::halt::Halt;
use bytes::Bytes;
use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use l402_core::Msat;
use l402_core::macaroon::{RootKey, base64, mint};
use l402_http::pay::ReplayBody;
use l402_lightning::testing::FakeNode;
use l402_lightning::{InvoiceRequest, InvoiceSource};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tower_service::Service;

/// What is sold, by the text of the token.
#[derive(Debug)]
pub(crate) struct Shop {
    pub(crate) payee: FakeNode,
    pub(crate) draw: Arc<Draw>,
    sold: Mutex<HashMap<String, Sale>>,
}

#[derive(Debug)]
struct Sale {
    path: String,
    left: Option<u64>,
}

impl Shop {
    pub(crate) fn new(payee: FakeNode, draw: Arc<Draw>) -> Self {
        Self { payee, draw, sold: Mutex::default() }
    }

    /// Tells whether a token opens a path, and takes a use of it.
    fn opens(&self, token: &str, path: &str) -> bool {
        let mut sold = self.sold.lock().unwrap();
        let Some(sale) = sold.get_mut(token).filter(|sale| sale.path == path && sale.left != Some(0)) else {
            return false;
        };
        sale.left = sale.left.map(|left| left - 1);
        true
    }

    async fn answer(&self, path: &str, credential: Option<&str>) -> Response<Full<Bytes>> {
        let is_liar = path.contains("liar");
        let token = credential.and_then(|text| text.split(' ').nth(1)?.split(':').next());
        if !is_liar && token.is_some_and(|token| self.opens(token, path)) {
            let status = if self.draw.percent(5) { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
            return Response::builder().status(status).body(Full::default()).unwrap();
        }
        let amount_msat = Msat::new(1 + self.draw.below(40_000));
        let request = InvoiceRequest { amount_msat, description: "", expiry: Duration::from_hours(1) };
        let invoice = self.payee.create_invoice(request).await.unwrap();
        let (mut bytes, mut text) = ([0; 256], [0; 512]);
        let id = self.draw.bytes().map(|byte| b'a' + byte % 26);
        let uses = uses_of(path);
        let caveat = uses.map(|uses| format!("one_uses={uses}"));
        let caveats: Vec<&[u8]> =
            [&b"services=one:0"[..]].into_iter().chain(caveat.as_deref().map(str::as_bytes)).collect();
        let token = mint(&RootKey::new(b"root"), b"", &id, &caveats, &mut bytes).unwrap();
        let token = base64::encode_into(token.as_bytes(), &mut text).unwrap();
        self.sold.lock().unwrap().insert(token.to_owned(), Sale { path: path.to_owned(), left: uses });
        let challenge = format!("L402 token=\"{token}\", invoice=\"{}\"", invoice.bolt11());
        // One that contradicts its own invoice is not paid.
        let price = amount_msat.get() - u64::from(self.draw.percent(5));
        let body = Full::from(format!("{{\"price_msat\":{price}}}"));
        Response::builder().status(402).header("www-authenticate", challenge).body(body).unwrap()
    }
}

/// With how many uses a path is sold: the hot ones are counted.
fn uses_of(path: &str) -> Option<u64> {
    match path.rsplit('/').next().unwrap() {
        "hot1" => Some(1),
        "hot3" => Some(3),
        _ => None,
    }
}

/// The way of one caller to the servers.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) shop: Arc<Shop>,
    pub(crate) halt: Arc<Halt>,
}

impl Service<Request<ReplayBody<Full<Bytes>>>> for Line {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReplayBody<Full<Bytes>>>) -> Self::Future {
        let Self { shop, halt } = self.clone();
        Box::pin(async move {
            halt.step().await;
            let credential = request.headers().get("authorization").and_then(|value| value.to_str().ok());
            let response = shop.answer(&request.uri().to_string(), credential).await;
            halt.step().await;
            Ok(response)
        })
    }
}

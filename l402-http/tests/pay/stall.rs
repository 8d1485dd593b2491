//! A server that sells in a way of its own, and a buyer: any form of token and challenge that is met in the field.

use crate::shop::{Error, Http, PRICE_MSAT};
use bytes::Bytes;
use core::time::Duration;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use l402_core::macaroon::{RootKey, base64, mint};
use l402_core::{ChallengeLine, Identifier, Msat, PaymentHash, Preimage, Scheme, SpendLimits, TokenId};
use l402_http::pay::{MemoryStore, PayLayer, PaySettings, ReplayBody};
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{InvoiceRequest, InvoiceSource};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tower::{Layer, ServiceExt, service_fn};

/// Sells one thing, in a way of its own.
#[derive(Clone)]
pub(crate) struct Stall {
    pub(crate) node: FakeNode,
    pub(crate) manner: Manner,
    /// Tokens that open the stall, with what their payments prove.
    pub(crate) sold: Arc<Mutex<HashMap<String, PaymentHash>>>,
    pub(crate) seen: Arc<Mutex<Vec<Request<()>>>>,
}

/// How a stall makes what it shows.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) token: fn(&PaymentHash) -> String,
    pub(crate) lines: Lines,
    pub(crate) body: fn(&PaymentHash) -> String,
    /// What the tokens are for, if it is not the invoice.
    pub(crate) named: Option<PaymentHash>,
    /// What a token that is refused is answered with: a status, and a challenge that cannot be answered, if any.
    pub(crate) bare: Option<(StatusCode, &'static str)>,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            token: |hash| v2(&version_0(hash), &[]),
            lines: |token, invoice| ChallengeLine::both(token, invoice).map(|line| line.to_string()).into(),
            body: |_| String::new(),
            named: None,
            bare: None,
        }
    }
}

impl Stall {
    pub(crate) async fn serve(self, request: Request<()>) -> Response<Full<Bytes>> {
        let presented = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
        self.seen.lock().unwrap().push(request);
        if presented.as_deref().is_some_and(|credential| self.accepts(credential)) {
            return Response::new(Full::from("served"));
        }
        let mut response = Response::new(Full::default());
        if let (Some((status, line)), true) = (self.manner.bare, presented.is_some()) {
            *response.status_mut() = status;
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(line));
            return response;
        }
        let asked =
            InvoiceRequest { amount_msat: Msat::new(PRICE_MSAT), description: "stall", expiry: Duration::from_mins(1) };
        let invoice = self.node.create_invoice(asked).await.unwrap();
        let token = (self.manner.token)(&self.manner.named.unwrap_or(invoice.payment_hash()));
        *response.body_mut() = Full::from((self.manner.body)(&invoice.payment_hash()));
        *response.status_mut() = StatusCode::PAYMENT_REQUIRED;
        for line in (self.manner.lines)(&token, invoice.bolt11()) {
            response.headers_mut().append(WWW_AUTHENTICATE, HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        self.sold.lock().unwrap().insert(token, invoice.payment_hash());
        response
    }

    /// Whether a token stands in the credential byte for byte, and is paid for.
    pub(crate) fn accepts(&self, credential: &str) -> bool {
        let Some((scheme, credential)) = credential.split_once(' ') else { return false };
        let Some((token, preimage)) = credential.rsplit_once(':') else { return false };
        let preimage = Preimage::from_hex(preimage.as_bytes()).unwrap();
        Scheme::parse(scheme.as_bytes()).is_some()
            && self.sold.lock().unwrap().get(token).is_some_and(|hash| preimage.matches(hash))
    }
}

/// A stall and a buyer.
pub(crate) struct Market {
    pub(crate) stall: Stall,
    pub(crate) wallet: FakeNode,
    pub(crate) store: MemoryStore,
    pub(crate) http: Http,
}

impl Market {
    pub(crate) fn new(manner: Manner) -> Self {
        let network = FakeNetwork::new();
        let (node, wallet) = (network.node(), network.node());
        let stall = Stall { node, manner, sold: Arc::default(), seen: Arc::default() };
        let serve = stall.clone();
        let http = Http::new(service_fn(move |request: Request<ReplayBody<Full<Bytes>>>| {
            let answer = serve.clone().serve(request.map(drop));
            async move { Ok(answer.await) }
        }));
        Self { stall, wallet, store: MemoryStore::new(), http }
    }

    pub(crate) async fn get(&self) -> Result<Response<Full<Bytes>>, Error> {
        self.send(Request::get("http://stall.example/").body(Full::default()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Error> {
        self.send_with(|_| (), request).await
    }

    pub(crate) async fn send_with(
        &self,
        change: impl FnOnce(&mut PaySettings),
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Full<Bytes>>, Error> {
        let mut settings =
            PaySettings::new(SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(0) });
        change(&mut settings);
        let client = PayLayer::new(self.wallet.clone(), self.store.clone(), settings).layer(self.http.clone());
        tokio::time::timeout(Duration::from_mins(1), client.oneshot(request)).await.expect("an answer in time")
    }

    pub(crate) fn seen(&self, field: &str) -> Vec<Option<String>> {
        let seen = self.stall.seen.lock().unwrap();
        let value = |request: &Request<()>| Some(request.headers().get(field)?.to_str().unwrap().to_owned());
        seen.iter().map(value).collect()
    }
}

pub(crate) async fn sold(what: &str, manner: Manner) {
    let market = Market::new(manner);
    match market.get().await {
        Ok(response) => assert_eq!(response.status(), StatusCode::OK, "{what}"),
        Err(error) => panic!("{what}: {error:?}"),
    }
    assert_eq!(market.wallet.payments_sent(), 1, "{what}");
}

pub(crate) async fn not_paid(what: &str, manner: Manner) -> Error {
    let market = Market::new(manner);
    let error = market.get().await.expect_err(what);
    assert_eq!((market.wallet.payments_sent(), market.stall.seen.lock().unwrap().len()), (0, 1), "{what}");
    error
}

pub(crate) fn text(bytes: &[u8]) -> String {
    let mut out = vec![0; base64::encoded_len(bytes.len())];
    base64::encode_into(bytes, &mut out).unwrap().to_owned()
}

pub(crate) fn v2(identifier: &[u8], caveats: &[&[u8]]) -> String {
    let mut out = [0; 1024];
    text(mint(&RootKey::new(b"a key"), b"stall", identifier, caveats, &mut out).unwrap().as_bytes())
}

pub(crate) fn v1(identifier: &[u8]) -> String {
    let packet = |key: &str, value: &[u8]| {
        let length = format!("{:04x}", key.len() + value.len() + 6);
        [length.as_bytes(), key.as_bytes(), b" ", value, b"\n"].concat()
    };
    text(&[packet("location", b"stall"), packet("identifier", identifier), packet("signature", &[0xfb; 32])].concat())
}

pub(crate) fn version_0(hash: &PaymentHash) -> [u8; 66] {
    Identifier::new(*hash, TokenId::from_bytes([7; 32])).to_bytes()
}

pub(crate) fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// How something is made of a payment hash, by its name.
pub(crate) type Kind = (&'static str, fn(&PaymentHash) -> String);

/// How the lines of a challenge are made of a token and an invoice.
pub(crate) type Lines = fn(&str, &str) -> Vec<String>;

/// Tokens in which the hash can be read.
pub(crate) const READABLE: [Kind; 11] = [
    ("V2, 66 bytes", |hash| v2(&version_0(hash), &[])),
    ("V2 of a version 1", |hash| v2(&[&[0, 1], &hash.as_bytes()[..], &[7; 32]].concat(), &[])),
    ("V2, 32 bytes", |hash| v2(hash.as_bytes(), &[])),
    ("V2, one byte and 32", |hash| v2(&[&[0], &hash.as_bytes()[..]].concat(), &[])),
    ("V2, 64 digits", |hash| v2(&hex(hash.as_bytes()), &[])),
    ("V2, 132 digits", |hash| v2(&hex(&version_0(hash)), &[])),
    ("V2 with caveats", |hash| v2(hash.as_bytes(), &[b"services=stall:0", b"colour = blue"])),
    ("V1, 66 bytes", |hash| v1(&version_0(hash))),
    ("V1, 32 bytes", |hash| v1(hash.as_bytes())),
    ("JSON", |hash| text(format!(r#"{{"payment_hash":"{hash}","mac":"00"}}"#).as_bytes())),
    ("JWT", |hash| {
        let claims = text(format!(r#"{{"payment_hash":"{hash}"}}"#).as_bytes());
        format!("eyJhbGciOiJIUzI1NiJ9.{}.c2lnbmF0dXJl", claims.replace('=', ""))
    }),
];

/// Tokens in which nothing can be read.
pub(crate) const UNREADABLE: [Kind; 7] = [
    ("V2 with a name", |hash| v2(format!("token {:.8}", hash.to_string()).as_bytes(), &[])),
    ("V2 with a name of 32 characters", |hash| v2(&hash.to_string().into_bytes()[..32], &[])),
    ("V2 of 40 bytes", |hash| v2(&[&hash.as_bytes()[..], &[1; 8]].concat(), &[])),
    ("a JWT of something else", |hash| format!("eyJhbGciOiJIUzI1NiJ9.e30.{}", &hash.to_string()[..8])),
    ("base64 of something else", |hash| text(&hash.as_bytes()[..20])),
    ("no base64", |hash| format!("~{}!'(*)/?=", &hash.to_string()[..8])),
    ("very long", |hash| format!("{}{}", &hash.to_string()[..8], "x".repeat(20_000))),
];

pub(crate) const OTHER: PaymentHash = PaymentHash::from_bytes([0xee; 32]);

//! A server that sells, and now and then lies, hangs or breaks off.

use bytes::Bytes;
use core::convert::Infallible;
use core::net::SocketAddr;
use core::sync::atomic::{AtomicU8, Ordering};
use core::time::Duration;
use futures_util::stream::{self, Stream, StreamExt};
use http::{Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use l402_core::{
    ChallengeLine, CountedGrant, Counter, CounterKey, CredentialHeaders, Decision, DerivedKeys, Gate, GatePolicy,
    MasterKey, Msat, Name, Offer, PaymentHash, TokenText, Uses,
};
use l402_lightning::testing::FakeNode;
use l402_lightning::{InvoiceRequest, InvoiceSource};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A running server. It ends with the runtime.
pub(crate) struct Shop {
    scheme: &'static str,
    address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    gate: Gate<DerivedKeys>,
    payee: FakeNode,
    minted: AtomicU8,
    seen: Mutex<Vec<Request<Bytes>>>,
    failure: Mutex<Option<Failure>>,
    /// How often each counter of a payment was used.
    used: Mutex<HashMap<(PaymentHash, CounterKey), u64>>,
}

/// How the shop fails whom it was paid by.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Failure {
    Status503,
    Status403,
    Break,
    /// The use is taken, and the connection dies before the response.
    Lose,
    /// The same of the next as well.
    LoseTwice,
    /// The use is in doubt: 502.
    Doubt,
    /// No use is taken: a status, its reason, and when to come back.
    Withhold(u16, &'static str, Option<u64>),
}

impl Shop {
    pub(crate) async fn open(payee: FakeNode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shop = Self::new(payee, "http", listener.local_addr().unwrap());
        let inner = Arc::clone(&shop.inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(attend(Arc::clone(&inner), stream));
            }
        });
        shop
    }

    /// As `open`, over TLS; the certificate is written to a PEM file.
    pub(crate) async fn open_tls(payee: FakeNode, certificate: &Path) -> Self {
        let (pem, acceptor) = tls();
        std::fs::write(certificate, pem).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let shop = Self::new(payee, "https", listener.local_addr().unwrap());
        let inner = Arc::clone(&shop.inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(stream) = acceptor.accept(stream).await else { continue };
                tokio::spawn(attend(Arc::clone(&inner), stream));
            }
        });
        shop
    }

    fn new(payee: FakeNode, scheme: &'static str, address: SocketAddr) -> Self {
        let gate = Gate::new(DerivedKeys::new(0, &MasterKey::from_bytes([7; 32])), GatePolicy::default());
        let inner = Arc::new(Inner {
            gate,
            payee,
            minted: AtomicU8::new(0),
            seen: Mutex::default(),
            failure: Mutex::default(),
            used: Mutex::default(),
        });
        Self { scheme, address, inner }
    }

    /// Fails the next request that was paid for, once.
    pub(crate) fn fail_next_sale(&self, failure: Failure) {
        *self.inner.failure.lock().unwrap() = Some(failure);
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// Returns the `Authorization` fields of the requests so far, empty where there was none.
    pub(crate) fn credentials(&self) -> Vec<String> {
        self.all("authorization")
    }

    /// Returns a field of the last request.
    pub(crate) fn last(&self, name: &str) -> String {
        field(self.inner.seen.lock().unwrap().last().unwrap(), name)
    }

    /// Returns a field of all requests, empty where there was none.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.inner.seen.lock().unwrap().iter().map(|request| field(request, name)).collect()
    }

    /// Returns the target of the last request.
    pub(crate) fn last_uri(&self) -> String {
        self.inner.seen.lock().unwrap().last().unwrap().uri().to_string()
    }

    /// Returns the requests so far.
    pub(crate) fn seen(&self) -> Vec<Request<Bytes>> {
        self.inner.seen.lock().unwrap().clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.inner.seen.lock().unwrap().len()
    }
}

/// Makes a certificate for 127.0.0.1, as PEM, and what shows it.
pub(crate) fn tls() -> (String, TlsAcceptor) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    (cert.pem(), TlsAcceptor::from(Arc::new(config)))
}

fn field(request: &Request<Bytes>, name: &str) -> String {
    request.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

type Answer = Response<UnsyncBoxBody<Bytes, &'static str>>;

async fn attend<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(shop: Arc<Inner>, stream: S) {
    let service = service_fn(move |request| serve(Arc::clone(&shop), request));
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await; // clients may leave
}

async fn serve(shop: Arc<Inner>, request: Request<Incoming>) -> Result<Answer, Lost> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let (path, query) = (parts.uri.path().to_owned(), parts.uri.query().unwrap_or_default().to_owned());
    let request = Request::from_parts(parts, body);
    shop.seen.lock().unwrap().push(request.clone());
    Ok(match path.as_str() {
        "/free" => text(200, "free"),
        "/teapot" => text(418, "short and stout"),
        "/moved" => answer(302, Full::default().map_err(never).boxed_unsync(), &[("location", query)]),
        "/kept" => answer(307, Full::default().map_err(never).boxed_unsync(), &[("location", query)]),
        "/lost" => return Err(Lost),
        "/hang" => core::future::pending().await,
        "/stall" => text_then(stream::pending()),
        "/break" => text_then(stream::once(async { Err("broken off") })),
        "/stream" => text_then(stream::repeat_with(|| Ok(Frame::data(Bytes::from_static(&[b'x'; 4096]))))),
        "/bare" => text(402, "pay me somehow"),
        "/html" => offer("text/html", "<p>pay me", &[]),
        "/payment" => offer("application/json", "{}", &[("www-authenticate", PAYMENT)]),
        "/x402" => offer("application/json", X402, &[]),
        "/fewsats" => offer("application/json", FEWSATS, &[]),
        "/down" => text(503, "out of order"),
        "/garbled" => challenge(&[r#"L402 version="0", token="? ?", invoice="lnbc1""#.to_owned()], ""),
        "/dear" => sell(&shop, &request, "dear", 1_000_000).await?,
        "/liar" => sell(&shop, &request, "liar", 21_000).await?,
        "/never" => sell(&shop, &request, "never", 21_000).await?,
        _ => sell(&shop, &request, path.trim_start_matches('/'), 21_000).await?,
    })
}

async fn sell(shop: &Inner, request: &Request<Bytes>, service: &str, price_msat: u64) -> Result<Answer, Lost> {
    let uses = match service {
        "once" => Uses::ONCE,
        "bundle" => Uses::times(3).unwrap(),
        _ => Uses::Unlimited,
    };
    let service = Name::new(service).unwrap();
    let offer = Offer::new(service, Msat::new(price_msat)).uses(uses);
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let mut fields = CredentialHeaders::new();
    for (name, value) in request.headers() {
        fields.add(name.as_str(), value.as_bytes());
    }
    Ok(match shop.gate.decide(&fields, &offer, now.into()) {
        Decision::Reserve { grant, .. } => return serve_counted(shop, request, &offer, &grant, now).await,
        Decision::Admit(_) if offer.service.as_str() == "paid-move" => {
            let location = request.uri().query().unwrap_or_default().to_owned();
            answer(302, Full::default().map_err(never).boxed_unsync(), &[("location", location)])
        }
        Decision::Admit(_) if offer.service.as_str() != "never" => {
            match shop.failure.lock().unwrap().take() {
                Some(Failure::Status503) => return Ok(text(503, "out of order")),
                Some(Failure::Status403) => return Ok(text(403, "not you")),
                Some(Failure::Break) => return Ok(text_then(broken_off())),
                Some(Failure::Lose | Failure::LoseTwice) => return Err(Lost),
                Some(Failure::Withhold(..) | Failure::Doubt) | None => {}
            }
            let sold = format!("{} {} {}", request.method(), offer.service, String::from_utf8_lossy(request.body()));
            answer(200, Full::from(sold).map_err(never).boxed_unsync(), &[])
        }
        Decision::Refuse(refusal) => text(refusal.status, "refused"),
        _ => charge(shop, &offer, now).await,
    })
}

/// The response is lost on its way.
#[derive(Debug)]
struct Lost;

impl core::fmt::Display for Lost {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("lost")
    }
}

impl core::error::Error for Lost {}

/// Serves who has a use left, as a gateway with a ledger does.
async fn serve_counted(
    shop: &Inner,
    request: &Request<Bytes>,
    offer: &Offer,
    grant: &CountedGrant,
    now: u64,
) -> Result<Answer, Lost> {
    let failure = shop.failure.lock().unwrap().take();
    if let Some(Failure::Withhold(status, reason, retry_after)) = failure {
        let body = format!(r#"{{"error":"","reason":"{reason}","message":""}}"#);
        let retry_after = retry_after.map(|seconds| ("retry-after", seconds.to_string()));
        return Ok(answer(status, Full::from(body).map_err(never).boxed_unsync(), retry_after.as_slice()));
    }
    if let Some(Failure::Doubt) = failure {
        let body = Full::from("bad gateway").map_err(never).boxed_unsync();
        return Ok(answer(502, body, &[("x-l402", "in-doubt".to_owned())]));
    }
    let Some(left) = shop.take(grant) else {
        let mut response = charge(shop, offer, now).await;
        *response.body_mut() = Full::from(r#"{"reason":"spent"}"#).map_err(never).boxed_unsync();
        return Ok(response);
    };
    let sold = format!("{} {} {}", request.method(), offer.service, String::from_utf8_lossy(request.body()));
    let mut response = answer(200, Full::from(sold).map_err(never).boxed_unsync(), &[]);
    response.headers_mut().insert("x-l402-remaining", left.into());
    if left == 0 {
        response.headers_mut().insert("x-l402", "spent".parse().unwrap());
    }
    match failure {
        Some(Failure::Lose) => Err(Lost),
        Some(Failure::LoseTwice) => {
            *shop.failure.lock().unwrap() = Some(Failure::Lose);
            Err(Lost)
        }
        Some(Failure::Break) => {
            *response.body_mut() = text_then(broken_off()).into_body();
            response.headers_mut().remove("content-length");
            Ok(response)
        }
        _ => Ok(response),
    }
}

impl Inner {
    /// Takes one from each counter, or nothing, and returns the least that is left.
    fn take(&self, grant: &CountedGrant) -> Option<u64> {
        let mut used = self.used.lock().unwrap();
        let key = |counter: &Counter| (grant.payment_hash(), counter.key);
        let left = |used: &HashMap<_, u64>, counter: &Counter| {
            counter.limit.checked_sub(used.get(&key(counter)).copied().unwrap_or_default() + 1)
        };
        let least = grant.counters().iter().map(|counter| left(&used, &counter)).min().flatten()?;
        for counter in grant.counters().iter() {
            *used.entry(key(&counter)).or_default() += 1;
        }
        Some(least)
    }
}

async fn charge(shop: &Inner, offer: &Offer, now: u64) -> Answer {
    let description = "weather \u{1b}[2J today";
    let request = InvoiceRequest { amount_msat: offer.price_msat, description, expiry: Duration::from_mins(5) };
    let invoice = shop.payee.create_invoice(request).await.unwrap();
    let random = [shop.minted.fetch_add(1, Ordering::Relaxed); 28];
    let mut text = TokenText::new();
    let token = shop.gate.keys().mint(offer, &invoice.payment_hash(), random, now.into(), &mut text).unwrap();
    let lines = ChallengeLine::both(token, invoice.bolt11()).map(|line| line.to_string());
    let body = if offer.service.as_str() == "liar" { r#"{"price_msat":1}"# } else { r#"{"error":"Payment Required"}"# };
    challenge(&lines, body)
}

fn challenge(lines: &[String], body: &'static str) -> Answer {
    let mut response = text(402, body);
    for line in lines {
        response.headers_mut().append(header::WWW_AUTHENTICATE, line.parse().unwrap());
    }
    response
}

/// A 402 that asks to be paid in another way.
fn offer(content_type: &str, body: &'static str, fields: &[(&'static str, &str)]) -> Answer {
    let mut fields: Vec<_> = fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    fields.push(("content-type", content_type.to_owned()));
    answer(402, Full::from(body).map_err(never).boxed_unsync(), &fields)
}

fn text(status: u16, text: &'static str) -> Answer {
    answer(status, Full::from(text).map_err(never).boxed_unsync(), &[("x-shop", "open".to_owned())])
}

fn text_then(rest: impl Stream<Item = Result<Frame<Bytes>, &'static str>> + Send + 'static) -> Answer {
    let start = stream::once(async { Ok(Frame::data(Bytes::from_static(b"beginning"))) });
    answer(200, StreamBody::new(start.chain(rest)).boxed_unsync(), &[])
}

/// The head and the beginning are on their way by then.
fn broken_off() -> impl Stream<Item = Result<Frame<Bytes>, &'static str>> + Send + 'static {
    stream::once(async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Err("broken off")
    })
}

fn answer(status: u16, body: UnsyncBoxBody<Bytes, &'static str>, fields: &[(&'static str, String)]) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in fields {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}

/// The request is `{"amount":"21","currency":"sat"}`.
const PAYMENT: &str = r#"Payment id="1", realm="a", method="lightning", intent="charge", request="eyJhbW91bnQiOiIyMSIsImN1cnJlbmN5Ijoic2F0In0""#;
const X402: &str =
    r#"{"x402Version":1,"accepts":[{"network":"base","maxAmountRequired":"10000","asset":"USDC\u001b[2J"}]}"#;
const FEWSATS: &str = r#"{"version":"0.1","payment_request_url":"http://a/pay","payment_context_token":"t",
    "offers":[{"id":"1","title":"10 calls","amount":100,"currency":"USD"}]}"#;

fn never(impossible: Infallible) -> &'static str {
    match impossible {}
}

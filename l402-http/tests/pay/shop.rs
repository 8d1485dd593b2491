//! A server without a socket, whose clients reach it at every origin, and which can be told to lie.

use bytes::Bytes;
use core::convert::Infallible;
use core::time::Duration;
use futures_util::future::BoxFuture;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::{BodyExt, Collected, Full};
use l402_core::{
    ChallengeLine, CredentialHeaders, Decision, DerivedKeys, Gate, GatePolicy, MasterKey, Msat, Name, Offer,
    PaymentHash, Preimage, SpendLimits, TokenText,
};
use l402_http::pay::{MemoryStore, PayLayer, PayService, PaySettings, ReplayBody, RequestError};
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{InvoiceRequest, InvoiceSource};
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;
use tower::util::BoxCloneService;
use tower::{Layer, ServiceExt, service_fn};

pub(crate) const PRICE_MSAT: u64 = 21_000;

/// How the shop departs from honesty.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// The body of the 402 declares a lower price than the invoice.
    DeclaresLess,
    /// The body of the 402 declares another payment hash.
    DeclaresOtherHash,
    /// The token is for another payment than the invoice.
    SellsNothing,
    /// The same, and the 402 has no body that would show it.
    SellsNothingQuietly,
    /// No token is ever accepted.
    AcceptsNothing,
    /// The same, and who shows one is told nothing but that.
    RejectsBarely,
    /// A request with a token learns that the shop is out of order.
    IsOutOfOrder,
    /// The challenge has no invoice.
    HalfAChallenge,
    /// The 402 asks to be paid in another way.
    OtherScheme,
    /// There is no challenge in the 402.
    NoChallenge,
    /// There is none in a 401 either.
    NoChallenge401,
}

/// One request as the shop saw it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) uri: Uri,
    pub(crate) authorization: Option<String>,
}

/// Sells `/NAME/…` as the service NAME; `/free` costs nothing, `/grpc` answers in gRPC's form.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) node: FakeNode,
    state: Arc<Mutex<State>>,
}

struct State {
    gate: Gate<DerivedKeys>,
    lie: Option<Lie>,
    single_use: bool,
    first_use_takes: Duration,
    spent: HashSet<PaymentHash>,
    tells: Vec<(&'static str, &'static str)>,
    seen: Vec<Seen>,
    minted: u8,
}

impl Shop {
    pub(crate) fn open(network: &FakeNetwork) -> Self {
        let state = State {
            gate: gate(7),
            lie: None,
            single_use: false,
            first_use_takes: Duration::ZERO,
            spent: HashSet::new(),
            tells: Vec::new(),
            seen: Vec::new(),
            minted: 0,
        };
        Self { node: network.node(), state: Arc::new(Mutex::new(state)) }
    }

    pub(crate) fn lies(&self, lie: Lie) {
        self.state.lock().unwrap().lie = Some(lie);
    }

    pub(crate) fn is_honest_again(&self) {
        self.state.lock().unwrap().lie = None;
    }

    pub(crate) fn sells_single_uses(&self) {
        self.state.lock().unwrap().single_use = true;
    }

    /// What is served says this of its token from now on.
    pub(crate) fn tells(&self, headers: &[(&'static str, &'static str)]) {
        self.state.lock().unwrap().tells = headers.to_vec();
    }

    /// The next request with a token is overtaken by any that comes in that time.
    pub(crate) fn dawdles_once(&self, time: Duration) {
        self.state.lock().unwrap().first_use_takes = time;
    }

    /// Every token sold so far is worthless from now on.
    pub(crate) fn changes_its_key(&self) {
        self.state.lock().unwrap().gate = gate(8);
    }

    /// Every token sold before it changed its key is good again.
    pub(crate) fn finds_its_key_again(&self) {
        self.state.lock().unwrap().gate = gate(7);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }

    /// Answers a client that does not pay.
    pub(crate) async fn show(&self, uri: &str) -> Response<Full<Bytes>> {
        self.clone().serve(Request::get(uri).body(Full::<Bytes>::default()).unwrap()).await
    }

    async fn serve<B: Body<Data = Bytes>>(self, request: Request<B>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_or_else(|_| panic!("a body"), Collected::to_bytes);
        let authorization = head.headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
        if authorization.is_some() {
            let time = core::mem::take(&mut self.state.lock().unwrap().first_use_takes);
            tokio::time::sleep(time).await;
        }
        let mut fields = CredentialHeaders::new();
        for (name, value) in &head.headers {
            fields.add(name.as_str(), value.as_bytes());
        }
        let service = head.uri.path().split('/').nth(1).unwrap().to_owned();
        let offer = Offer::new(Name::new(&service).unwrap(), Msat::new(PRICE_MSAT)).valid_for(Duration::from_mins(1));
        let mut reason = "";
        let charge = {
            let mut state = self.state.lock().unwrap();
            state.seen.push(Seen { uri: head.uri.clone(), authorization });
            if service == "free" {
                return Response::new(Full::from(body));
            }
            if state.lie == Some(Lie::RejectsBarely) && head.headers.contains_key(AUTHORIZATION) {
                let response = Response::builder();
                let refusal = match service.as_str() {
                    "grpc" => response.header("grpc-status", "16"),
                    _ => response.status(StatusCode::UNAUTHORIZED),
                };
                return refusal.body(Full::default()).unwrap();
            }
            if state.lie == Some(Lie::IsOutOfOrder) && head.headers.contains_key(AUTHORIZATION) {
                let response = Response::builder();
                let fault = match service.as_str() {
                    "grpc" => response.header("grpc-status", "14"),
                    _ => response.status(StatusCode::SERVICE_UNAVAILABLE),
                };
                return fault.body(Full::default()).unwrap();
            }
            match state.gate.decide(&fields, &offer, unix_now().into()) {
                Decision::Admit(grant) if state.lie != Some(Lie::AcceptsNothing) => {
                    if !state.single_use || state.spent.insert(grant.payment_hash()) {
                        let response = state
                            .tells
                            .iter()
                            .fold(Response::builder(), |response, (name, value)| response.header(*name, *value));
                        return response.body(Full::from(body)).unwrap();
                    }
                    reason = r#""reason":"spent","#;
                    StatusCode::PAYMENT_REQUIRED
                }
                Decision::Charge(charge) => StatusCode::from_u16(charge.status).unwrap(),
                Decision::Refuse(_) => StatusCode::BAD_REQUEST,
                _ => StatusCode::PAYMENT_REQUIRED,
            }
        };
        self.demand(charge, &offer, service == "grpc", reason).await
    }

    async fn demand(&self, status: StatusCode, offer: &Offer, grpc: bool, reason: &str) -> Response<Full<Bytes>> {
        let request =
            InvoiceRequest { amount_msat: Msat::new(PRICE_MSAT), description: "shop", expiry: Duration::from_mins(1) };
        let invoice = self.node.create_invoice(request).await.unwrap();
        let mut state = self.state.lock().unwrap();
        state.minted += 1;
        let (lie, other) = (state.lie, Preimage::from_bytes([9; 32]).hash());
        let hash = match lie {
            Some(Lie::SellsNothing | Lie::SellsNothingQuietly) => other,
            _ => invoice.payment_hash(),
        };
        let mut text = TokenText::new();
        let token = state.gate.keys().mint(offer, &hash, [state.minted; 28], unix_now().into(), &mut text).unwrap();
        let declared = match lie {
            Some(Lie::DeclaresLess) => format!(r#"{{"price_msat":1000,"payment_hash":"{hash}"}}"#),
            Some(Lie::SellsNothingQuietly) => String::new(),
            Some(Lie::DeclaresOtherHash) => format!(r#"{{"price_msat":{PRICE_MSAT},"payment_hash":"{other}"}}"#),
            _ => format!(r#"{{"error":"Payment Required",{reason}"price_msat":{PRICE_MSAT},"payment_hash":"{hash}"}}"#),
        };
        let mut response = Response::new(Full::from(declared));
        *response.status_mut() = if lie == Some(Lie::NoChallenge401) { StatusCode::UNAUTHORIZED } else { status };
        for line in challenge_lines(lie, token, invoice.bolt11()) {
            response.headers_mut().append(WWW_AUTHENTICATE, line.parse().unwrap());
        }
        if grpc {
            *response.status_mut() = StatusCode::OK;
            response.headers_mut().insert("grpc-status", HeaderValue::from_static("13"));
        }
        response
    }
}

fn challenge_lines(lie: Option<Lie>, token: &str, invoice: &str) -> Vec<String> {
    match lie {
        Some(Lie::NoChallenge | Lie::NoChallenge401) => Vec::new(),
        Some(Lie::OtherScheme) => vec![r#"Payment id="1", method="card""#.to_owned()],
        Some(Lie::HalfAChallenge) => vec![format!(r#"L402 version="0", token="{token}""#)],
        _ => ChallengeLine::both(token, invoice).map(|line| line.to_string()).into(),
    }
}

fn gate(key: u8) -> Gate<DerivedKeys> {
    Gate::new(DerivedKeys::new(0, &MasterKey::from_bytes([key; 32])), GatePolicy::default())
}

pub(crate) type Error = RequestError<Infallible>;
pub(crate) type Http = BoxCloneService<Request<ReplayBody<Full<Bytes>>>, Response<Full<Bytes>>, Infallible>;

/// A shop, and a client with a wallet and a store.
pub(crate) struct World {
    pub(crate) shop: Shop,
    pub(crate) wallet: FakeNode,
    pub(crate) store: MemoryStore,
    pub(crate) client: PayService<Http, FakeNode, MemoryStore>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut PaySettings)) -> Self {
        let network = FakeNetwork::new();
        let (shop, wallet, store) = (Shop::open(&network), network.node(), MemoryStore::new());
        let mut settings =
            PaySettings::new(SpendLimits { max_price_msat: Msat::new(100_000), max_fee_msat: Msat::new(1_000) });
        settings.payment_timeout = Duration::from_millis(50);
        change(&mut settings);
        let client = PayLayer::new(wallet.clone(), store.clone(), settings).layer(connect(&shop));
        Self { shop, wallet, store, client }
    }

    pub(crate) async fn get(&self, uri: &str) -> Result<Response<Full<Bytes>>, Error> {
        self.send(Request::get(uri).body(Full::default()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Error> {
        let answer = self.client.clone().oneshot(request);
        tokio::time::timeout(Duration::from_secs(10), answer).await.expect("an answer in time")
    }
}

/// An HTTP client that reaches the shop whatever the host.
pub(crate) fn connect(shop: &Shop) -> Http {
    let shop = shop.clone();
    BoxCloneService::new(service_fn(move |request| -> BoxFuture<'static, Result<_, Infallible>> {
        let answer = shop.clone().serve(request);
        Box::pin(async move { Ok(answer.await) })
    }))
}

pub(crate) async fn text(response: Response<Full<Bytes>>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

pub(crate) fn unix_now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()
}

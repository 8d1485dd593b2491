//! The API as its buyers meet it: the gateway with the configuration of the example, its ledger, the upstream, and a fake node.

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use l402_core::Msat;
use l402_gateway::{LedgerKeeper, Payee, Server};
use l402_lightning::testing::{FakeFault, FakeNetwork, FakeNode};
use l402_lightning::{Invoice, Network, PayLimit, PaymentSource};
use l402_server::config::Config;
use plannt::model::Model;
use plannt::{stand_in_model, upstream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};

/// The API for sale.
struct Shop {
    server: Server,
    node: FakeNode,
    wallet: FakeNode,
    _keeper: LedgerKeeper,
    _data: TempDir,
}

impl Shop {
    /// Opens it, before a model that works.
    async fn open() -> Self {
        let model = listener().await;
        let base = origin(&model);
        tokio::spawn(stand_in_model::serve(model));
        Self::before(&base).await
    }

    async fn before(model: &str) -> Self {
        let listener = listener().await;
        let (data, url) = (tempfile::tempdir().expect("a folder"), origin(&listener));
        tokio::spawn(upstream::serve(listener, Model::new(model, "stand-in").expect("a model")));
        let environment = |name: &str| match name {
            "L402_LISTEN" => Some("127.0.0.1:0".to_owned()),
            "L402_SERVER_DATA_DIR" => Some(data.path().display().to_string()),
            "OPENAI_KEY" => Some("key".to_owned()),
            _ => None,
        };
        let text = include_str!("../plannt.toml").replace("http://127.0.0.1:3402", &url);
        let config = Config::from_text(&text, &environment).expect("a configuration");
        let network = FakeNetwork::new();
        let (node, wallet) = (network.node(), network.node());
        let keeper = LedgerKeeper::start(config.ledger.open().await.expect("a ledger").ledger);
        let bound = Server::bind(&config.settings).expect("bound").ledger(&keeper);
        let payee = Payee::new(node.clone(), Network::Regtest).id(node.node_id());
        let server = bound.serve(&config.settings, &payee).expect("a gateway");
        Self { server, node, wallet, _keeper: keeper, _data: data }
    }

    async fn ask(&self, method: Method, path: &str, credential: Option<&str>) -> Answer {
        let stream = TcpStream::connect(self.server.address()).await.expect("a connection");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        let body = if method == Method::POST { r#"{"prompt":"two words"}"# } else { "" };
        let request = Request::builder().method(method).uri(path).header(HOST, "plannt.example");
        let request = request.header(CONTENT_TYPE, "application/json");
        let request = credential.into_iter().fold(request, |request, value| request.header(AUTHORIZATION, value));
        let request = request.body(Full::new(Bytes::from_static(body.as_bytes()))).expect("a request");
        let (head, body) = sender.send_request(request).await.expect("an answer").into_parts();
        let body = String::from_utf8(body.collect().await.expect("a body").to_bytes().to_vec()).expect("text");
        Answer { status: head.status, fields: head.headers, body }
    }

    async fn get(&self, path: &str, credential: Option<&str>) -> Answer {
        self.ask(Method::GET, path, credential).await
    }

    /// Pays what an answer asks for, and returns the credential.
    async fn pay(&self, asked: &Answer) -> String {
        let body = asked.json();
        let invoice = Invoice::parse(body["invoice"].as_str().expect("an invoice")).expect("an invoice");
        let paid = self.wallet.pay(&invoice, PayLimit::fee(Msat::ZERO)).await.expect("paid");
        let format = body["authorization_format"].as_str().expect("the format of the credential");
        format.replace("<preimage>", paid.preimage.to_hex().expose())
    }

    async fn buy(&self, method: Method, path: &str) -> String {
        let asked = self.ask(method, path, None).await;
        assert_eq!(asked.status, StatusCode::PAYMENT_REQUIRED, "{}", asked.body);
        self.pay(&asked).await
    }
}

/// What came back.
struct Answer {
    status: StatusCode,
    fields: HeaderMap,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|value| value.to_str().expect("text"))
    }

    #[track_caller]
    fn is(&self, status: StatusCode, reason: &str) {
        assert_eq!((self.status, &self.json()["reason"]), (status, &json!(reason)), "{}", self.body);
    }
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("bound")
}

fn origin(listener: &TcpListener) -> String {
    format!("http://{}", listener.local_addr().expect("an address"))
}

#[tokio::test]
async fn a_402_says_how_to_pay() {
    let shop = Shop::open().await;
    assert_eq!(shop.get("/status", None).await.body, "OK");
    for (method, path, price) in
        [(Method::GET, "/v1/demo", 21), (Method::GET, "/v1/data", 100), (Method::POST, "/v1/generate", 250)]
    {
        let asked = shop.ask(method, path, None).await;
        asked.is(StatusCode::PAYMENT_REQUIRED, "payment-required");
        let body = asked.json();
        assert_eq!(
            (&body["error"], &body["price_msat"], &body["uses"]),
            (&json!("Payment Required"), &json!(price * 1000), &json!(1))
        );
        assert!(body["invoice"].as_str().is_some_and(|invoice| invoice.starts_with("lnbcrt")), "{body}");
        assert_eq!(body["format"], body["authorization_format"]);
        assert!(body["format"].as_str().is_some_and(|format| format.ends_with(":<preimage>")), "{body}");
        assert!(asked.fields.get_all(WWW_AUTHENTICATE).iter().count() == 2);
    }
}

#[tokio::test]
async fn a_token_serves_once_and_says_that_it_is_spent() {
    let shop = Shop::open().await;
    let response = json!({ "response": "This is the stand-in model. Your prompt has 2 words: two words" });
    for (method, path, expected) in [
        (Method::GET, "/v1/demo", json!({ "result": "verified" })),
        (Method::GET, "/v1/data", json!({ "message": "Access granted to protected Plannt data." })),
        (Method::POST, "/v1/generate", response),
    ] {
        let credential = shop.buy(method.clone(), path).await;
        let served = shop.ask(method.clone(), path, Some(&credential)).await;
        assert_eq!((served.status, served.json()), (StatusCode::OK, expected), "{path}");
        assert_eq!((served.field("x-l402"), served.field("x-l402-remaining")), (Some("spent"), Some("0")), "{path}");
        let used = shop.ask(method.clone(), path, Some(&credential)).await;
        used.is(StatusCode::PAYMENT_REQUIRED, "spent");
        let anew = shop.pay(&used).await;
        assert_eq!(shop.ask(method, path, Some(&anew)).await.status, StatusCode::OK, "the new challenge can be paid");
    }
}

#[tokio::test]
async fn a_bundle_of_three_serves_three_times() {
    let shop = Shop::open().await;
    let credential = shop.buy(Method::GET, "/v1/tips").await;
    for left in ["2", "1", "0"] {
        let served = shop.get("/v1/tips", Some(&credential)).await;
        assert_eq!((served.status, served.field("x-l402-remaining")), (StatusCode::OK, Some(left)));
    }
    shop.get("/v1/tips", Some(&credential)).await.is(StatusCode::PAYMENT_REQUIRED, "spent");
}

#[tokio::test]
async fn what_is_malformed_is_400_and_a_bad_token_401() {
    let shop = Shop::open().await;
    for malformed in ["L402", "L402 x", "L402 !:!", "L402 AgEE:00"] {
        let answer = shop.get("/v1/demo", Some(malformed)).await;
        answer.is(StatusCode::BAD_REQUEST, "malformed-credential");
        assert_eq!(answer.json()["error"], "Bad Request");
    }
    let credential = shop.buy(Method::GET, "/v1/demo").await;
    let (token, preimage) = credential.rsplit_once(':').expect("a preimage");
    let first = if preimage.starts_with('0') { '1' } else { '0' };
    let bad = format!("{token}:{first}{}", &preimage[1..]);
    let answer = shop.get("/v1/demo", Some(&bad)).await;
    assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::UNAUTHORIZED, &json!("Invalid token")));
    assert_eq!(shop.get("/v1/demo", Some(&credential)).await.status, StatusCode::OK, "the bad one took no use");
}

#[tokio::test]
async fn without_an_invoice_it_is_503() {
    let shop = Shop::open().await;
    shop.node.misbehave(FakeFault::Unreachable);
    let answer = shop.get("/v1/demo", None).await;
    answer.is(StatusCode::SERVICE_UNAVAILABLE, "no-invoice");
    assert!(answer.field("retry-after").is_some());
    shop.node.behave();
    assert_eq!(shop.get("/v1/demo", None).await.status, StatusCode::PAYMENT_REQUIRED);
}

/// A model that fails costs no use, so that whoever paid for a text gets one.
#[tokio::test]
async fn a_model_that_fails_gives_the_use_back() {
    let model = listener().await;
    let base = origin(&model);
    let broken = post(async || StatusCode::INTERNAL_SERVER_ERROR);
    tokio::spawn(async move { axum::serve(model, Router::new().route("/v1/chat/completions", broken)).await });
    let shop = Shop::before(&base).await;
    let credential = shop.buy(Method::POST, "/v1/generate").await;
    for _ in 0..4 {
        let failed = shop.ask(Method::POST, "/v1/generate", Some(&credential)).await;
        assert_eq!((failed.status, failed.field("x-l402")), (StatusCode::BAD_GATEWAY, None), "{}", failed.body);
        assert_eq!(failed.json()["error"], "the model gave no answer");
    }
}

//! Servers that nobody here has written: tokens and challenges of every kind that is met, bought and sent back as they came.

use crate::shop::{Error, Http, PRICE_MSAT, unix_now};
use bytes::Bytes;
use core::time::Duration;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use l402_core::macaroon::{RootKey, base64, mint};
use l402_core::{
    ChallengeError, ChallengeLine, Declined, Identifier, Msat, PaymentHash, Preimage, Scheme, SpendLimits, TokenId,
};
use l402_http::pay::{
    BadChallenge, MemoryStore, PayLayer, PaySettings, Receipt, ReplayBody, Standing, Token, TokenField, TokenStore,
};
use l402_lightning::testing::{FakeNetwork, FakeNode};
use l402_lightning::{InvoiceRequest, InvoiceSource};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tower::{Layer, ServiceExt, service_fn};

/// Sells one thing, in a way of its own.
#[derive(Clone)]
struct Stall {
    node: FakeNode,
    manner: Manner,
    /// Tokens that open the stall, with what their payments prove.
    sold: Arc<Mutex<HashMap<String, PaymentHash>>>,
    seen: Arc<Mutex<Vec<Request<()>>>>,
}

/// How a stall makes what it shows.
#[derive(Clone, Copy)]
struct Manner {
    token: fn(&PaymentHash) -> String,
    lines: Lines,
    body: fn(&PaymentHash) -> String,
    /// What the tokens are for, if it is not the invoice.
    named: Option<PaymentHash>,
    /// What a token that is refused is answered with: a status, and a challenge that cannot be answered, if any.
    bare: Option<(StatusCode, &'static str)>,
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
    async fn serve(self, request: Request<()>) -> Response<Full<Bytes>> {
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
        let asked = InvoiceRequest { amount_msat: PRICE_MSAT, description: "stall", expiry: Duration::from_mins(1) };
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
    fn accepts(&self, credential: &str) -> bool {
        let Some((scheme, credential)) = credential.split_once(' ') else { return false };
        let Some((token, preimage)) = credential.rsplit_once(':') else { return false };
        let preimage = Preimage::from_hex(preimage.as_bytes()).unwrap();
        Scheme::parse(scheme.as_bytes()).is_some()
            && self.sold.lock().unwrap().get(token).is_some_and(|hash| preimage.matches(hash))
    }
}

/// A stall and a buyer.
struct Market {
    stall: Stall,
    wallet: FakeNode,
    store: MemoryStore,
    http: Http,
}

impl Market {
    fn new(manner: Manner) -> Self {
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

    async fn get(&self) -> Result<Response<Full<Bytes>>, Error> {
        self.send(Request::get("http://stall.example/").body(Full::default()).unwrap()).await
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Error> {
        self.send_with(|_| (), request).await
    }

    async fn send_with(
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

    fn seen(&self, field: &str) -> Vec<Option<String>> {
        let seen = self.stall.seen.lock().unwrap();
        let value = |request: &Request<()>| Some(request.headers().get(field)?.to_str().unwrap().to_owned());
        seen.iter().map(value).collect()
    }
}

async fn sold(what: &str, manner: Manner) {
    let market = Market::new(manner);
    match market.get().await {
        Ok(response) => assert_eq!(response.status(), StatusCode::OK, "{what}"),
        Err(error) => panic!("{what}: {error:?}"),
    }
    assert_eq!(market.wallet.payments_sent(), 1, "{what}");
}

async fn not_paid(what: &str, manner: Manner) -> Error {
    let market = Market::new(manner);
    let error = market.get().await.expect_err(what);
    assert_eq!((market.wallet.payments_sent(), market.stall.seen.lock().unwrap().len()), (0, 1), "{what}");
    error
}

fn text(bytes: &[u8]) -> String {
    let mut out = vec![0; base64::encoded_len(bytes.len())];
    base64::encode_into(bytes, &mut out).unwrap().to_owned()
}

fn v2(identifier: &[u8], caveats: &[&[u8]]) -> String {
    let mut out = [0; 1024];
    text(mint(&RootKey::new(b"a key"), b"stall", identifier, caveats, &mut out).unwrap().as_bytes())
}

fn v1(identifier: &[u8]) -> String {
    let packet = |key: &str, value: &[u8]| {
        let length = format!("{:04x}", key.len() + value.len() + 6);
        [length.as_bytes(), key.as_bytes(), b" ", value, b"\n"].concat()
    };
    text(&[packet("location", b"stall"), packet("identifier", identifier), packet("signature", &[0xfb; 32])].concat())
}

fn version_0(hash: &PaymentHash) -> [u8; 66] {
    Identifier::new(*hash, TokenId::from_bytes([7; 32])).to_bytes()
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()
}

/// How something is made of a payment hash, by its name.
type Kind = (&'static str, fn(&PaymentHash) -> String);

/// How the lines of a challenge are made of a token and an invoice.
type Lines = fn(&str, &str) -> Vec<String>;

/// Tokens in which the hash can be read.
const READABLE: [Kind; 11] = [
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
const UNREADABLE: [Kind; 7] = [
    ("V2 with a name", |hash| v2(format!("token {:.8}", hash.to_string()).as_bytes(), &[])),
    ("V2 with a name of 32 characters", |hash| v2(&hash.to_string().into_bytes()[..32], &[])),
    ("V2 of 40 bytes", |hash| v2(&[&hash.as_bytes()[..], &[1; 8]].concat(), &[])),
    ("a JWT of something else", |hash| format!("eyJhbGciOiJIUzI1NiJ9.e30.{}", &hash.to_string()[..8])),
    ("base64 of something else", |hash| text(&hash.as_bytes()[..20])),
    ("no base64", |hash| format!("~{}!'(*)/?=", &hash.to_string()[..8])),
    ("very long", |hash| format!("{}{}", &hash.to_string()[..8], "x".repeat(20_000))),
];

#[tokio::test]
async fn a_token_of_any_kind_is_bought_and_sent_back_as_it_came() {
    for (kind, token) in READABLE.into_iter().chain(UNREADABLE) {
        sold(kind, Manner { token, ..Manner::default() }).await;
    }
}

#[tokio::test]
async fn base64_of_any_form_is_sent_back_as_it_came() {
    let odd: fn(&PaymentHash) -> String = |hash| v2(&version_0(hash), &[b"a=1", &[0xfb; 30]]);
    assert!(odd(&OTHER).contains('+') && odd(&OTHER).ends_with('='), "the forms differ");
    let url_safe: fn(&PaymentHash) -> String =
        |hash| v2(&version_0(hash), &[b"a=1", &[0xfb; 30]]).replace('+', "-").replace('/', "_");
    let bare: fn(&PaymentHash) -> String = |hash| v2(&version_0(hash), &[b"a=1", &[0xfb; 30]]).replace('=', "");
    for (form, token) in [("standard", odd), ("url-safe", url_safe), ("unpadded", bare)] {
        sold(form, Manner { token, ..Manner::default() }).await;
    }
}

#[tokio::test]
async fn a3_a_payment_hash_that_can_be_read_is_the_invoices() {
    for (kind, token) in READABLE {
        let error = not_paid(kind, Manner { token, named: Some(OTHER), ..Manner::default() }).await;
        assert!(matches!(error, Error::Declined(Declined::OtherPayment)), "{kind}: {error:?}");
    }
}

const OTHER: PaymentHash = PaymentHash::from_bytes([0xee; 32]);

#[tokio::test]
async fn a_token_that_no_credential_can_carry_is_not_paid_for() {
    let tokens: [fn(&PaymentHash) -> String; 6] =
        [|_| "a:b".into(), |_| "a,b".into(), |_| "a b".into(), |_| "a\tb".into(), |_| " ab".into(), |_| "ä".into()];
    for token in tokens {
        let error = not_paid(&token(&OTHER), Manner { token, ..Manner::default() }).await;
        let unfit = BadChallenge::Challenge(ChallengeError::TokenCharacter);
        assert!(matches!(&error, Error::BadChallenge(fault) if *fault == unfit), "{error:?}");
    }
}

#[tokio::test]
async fn challenges_are_read_as_they_are_sent() {
    let lines: [(&str, Lines); 6] = [
        ("no commas", |token, invoice| vec![format!(r#"L402 version="0" token="{token}" invoice="{invoice}""#)]),
        ("no commas but one", |token, invoice| vec![format!(r#"LSAT macaroon="{token}" invoice="{invoice}", x=y"#)]),
        ("a scheme", |token, invoice| vec![format!(r#"L402 token="{token}", invoice="lightning:{invoice}""#)]),
        ("a scheme in capitals", |token, invoice| {
            vec![format!(r#"L402 token="{token}", invoice="LIGHTNING:{}""#, invoice.to_uppercase())]
        }),
        ("blanks", |token, invoice| vec![format!("L402 token=\"{token}\", invoice=\" {invoice}\t \"")]),
        ("blanks and a scheme", |token, invoice| {
            vec![format!(r#"L402 token="{token}", invoice=" Lightning: {invoice} ""#)]
        }),
    ];
    for (what, lines) in lines {
        sold(what, Manner { lines, ..Manner::default() }).await;
    }
}

#[tokio::test]
async fn a_body_may_repeat_the_hash_in_other_forms() {
    let bodies: [Kind; 5] = [
        ("base64", |hash| format!(r#"{{"payment_hash":"{}"}}"#, text(hash.as_bytes()))),
        ("url-safe", |hash| {
            let hash = text(hash.as_bytes()).replace('+', "-").replace('/', "_");
            format!(r#"{{"payment_hash":"{hash}"}}"#)
        }),
        ("capitals", |hash| format!(r#"{{"payment_hash":"{}"}}"#, hash.to_string().to_uppercase())),
        ("nothing that could be read", |_| r#"{"payment_hash":"see the header","price_msat":"cheap"}"#.to_owned()),
        ("a price in digits", |_| format!(r#"{{"price_msat":"{PRICE_MSAT}","payment_hash":null}}"#)),
    ];
    for (what, body) in bodies {
        sold(what, Manner { body, ..Manner::default() }).await;
    }
}

#[tokio::test]
async fn a2_a_contradiction_that_can_be_read_is_refused_in_any_form() {
    let other_hash: fn(&PaymentHash) -> String = |_| format!(r#"{{"payment_hash":"{}"}}"#, text(OTHER.as_bytes()));
    let error = not_paid("another hash", Manner { body: other_hash, ..Manner::default() }).await;
    assert!(matches!(error, Error::BadChallenge(BadChallenge::OtherHash)), "{error:?}");
    // Neither does a field that cannot be read hide the other.
    let other_price: fn(&PaymentHash) -> String = |_| r#"{"payment_hash":7,"price_msat":"1000"}"#.to_owned();
    let error = not_paid("another price", Manner { body: other_price, ..Manner::default() }).await;
    assert!(matches!(error, Error::BadChallenge(BadChallenge::OtherPrice)), "{error:?}");
}

#[tokio::test]
async fn an_lsat_challenge_is_used_if_the_l402_one_cannot_be() {
    let lines: [(&str, Lines); 3] = [
        ("an invoice that is none", |token, invoice| {
            vec![
                format!(r#"L402 token="{token}", invoice="soon""#),
                format!(r#"LSAT macaroon="{token}", invoice="{invoice}""#),
            ]
        }),
        ("a token that cannot be carried", |token, invoice| {
            vec![format!(r#"L402 token="a b", invoice="{invoice}", LSAT macaroon="{token}", invoice="{invoice}""#)]
        }),
        ("no invoice", |token, invoice| {
            vec![format!(r#"LSAT macaroon="{token}", invoice="{invoice}", L402 token="{token}""#)]
        }),
    ];
    for (what, lines) in lines {
        let market = Market::new(Manner { lines, ..Manner::default() });
        assert_eq!(market.get().await.unwrap().status(), StatusCode::OK, "{what}");
        assert!(market.seen("authorization")[1].as_ref().unwrap().starts_with("LSAT "), "{what}");
    }
}

#[tokio::test]
async fn every_request_says_which_challenges_it_accepts() {
    let market = Market::new(Manner::default());
    market.get().await.unwrap();
    market.get().await.unwrap();
    let l402 = Some("L402".to_owned());
    assert_eq!(market.seen("accept-authenticate"), [l402.clone(), l402.clone(), l402]);
    let own = |name, value| Request::get("http://stall.example/").header(name, value).body(Full::default()).unwrap();
    market.send(own("accept-authenticate", "Basic")).await.unwrap();
    market.send(own("authorization", "Bearer a")).await.unwrap();
    assert_eq!(market.seen("accept-authenticate")[3..], [Some("Basic".to_owned()), None]);
}

#[tokio::test]
async fn a_kept_token_that_is_refused_without_a_challenge_is_left_out_once() {
    let broken = "L402 token=\"a\", invoice=\"none\"";
    for bare in [
        (StatusCode::UNAUTHORIZED, ""),
        (StatusCode::PAYMENT_REQUIRED, ""),
        (StatusCode::UNAUTHORIZED, "Bearer error=\"invalid_token\""),
        (StatusCode::UNAUTHORIZED, "L402 error=\"invalid_token\""),
        (StatusCode::PAYMENT_REQUIRED, broken),
    ] {
        let market = Market::new(Manner { bare: Some(bare), ..Manner::default() });
        market.get().await.unwrap();
        market.stall.sold.lock().unwrap().clear();
        let response = market.get().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert!(!response.extensions().get::<Receipt>().unwrap().reused);
        let shown: Vec<_> = market.seen("authorization").iter().map(Option::is_some).collect();
        assert_eq!(shown, [false, true, true, false, true], "{bare:?}");
        assert_eq!(market.wallet.payments_sent(), 2);
        let kept = market.store.tokens(&"http://stall.example".parse().unwrap()).await.unwrap();
        assert_eq!(kept.len(), 1, "the one that was refused is forgotten");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_sent_again_leaves_the_refusal_to_the_caller() {
    let market = Market::new(Manner { bare: Some((StatusCode::UNAUTHORIZED, "")), ..Manner::default() });
    let request = || Request::get("http://stall.example/").body(Full::from("long")).unwrap();
    market.send(request()).await.unwrap();
    market.stall.sold.lock().unwrap().clear();
    let response = market.send_with(|settings| settings.max_replay = 2, request()).await.unwrap();
    assert_eq!((response.status(), market.seen("authorization").len()), (StatusCode::UNAUTHORIZED, 3));
    assert_eq!(market.wallet.payments_sent(), 1);
}

#[tokio::test]
async fn a_token_that_does_not_fit_the_macaroon_header_is_not_bought() {
    for (token, is_bought) in [(Manner::default().token, true), ((|_| "any~text".to_owned()) as fn(&_) -> _, false)] {
        let market = Market::new(Manner { token, ..Manner::default() });
        let request = Request::get("http://stall.example/").body(Full::default()).unwrap();
        let result = market.send_with(|settings| settings.token_field = TokenField::Macaroon, request).await;
        let is_refused = matches!(result, Err(Error::BadChallenge(BadChallenge::NoMacaroon)));
        assert_eq!((market.wallet.payments_sent(), is_refused), (usize::from(is_bought), !is_bought), "{result:?}");
    }
}

/// One that cannot be shown was not refused.
#[tokio::test]
async fn a9_a_kept_token_that_the_macaroon_field_cannot_carry_is_not_taken_for_refused() {
    let market = Market::new(Manner { token: |_| "any~text".to_owned(), ..Manner::default() });
    let origin = "http://stall.example".parse().unwrap();
    market.get().await.unwrap();
    let token = market.store.tokens(&origin).await.unwrap().remove(0);
    market.store.put(&origin, &Token { standing: Standing::New, ..token }).await.unwrap();
    let stall = Stall { manner: Manner::default(), ..market.stall };
    let http = Http::new(service_fn(move |request: Request<ReplayBody<Full<Bytes>>>| {
        let answer = stall.clone().serve(request.map(drop));
        async move { Ok(answer.await) }
    }));
    let market =
        Market { http, stall: Stall { seen: Arc::default(), ..Market::new(Manner::default()).stall }, ..market };
    let request = Request::get("http://stall.example/").body(Full::default()).unwrap();
    let result = market.send_with(|settings| settings.token_field = TokenField::Macaroon, request).await;
    assert!(!matches!(result, Err(Error::NotAccepted(_))), "{result:?}");
    assert_eq!(market.wallet.payments_sent(), 2);
}

/// A server that wants something else than a token: what was paid for is not given up for that.
#[tokio::test]
async fn a_kept_token_outlives_a_server_that_refuses_everything() {
    let market = Market::new(Manner { bare: Some((StatusCode::UNAUTHORIZED, "")), ..Manner::default() });
    market.get().await.unwrap();
    let refusing = Http::new(service_fn(async |_: Request<ReplayBody<Full<Bytes>>>| {
        Ok(Response::builder().status(StatusCode::UNAUTHORIZED).body(Full::default()).unwrap())
    }));
    let elsewhere = Market { http: refusing, ..market };
    assert_eq!(elsewhere.get().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let kept = elsewhere.store.tokens(&"http://stall.example".parse().unwrap()).await.unwrap();
    assert_eq!((kept.len(), elsewhere.wallet.payments_sent()), (1, 1));
}

#[tokio::test]
async fn a_token_that_has_ended_is_not_paid_for() {
    let ended: [fn(&PaymentHash) -> String; 3] = [
        |hash| v2(hash.as_bytes(), &[b"services=stall:0", b"stall_valid_until=1700000000"]),
        |hash| v2(hash.as_bytes(), &[b"valid_until=1700000000"]),
        |hash| text(format!(r#"{{"payment_hash":"{hash}","exp":1700000000}}"#).as_bytes()),
    ];
    for token in ended {
        let error = not_paid("ended", Manner { token, ..Manner::default() }).await;
        assert!(matches!(error, Error::Declined(Declined::TokenExpired)), "{error:?}");
    }
}

#[tokio::test]
async fn a_kept_token_that_has_ended_is_not_presented() {
    let market = Market::new(Manner::default());
    market.get().await.unwrap();
    let origin = "http://stall.example".parse().unwrap();
    let mut token = market.store.tokens(&origin).await.unwrap().pop().unwrap();
    for (caveat, is_presented) in [(unix_now() + 600, true), (unix_now(), false)] {
        token.text = v2(token.payment_hash.as_bytes(), &[format!("stall_valid_until={caveat}").as_bytes()]);
        market.stall.sold.lock().unwrap().insert(token.text.clone(), token.payment_hash);
        market.store.put(&origin, &token).await.unwrap();
        let receipt = *market.get().await.unwrap().extensions().get::<Receipt>().unwrap();
        assert_eq!(receipt.reused, is_presented);
    }
    assert_eq!(market.wallet.payments_sent(), 2);
    assert_eq!(
        market.seen("authorization").iter().filter(|shown| shown.is_none()).count(),
        2,
        "asked without the old one"
    );
}

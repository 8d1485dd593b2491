//! Routes that charge for what is used: 21 sat, which are 21,000 msat, buy a balance.

mod short;

use super::{Body, Till, Works, asks, minted, plain, word};
use crate::support::Purchase;
use bytes::Bytes;
use core::num::NonZeroU64;
use core::time::Duration;
use futures_util::stream;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use l402_core::{Msat, Tariff, Unit, Uses};
use l402_http::policy::{Meter, Policy, RouteFault, Sale, TokenTariff};
use l402_http::response::BodyError;
use tower::ServiceExt;

fn till(meter: Meter) -> Till {
    Till::with(1, |sale| sale.meter(meter), |paywall| paywall)
}

fn tariff(price_msat: u64, per: u64) -> Tariff {
    Tariff::new(Msat::new(price_msat), per).unwrap()
}

/// 2 msat for a token of a question, 5 for one of an answer, 10,000 held for a request.
fn tokens() -> Meter {
    Meter::Tokens(TokenTariff::new(Msat::new(2), Msat::new(5), 1, 2_000).unwrap())
}

/// What came of a response.
struct Read {
    status: StatusCode,
    fields: HeaderMap,
    bytes: usize,
    trailers: HeaderMap,
    error: Option<BodyError<&'static str>>,
}

impl Read {
    fn balances(&self) -> [Option<u64>; 2] {
        [&self.fields, &self.trailers].map(|fields| fields.get(BALANCE)?.to_str().unwrap().parse().ok())
    }
}

const BALANCE: &str = "x-l402-balance-msat";

async fn begin(
    till: &Till,
    token: &Purchase,
) -> Response<impl http_body::Body<Data = Bytes, Error = BodyError<&'static str>> + Unpin + use<>> {
    till.shop.service.clone().oneshot(asks(token, Method::GET, &[], "")).await.unwrap()
}

async fn read(till: &Till, token: &Purchase) -> Read {
    let (head, mut body) = begin(till, token).await.into_parts();
    let mut read =
        Read { status: head.status, fields: head.headers, bytes: 0, trailers: HeaderMap::new(), error: None };
    while let Some(frame) = body.frame().await {
        match frame.map(Frame::into_data) {
            Ok(Ok(data)) => read.bytes += data.len(),
            Ok(Err(frame)) => read.trailers = frame.into_trailers().unwrap(),
            Err(error) => read.error = Some(error),
        }
    }
    read
}

fn streams(works: &Works, kind: &'static str, pieces: Vec<Bytes>) {
    works.answers(move || {
        let frames = pieces.clone().into_iter().map(|piece| Ok(Frame::data(piece)));
        Response::builder().header("content-type", kind).body(StreamBody::new(stream::iter(frames)).boxed()).unwrap()
    });
}

/// Sends a piece, and then another after each of these pauses.
fn paced(works: &Works, pauses: &'static [u64]) {
    works.answers(move || {
        let pieces = stream::unfold(None, move |at| async move {
            if let Some(at) = at {
                tokio::time::sleep(Duration::from_millis(*pauses.get::<usize>(at)?)).await;
            }
            Some((Ok(Frame::data(Bytes::from_static(b"tick"))), Some(at.map_or(0, |at| at + 1))))
        });
        Response::new(StreamBody::new(pieces).boxed())
    });
}

#[tokio::test]
async fn s6_bytes_are_paid_for_as_they_pass() {
    let till = till(Meter::Bytes(tariff(3, 4)));
    let token = till.buy().await;
    let first = read(&till, &token).await;
    assert_eq!((first.status, first.bytes, first.error.is_none()), (StatusCode::OK, 6, true));
    assert_eq!(first.balances(), [Some(20_995), Some(20_995)], "6 bytes are 4.5 msat");
    assert_eq!(word(&till.get(&token).await), (StatusCode::OK, None, None));
    assert_eq!(till.tally(&token).await.committed, 10);
    till.works().answers(|| Response::builder().status(204).body(Body::default()).unwrap());
    assert_eq!(read(&till, &token).await.balances(), [Some(20_990), None], "nothing costs nothing");
    till.works().says(404);
    assert_eq!(read(&till, &token).await.balances(), [Some(20_990), None]);
    assert_eq!(till.settles(&token, |tally| tally.reserved == 0).await.committed, 10);
}

/// A client that is told of the last use forgets the token.
#[tokio::test]
async fn s6_a_balance_that_is_drawn_to_the_end_is_not_spent_yet() {
    let till = till(Meter::Bytes(tariff(1, 1)));
    let token = till.buy().await;
    streams(till.works(), "text/plain", vec![Bytes::from_static(b"served")]);
    for left in [20_994, 20_988] {
        let read = read(&till, &token).await;
        assert_eq!((read.fields.get("x-l402"), read.balances()), (None, [Some(0), Some(left)]));
    }
}

/// No byte passes that is not paid for, and what is left is the last slice.
#[tokio::test]
async fn s6_a_body_breaks_off_where_the_balance_does() {
    let till = till(Meter::Bytes(tariff(1, 100)));
    let token = till.buy().await;
    streams(till.works(), "text/plain", vec![Bytes::from(vec![0; 1 << 19]); 8]);
    let read = read(&till, &token).await;
    assert!(matches!(read.error, Some(BodyError::Balance)), "{:?}", read.error);
    assert_eq!((read.bytes, read.balances()), (2_100_000, [Some(21_000 - 10_486), None]));
    assert_eq!(till.settles(&token, |tally| tally.committed == 21_000).await.reserved, 0);
    let answer = till.get(&token).await;
    assert_eq!((answer.status, answer.reason()), (StatusCode::PAYMENT_REQUIRED, "balance".to_owned()));
    assert_eq!(
        (answer.json()["uses"].as_str(), answer.json()["meter"]["unit"].as_str()),
        (Some("metered"), Some("byte"))
    );
    assert_eq!(till.works().calls(), 1);
    let token = till.shop.pay(&answer).await;
    till.works().says(200);
    assert_eq!(till.get(&token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn s6_a_slice_is_drawn_ahead_and_the_rest_of_it_given_back() {
    let till = till(Meter::Bytes(tariff(1, 1_000)));
    let token = till.buy().await;
    streams(till.works(), "text/plain", vec![Bytes::from(vec![0; 300_000]); 8]);
    let mut response = begin(&till, &token).await;
    assert_eq!(till.tally(&token).await.committed, 1_049, "a megabyte, before a byte has passed");
    let mut bytes = 0;
    while bytes < 1_200_000 {
        bytes += response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap().len();
    }
    assert_eq!(till.tally(&token).await.committed, 2_098, "1.2 MB are in the second");
    drop(response);
    till.settles(&token, |tally| tally.committed == bytes.div_ceil(1_000) as u64).await;
}

#[tokio::test(start_paused = true)]
async fn s6_seconds_are_paid_for_ahead() {
    let till = till(Meter::Seconds(tariff(1_000, 1)));
    let token = till.buy().await;
    paced(till.works(), &[1_000, 2_200]);
    let first = read(&till, &token).await;
    assert_eq!((first.bytes, first.error.is_none()), (12, true));
    assert_eq!(first.balances(), [Some(16_000), Some(17_800)], "5 seconds ahead, 3.2 in the end");
    paced(till.works(), &[4_500, 4_500, 4_500, 4_500, 4_500]);
    let begun = tokio::time::Instant::now();
    let second = read(&till, &token).await;
    assert!(matches!(second.error, Some(BodyError::Balance)), "{:?}", second.error);
    assert_eq!((second.bytes, begun.elapsed().as_millis() / 10), (16, 1_780));
    till.settles(&token, |tally| tally.committed == 21_000).await;
}

#[tokio::test]
async fn s6_tokens_are_settled_by_what_the_response_says() {
    let till = till(tokens());
    let token = till.buy().await;
    let chat = r#"{"choices": [{"message": {"content": "{\"usage\": 1}"}}], "usage": {"prompt_tokens": 100, "completion_tokens": 20}}"#;
    streams(till.works(), "application/json", vec![Bytes::from(chat)]);
    let first = read(&till, &token).await;
    assert_eq!(first.balances(), [Some(11_000), Some(20_700)], "10,000 are held, 300 are charged");
    let seen = till.works().seen().remove(0);
    assert_eq!(seen.headers["accept-encoding"], "identity");
    assert!(seen.headers.contains_key("idempotency-key"), "it costs something, so that it is told from others");
    let events = "data: {\"usage\": null}\n\ndata: {\"choices\": [], \"usage\": {\"prompt_tokens\": 1, \
                  \"completion_tokens\": 1}}\n\ndata: [DONE]\n\n";
    streams(till.works(), "text/event-stream", vec![Bytes::from(events)]);
    assert_eq!(read(&till, &token).await.balances(), [Some(10_700), Some(20_693)]);
    till.works().says(404);
    assert_eq!(read(&till, &token).await.balances(), [Some(20_693), None]);
    assert_eq!(till.settles(&token, |tally| tally.reserved == 0).await.committed, 307);
}

/// A model may think for longer than a lease lasts, before the head of its response and behind it.
#[tokio::test(start_paused = true)]
async fn s6_a_model_that_thinks_longer_than_a_lease_is_not_cut_off() {
    let till = till(tokens());
    let token = till.buy().await;
    let gate = till.works().waits();
    till.works().answers(|| {
        let said = r#"{"usage": {"prompt_tokens": 100, "completion_tokens": 20}}"#;
        let pieces = stream::unfold(said.as_bytes(), |rest| async move {
            tokio::time::sleep(Duration::from_secs(20)).await;
            let (piece, rest) = rest.split_at_checked(30).unwrap_or((rest, &[]));
            (!piece.is_empty()).then(|| (Ok(Frame::data(Bytes::from_static(piece))), rest))
        });
        Response::builder().header("content-type", "application/json").body(StreamBody::new(pieces).boxed()).unwrap()
    });
    let under_way = tokio::spawn({
        let (till, token) = (till.clone(), token.clone());
        async move { read(&till, &token).await }
    });
    till.works().called(1).await;
    tokio::time::sleep(Duration::from_secs(40)).await;
    gate.add_permits(1);
    let read = under_way.await.unwrap();
    assert!(read.error.is_none(), "{:?}", read.error);
    assert_eq!(read.balances(), [Some(11_000), Some(20_700)]);
}

#[tokio::test]
async fn s6_without_a_usage_all_that_was_held_is_charged() {
    let till = till(tokens());
    let token = till.buy().await;
    assert_eq!(read(&till, &token).await.balances(), [Some(11_000), Some(11_000)], "no usage");
    let half = r#"data: {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}"#;
    streams(till.works(), "text/event-stream", vec![Bytes::from(format!("{half}\n\n")); 2]);
    let mut response = begin(&till, &token).await;
    response.body_mut().frame().await.unwrap().unwrap();
    drop(response);
    till.settles(&token, |tally| tally.committed == 20_000 && tally.reserved == 0).await;
    let answer = till.get(&token).await;
    assert_eq!((answer.status, answer.reason()), (StatusCode::PAYMENT_REQUIRED, "balance".to_owned()));
}

#[tokio::test]
async fn s6_an_estimate_is_what_was_delivered_and_never_more_than_was_held() {
    let Meter::Tokens(tariff) = tokens() else { panic!("they are tokens") };
    let till = till(Meter::Tokens(tariff.estimate(NonZeroU64::new(4).unwrap())));
    let token = till.buy().await;
    assert_eq!(read(&till, &token).await.balances(), [Some(11_000), Some(20_990)], "6 bytes are 2 tokens of 5 msat");
    streams(till.works(), "text/plain", vec![Bytes::from(vec![b'{'; 100]); 2]);
    let mut response = begin(&till, &token).await;
    response.body_mut().frame().await.unwrap().unwrap();
    drop(response);
    till.settles(&token, |tally| tally.committed == 10 + 125 && tally.reserved == 0).await;
    let said = r#"{"usage": {"prompt_tokens": 1, "completion_tokens": 0}}"#;
    streams(till.works(), "application/json", vec![Bytes::from(said)]);
    assert_eq!(read(&till, &token).await.balances()[1], Some(21_000 - 137), "what is said is not estimated");
    streams(till.works(), "text/plain", vec![Bytes::from(vec![0; 1 << 20])]);
    assert_eq!(read(&till, &token).await.balances()[1], Some(21_000 - 10_137));
}

/// A question that comes late must find that the response has ended: else it would take what another gives back.
#[tokio::test]
async fn s6_who_got_less_than_it_asked_for_says_that_it_has_ended() {
    let till = till(Meter::Bytes(tariff(1, 100)));
    let token = till.buy().await;
    streams(till.works(), "text/plain", vec![Bytes::from(vec![0; 700_000]); 3]);
    till.store.asked();
    let read = read(&till, &token).await;
    assert_eq!((read.error.is_none(), read.bytes, read.balances()[1]), (true, 2_100_000, Some(0)));
    assert_eq!(till.store.asked(), 6, "reserve, commit, three slices, and the end");
}

/// No more than is needed: what is drawn exactly is not settled again.
#[tokio::test]
async fn how_often_the_ledger_is_asked_for_a_response() {
    let pieces = || vec![Bytes::from(vec![0; 1 << 19]); 3];
    for (meter, is_sized, expected) in [
        (Meter::Bytes(tariff(1, 1_000)), true, 3),   // reserve, commit, draw
        (Meter::Bytes(tariff(1, 1_000)), false, 5),  // and a second slice, of which some is given back
        (Meter::Seconds(tariff(1_000, 1)), true, 4), // reserve, commit, draw, give back
        (tokens(), true, 2),                         // reserve, commit
    ] {
        let till = till(meter);
        let token = till.buy().await;
        if !is_sized {
            streams(till.works(), "text/plain", pieces());
        }
        till.store.asked();
        assert!(read(&till, &token).await.error.is_none());
        assert_eq!(till.store.asked(), expected, "{meter:?}");
    }
}

#[tokio::test]
async fn s6_what_is_held_may_come_back() {
    let till = till(tokens());
    let token = till.buy().await;
    let gate = till.works().waits();
    let running = [till.begin(&token, Method::GET), till.begin(&token, Method::POST)];
    till.works().called(2).await;
    let answer = till.get(&token).await;
    assert_eq!((answer.status, answer.reason()), (StatusCode::CONFLICT, "uses-reserved".to_owned()));
    assert!(answer.field("retry-after").is_some());
    assert_eq!((answer.field(BALANCE), answer.field("x-l402-remaining")), (Some("1000"), None));
    gate.add_permits(2);
    for running in running {
        assert_eq!(running.await.unwrap().status, StatusCode::OK);
    }
}

/// What is in doubt holds its part of the balance, and the rest pays for others.
#[tokio::test]
async fn s2_what_is_in_doubt_bars_no_more_than_what_it_holds() {
    let till = till(tokens());
    let token = till.buy().await;
    till.works().says(500);
    for (key, status) in [("one", 500), ("two", 500), ("three", 409)] {
        let answer = till.send(&token, Method::POST, &[("idempotency-key", key)], "").await;
        assert_eq!(answer.status, status, "{key}");
    }
    let answer = till.get(&token).await;
    assert_eq!((answer.status, answer.reason()), (StatusCode::CONFLICT, "in-doubt".to_owned()));
    assert_eq!((answer.field(BALANCE), answer.field("x-should-retry")), (Some("1000"), Some("false")));
}

#[tokio::test]
async fn t5_what_was_sold_as_uses_stays_so() {
    let till = till(tokens());
    let token = minted(2, 5);
    for remaining in ["1", "0"] {
        let answer = till.get(&token).await;
        assert_eq!((answer.status, answer.field("x-l402-remaining")), (StatusCode::OK, Some(remaining)));
        assert_eq!(answer.field(BALANCE), None);
    }
}

#[tokio::test]
async fn p2_only_the_gateway_says_a_balance() {
    let till = till(Meter::Bytes(tariff(1, 1)));
    let token = till.buy().await;
    till.works().answers(|| {
        let mut response = plain(200);
        response.headers_mut().insert(BALANCE, 7.into());
        let mut trailers = HeaderMap::new();
        trailers.insert(BALANCE, 8.into());
        trailers.insert("x-sum", 9.into());
        response.map(|body| body.with_trailers(core::future::ready(Some(Ok(trailers)))).boxed())
    });
    let read = read(&till, &token).await;
    assert_eq!(read.balances(), [Some(20_994), Some(20_994)]);
    assert_eq!(read.trailers["x-sum"], "9");
}

#[test]
fn a_balance_pays_for_a_request_at_least() {
    let build = |sale: Sale| Policy::builder().sell(sale).build().map(drop).map_err(|error| error.fault());
    let sale = |price| Sale::new("model", "/", Msat::new(price));
    assert_eq!(build(sale(10_000).meter(tokens())), Ok(()));
    assert_eq!(build(sale(9_999).meter(tokens())), Err(RouteFault::SmallBalance));
    let most = Unit::Msat.most();
    assert_eq!(build(sale(most).meter(tokens())), Ok(()));
    assert_eq!(build(sale(most + 1).meter(tokens())), Err(RouteFault::LargeBalance));
    assert_eq!(build(sale(10_000).uses(Uses::Metered)), Err(RouteFault::NoMeter));
    assert_eq!(build(sale(10_000).meter(tokens()).uses(Uses::ONCE)), Err(RouteFault::NoMeter));
}

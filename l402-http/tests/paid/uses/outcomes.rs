//! The table of outcomes, through the layer: what each answer of the inner service does to the use.

use super::{Till, plain, word};
use crate::support::Purchase;
use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use l402_core::ledger::{Attempted, Tally};
use l402_http::policy::Sale;
use l402_http::response::{Form, Problem, Reason};

/// What became of a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Became {
    Used,
    Unused,
    /// Unused, and counted as a try.
    Tried,
    Doubtful,
}
use Became::{Doubtful, Tried, Unused, Used};

impl Became {
    fn of(tally: &Tally) -> Self {
        match (tally.committed, tally.doubtful, tally.tries) {
            (1, 0, 0) => Used,
            (0, 1, 0) => Doubtful,
            (0, 0, 1) => Tried,
            (0, 0, 0) => Unused,
            other => panic!("{other:?}"),
        }
    }
}

/// Sends one request of a bundle of two, and looks what became of its use.
async fn became(till: &Till, method: Method) -> (StatusCode, Became) {
    let token = till.buy().await;
    let answer = till.send(&token, method, &[("content-type", "application/x")], "").await;
    let tally = till.tally(&token).await;
    assert_eq!(tally.reserved, 0, "nothing is held any more");
    (answer.status, Became::of(&tally))
}

#[tokio::test]
async fn s2_each_status_does_to_a_use_what_the_table_says() {
    let till = Till::of(2);
    for (status, safe, other) in [
        (200, Used, Used),
        (204, Used, Used),
        (206, Used, Used),
        (302, Used, Used),
        (304, Used, Used),
        (400, Tried, Tried),
        (404, Tried, Tried),
        (499, Tried, Tried),
        (429, Unused, Unused),
        (503, Unused, Unused),
        (500, Unused, Doubtful),
        (502, Unused, Doubtful),
        (504, Unused, Doubtful),
        (101, Used, Used),
    ] {
        till.works().says(status);
        assert_eq!(became(&till, Method::GET).await, (StatusCode::from_u16(status).unwrap(), safe), "GET {status}");
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            assert_eq!(became(&till, method.clone()).await.1, other, "{method} {status}");
        }
    }
}

#[tokio::test]
async fn s2_what_a_layer_below_says_goes_before_the_status() {
    let till = Till::of(2);
    for (attempted, safe, other) in [
        (Attempted::NotSent, Unused, Unused),
        (Attempted::Unanswered, Unused, Doubtful),
        (Attempted::Answered(200), Used, Used),
        (Attempted::ClientGone, Tried, Tried),
    ] {
        till.works().answers(move || {
            let problem = Problem::new(StatusCode::BAD_GATEWAY, Reason::UPSTREAM_RESET, &"it broke off");
            let mut response = problem.response(Form::Json).map(|body| super::Body::new(full(body)));
            response.extensions_mut().insert(attempted);
            response
        });
        let status = if attempted == Attempted::NotSent { 503 } else { 502 };
        assert_eq!(became(&till, Method::GET).await, (StatusCode::from_u16(status).unwrap(), safe), "{attempted:?}");
        assert_eq!(became(&till, Method::POST).await.1, other, "{attempted:?}");
    }
}

fn full(body: Bytes) -> impl http_body::Body<Data = Bytes, Error = &'static str> + Send + Sync + 'static {
    http_body_util::Full::new(body).map_err(|never| match never {})
}

#[tokio::test]
async fn s2_a_redirect_to_a_path_is_a_try_and_one_to_an_origin_a_use() {
    let till = Till::of(2);
    for (location, expected) in [("/login", Tried), ("https://shop.example/login", Used), ("https://a.example/", Used)]
    {
        till.works().answers(move || {
            let mut response = plain(302);
            response.headers_mut().insert("location", location.parse().unwrap());
            response
        });
        assert_eq!(became(&till, Method::POST).await, (StatusCode::FOUND, expected), "{location}");
    }
}

#[tokio::test]
async fn s2_what_may_have_an_effect_counts_as_unsafe() {
    let till = Till::of(2);
    till.works().says(500);
    for (fields, body) in [(&[][..], "a body"), (&[("upgrade", "websocket"), ("connection", "upgrade")], "")] {
        let token = till.buy().await;
        till.send(&token, Method::GET, fields, body).await;
        assert_eq!(Became::of(&till.tally(&token).await), Doubtful, "{fields:?}");
    }
    let till = Till::with(2, Sale::side_effects, |paywall| paywall);
    till.works().says(500);
    assert_eq!(became(&till, Method::GET).await.1, Doubtful);
    let till = Till::with(2, Sale::idempotent, |paywall| paywall);
    till.works().says(500);
    assert_eq!(became(&till, Method::POST).await.1, Unused, "the upstream does each request once");
}

#[tokio::test]
async fn s4_each_third_try_costs_a_use_and_says_so() {
    let till = Till::of(2);
    let token = till.buy().await;
    till.works().says(404);
    let not_found = StatusCode::NOT_FOUND;
    for told in [(None, "2"), (None, "2"), (Some("third-try"), "1"), (None, "1"), (None, "1"), (Some("third-try"), "0")]
    {
        assert_eq!(word(&till.get(&token).await), (not_found, told.0, Some(told.1)));
    }
    assert_eq!(till.get(&token).await.reason(), "spent");
    assert_eq!(till.works().calls(), 6);
}

type Frames = Vec<Result<Frame<Bytes>, &'static str>>;

fn grpc(frames: Frames) -> Response<super::Body> {
    let body = StreamBody::new(futures_util::stream::iter(frames));
    Response::builder().header("content-type", "application/grpc").body(super::Body::new(body)).unwrap()
}

fn message() -> Frame<Bytes> {
    Frame::data(Bytes::from_static(b"\0\0\0\0\x01x"))
}

fn trailers(status: &str) -> Frame<Bytes> {
    Frame::trailers(HeaderMap::from_iter([("grpc-status".parse().unwrap(), status.parse().unwrap())]))
}

#[tokio::test]
async fn s2_grpc_is_judged_by_its_first_message_or_its_trailers() {
    let till = Till::of(2);
    let cases: [(fn() -> Frames, Became); 7] = [
        (|| vec![Ok(message()), Ok(trailers("13"))], Used),
        (|| vec![Ok(trailers("0"))], Used),
        (|| vec![Ok(trailers("14"))], Unused),
        (|| vec![Ok(trailers("8"))], Unused),
        (|| vec![Ok(trailers("13"))], Doubtful),
        (|| vec![Ok(trailers("5"))], Tried),
        (|| vec![Err("broken")], Doubtful),
    ];
    for (frames, expected) in cases {
        till.works().answers(move || grpc(frames()));
        let (status, became) = became(&till, Method::POST).await;
        let broken = matches!(frames().first(), Some(Err(_)));
        assert_eq!((status.as_u16(), became), (if broken { 502 } else { 200 }, expected));
    }
}

#[tokio::test]
async fn a_grpc_response_is_passed_on_whole() {
    let till = Till::of(1);
    let token: Purchase = till.buy().await;
    till.works().answers(|| grpc(vec![Ok(message()), Ok(message()), Ok(trailers("0"))]));
    let response =
        tower::ServiceExt::oneshot(till.shop.service.clone(), super::asks(&token, Method::POST, &[], "")).await;
    let response = response.unwrap();
    assert_eq!(response.headers()["x-l402"], "spent");
    let whole = response.into_body().collect().await.unwrap();
    assert_eq!(whole.trailers().unwrap()["grpc-status"], "0");
    assert_eq!(whole.to_bytes(), b"\0\0\0\0\x01x\0\0\0\0\x01x"[..]);
}

//! Kept answers: what got lost on its way is given again, and takes no use.

use super::{Body, Till, asks, word};
use crate::support::{Answer, Purchase};
use bytes::Bytes;
use core::time::Duration;
use futures_util::StreamExt;
use http::{Method, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use l402_core::UnixSeconds;
use l402_http::policy::Sale;
use l402_http::service::kept::{AnswerName, AnswerStore, Answers, GIVEN, Parcel, Sealed};
use l402_ledger::{DenyList, LedgerStore, Revocation};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tower::ServiceExt;

/// Keeps answers in memory, as long as there is room.
#[derive(Clone, Default)]
pub(super) struct InMemory(Arc<Mutex<HashMap<AnswerName, (Sealed, u8)>>>);

impl AnswerStore for InMemory {
    fn keep(&self, parcel: Parcel) {
        self.0.lock().unwrap().insert(*parcel.name(), (parcel.seal().unwrap(), 0));
    }

    fn knows(&self, name: &AnswerName, now: UnixSeconds) -> bool {
        self.0.lock().unwrap().get(name).is_some_and(|(sealed, _)| now < sealed.until)
    }

    fn read(&self, name: &AnswerName) -> Option<Sealed> {
        self.0.lock().unwrap().get(name).map(|(sealed, _)| sealed.clone())
    }

    fn give(&self, name: &AnswerName) -> bool {
        let mut kept = self.0.lock().unwrap();
        let Some((_, given)) = kept.get_mut(name) else { return false };
        *given += 1;
        *given <= GIVEN
    }
}

/// A shop that keeps answers of up to ten bytes for ten minutes.
fn shop(uses: u32) -> (Till, InMemory) {
    let store = InMemory::default();
    let answers = Answers::new(store.clone(), 10);
    let keep = |sale: Sale| sale.keep_answer(Duration::from_mins(10));
    (Till::with(uses, keep, |paywall| paywall.answers(answers)), store)
}

pub(super) const KEY: (&str, &str) = ("idempotency-key", "one");

pub(super) async fn post(till: &Till, token: &Purchase, fields: &[(&str, &str)]) -> Answer {
    till.send(token, Method::POST, fields, "").await
}

fn says(fields: &'static [(&'static str, &'static str)], body: &'static str) -> impl Fn() -> Response<Body> {
    move || {
        let response =
            fields.iter().fold(Response::builder(), |response, (name, value)| response.header(*name, *value));
        let body = http_body_util::Full::from(body).map_err(|never| match never {}).boxed();
        response.body(body).unwrap()
    }
}

#[tokio::test]
async fn s4_the_same_key_gets_the_kept_answer_three_times_and_no_use_is_taken() {
    let (till, store) = shop(2);
    let token = till.buy().await;
    till.works().answers(says(&[("set-cookie", "a=b"), ("x-made", "1"), ("x-l402", "lie")], "served"));
    let first = post(&till, &token, &[KEY]).await;
    assert_eq!((word(&first), first.field("set-cookie")), ((StatusCode::OK, None, Some("1")), Some("a=b")));
    for _ in 0..GIVEN {
        let again = post(&till, &token, &[KEY]).await;
        assert_eq!((word(&again), again.text()), ((StatusCode::OK, Some("kept"), None), "served"));
        assert_eq!((again.field("x-made"), again.field("set-cookie")), (Some("1"), None));
        let age = again.field("age").map(str::parse::<u64>);
        assert!(matches!(age, Some(Ok(_))) && again.field("cache-control") == Some("private"), "{age:?}");
    }
    let fourth = post(&till, &token, &[KEY]).await;
    assert_eq!((fourth.status, fourth.reason()), (StatusCode::CONFLICT, "key-held".to_owned()));
    assert_eq!((till.works().calls(), till.tally(&token).await.committed), (1, 1));
    assert_eq!(post(&till, &token, &[("idempotency-key", "two")]).await.field("x-l402"), Some("spent"));
    let kept = store.0.lock().unwrap();
    assert!(kept.values().all(|(sealed, _)| !sealed.bytes.windows(6).any(|part| part == b"served")), "sealed");
}

#[tokio::test]
async fn s4_a_kept_key_takes_no_other_use_whatever_is_asked_under_it() {
    let (till, _) = shop(3);
    let token = till.buy().await;
    till.works().answers(says(&[("vary", "x-colour")], "served"));
    let red = [KEY, ("x-colour", "red")];
    assert_eq!(post(&till, &token, &red).await.status, StatusCode::OK);
    for fields in [&[KEY, ("x-colour", "blue")][..], &[KEY], &[KEY, ("x-colour", "red"), ("accept", "a/b")]] {
        assert_eq!(post(&till, &token, fields).await.reason(), "key-held", "{fields:?}");
    }
    assert_eq!(till.send(&token, Method::PUT, &red, "").await.reason(), "key-held", "another method");
    let narrowed = token.attenuated("plannt_uses=1:branch");
    assert_eq!(post(&till, &narrowed, &red).await.reason(), "key-held", "another credential opens nothing");
    assert_eq!(word(&post(&till, &token, &red).await).1, Some("kept"));
    assert_eq!((till.works().calls(), till.tally(&token).await.committed), (1, 1));
    till.shop.wait(601);
    assert_eq!(word(&post(&till, &token, &red).await).1, None, "it has ended, and the key is free");
}

#[tokio::test]
async fn s4_without_a_key_the_same_request_gets_it_once_the_token_is_spent() {
    let (till, _) = shop(2);
    let token = till.buy().await;
    assert_eq!(word(&till.get(&token).await).2, Some("1"));
    assert_eq!(word(&till.get(&token).await).1, Some("spent"), "each is a use of its own as long as there is one");
    for _ in 0..GIVEN {
        assert_eq!(word(&till.get(&token).await), (StatusCode::OK, Some("kept"), None));
    }
    assert_eq!(till.get(&token).await.reason(), "spent");
    let other = till.shop.ask(crate::support::request("/v1/demo?b", &[("authorization", &token.credential())])).await;
    assert_eq!(other.reason(), "spent", "another request");
    assert_eq!(till.works().calls(), 2);
}

#[tokio::test]
async fn s4_an_expired_token_gets_nothing() {
    let (till, _) = shop(1);
    let token = till.buy().await;
    post(&till, &token, &[KEY]).await;
    assert_eq!(word(&post(&till, &token, &[KEY]).await).1, Some("kept"));
    till.shop.wait(100_000);
    // It would be charged for; only the fake node's clock has stood still.
    assert_eq!(post(&till, &token, &[KEY]).await.reason(), "no-invoice");
}

#[tokio::test]
async fn s1_s4_a_revoked_token_gets_nothing() {
    let (answers, list) = (Answers::new(InMemory::default(), 10), DenyList::default());
    let keep = |sale: Sale| sale.keep_answer(Duration::from_mins(10));
    let till = Till::with(1, keep, |paywall| paywall.answers(answers).deny_list(list.clone()));
    let token = till.buy().await;
    post(&till, &token, &[KEY]).await;
    assert_eq!(word(&post(&till, &token, &[KEY]).await).1, Some("kept"));
    list.learn(&[Revocation::of_payment(token.preimage.hash(), UnixSeconds::new(4_000_000_000))]);
    assert_eq!(post(&till, &token, &[KEY]).await.reason(), "revoked");
    assert_eq!(till.get(&token).await.reason(), "revoked");
}

/// As long as a token is worth something, and no longer.
#[tokio::test]
async fn s4_an_answer_is_kept_no_longer_than_its_sale() {
    let store = InMemory::default();
    let (answers, kept) = (Answers::new(store.clone(), 10), store);
    let terms = |sale: Sale| sale.keep_answer(Duration::from_hours(24)).valid_for(Duration::from_mins(1));
    let till = Till::with(2, terms, |paywall| paywall.answers(answers));
    let token = till.buy().await;
    post(&till, &token, &[KEY]).await;
    let ends_at = till.store.uses(&token.preimage.hash()).await.unwrap().unwrap().ends_at;
    let until: Vec<_> = kept.0.lock().unwrap().values().map(|(sealed, _)| sealed.until).collect();
    assert!(matches!(until[..], [until] if until <= ends_at), "{until:?} {ends_at:?}");
}

/// Nobody may get again what was not paid for: a use that was taken back would be used twice.
#[tokio::test(start_paused = true)]
async fn s4_an_answer_without_a_commit_is_not_kept() {
    for status in [200, 204] {
        let (till, store) = shop(2);
        let token = till.buy().await;
        till.works().says(status);
        let gate = till.works().waits();
        let begun = till.begin_with(&token, KEY);
        till.works().called(1).await;
        till.store.set_away(true); // it cannot be committed
        gate.add_permits(1);
        assert_eq!(begun.await.unwrap().reason(), "ledger-unavailable");
        till.store.set_away(false);
        till.settles(&token, |tally| tally.reserved == 0).await;
        assert!(store.0.lock().unwrap().is_empty(), "{status}");
    }
}

/// A gRPC upstream says with status 200 that it did nothing.
#[tokio::test]
async fn s4_a_success_that_takes_no_use_is_not_kept() {
    let (till, store) = shop(2);
    let token = till.buy().await;
    till.works().answers(says(&[("content-type", "application/grpc"), ("grpc-status", "14")], ""));
    assert_eq!(word(&post(&till, &token, &[KEY]).await), (StatusCode::OK, None, Some("2")));
    assert!(store.0.lock().unwrap().is_empty());
    assert_eq!(word(&post(&till, &token, &[KEY]).await).1, None, "the next goes to the upstream");
    assert_eq!(till.works().calls(), 2);
}

#[tokio::test]
async fn s4_what_must_not_be_kept_is_not() {
    for (fields, body) in [
        (&[("cache-control", "private, no-store")][..], "served"),
        (&[("vary", "*")], "served"),
        (&[], "more than ten bytes"),
        (&[("content-length", "7")], "served"),
    ] {
        let (till, store) = shop(2);
        let token = till.buy().await;
        till.works().answers(says(fields, body));
        assert_eq!(post(&till, &token, &[KEY]).await.text(), body, "the client gets all of it");
        assert!(store.0.lock().unwrap().is_empty(), "{fields:?} {body}");
        assert_eq!(word(&post(&till, &token, &[KEY]).await).1, Some("spent"), "{fields:?} {body}");
    }
    let (till, store) = shop(4);
    let token = till.buy().await;
    post(&till, &token, &[KEY, ("cache-control", "no-store")]).await;
    till.works().says(404);
    post(&till, &token, &[KEY]).await;
    till.works().answers(|| {
        let frames = [Ok(Frame::data(Bytes::from("a"))), Err("broken")];
        Response::new(BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames))))
    });
    let broken = till.shop.service.clone().oneshot(asks(&token, Method::POST, &[KEY], "")).await.unwrap();
    assert!(broken.into_body().collect().await.is_err());
    till.works().answers(|| {
        let frames = [Frame::data(Bytes::from("a")), Frame::trailers(http::HeaderMap::new())];
        Response::new(BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames.map(Ok)))))
    });
    assert_eq!(post(&till, &token, &[KEY]).await.text(), "a");
    assert!(store.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn s4_a_range_is_served_from_what_is_kept() {
    let (till, _) = shop(1);
    let token = till.buy().await;
    till.works().answers(says(&[("etag", "\"a\"")], "0123456789"));
    till.get(&token).await;
    let get = async |fields: &[(&str, &str)]| till.send(&token, Method::GET, fields, "").await;
    let part = get(&[("range", "bytes=2-4"), ("if-range", "\"a\"")]).await;
    assert_eq!((part.status, part.text()), (StatusCode::PARTIAL_CONTENT, "234"));
    assert_eq!(part.field("content-range"), Some("bytes 2-4/10"));
    assert_eq!(get(&[("range", "bytes=2-4"), ("if-range", "\"b\"")]).await.status, StatusCode::OK);
}

/// Answers with what comes, a byte at a time.
fn slowly(till: &Till) -> mpsc::Sender<Result<&'static str, &'static str>> {
    let (say, said) = mpsc::channel(8);
    let said = Mutex::new(Some(said));
    till.works().answers(move || {
        let said = said.lock().unwrap().take().unwrap();
        let frames = futures_util::stream::unfold(said, async |mut said: mpsc::Receiver<_>| {
            said.recv().await.map(|text| (text, said))
        });
        let frames = frames.map(|text: Result<&str, _>| text.map(|text| Frame::data(Bytes::from(text))));
        Response::new(BodyExt::boxed(StreamBody::new(Box::pin(frames))))
    });
    say
}

#[tokio::test]
async fn s4_when_the_client_has_gone_the_answer_is_read_on_and_a_retry_gets_all_of_it() {
    let (till, _) = shop(1);
    let token = till.buy().await;
    let say = slowly(&till);
    say.try_send(Ok("one ")).unwrap();
    let response = till.shop.service.clone().oneshot(asks(&token, Method::POST, &[KEY], "")).await.unwrap();
    let mut body = response.into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "one ");
    drop(body);
    let retry = till.begin_with(&token, KEY);
    tokio::task::yield_now().await;
    say.try_send(Ok("two")).unwrap();
    drop(say);
    let retry = retry.await.unwrap();
    assert_eq!((word(&retry).1, retry.text()), (Some("kept"), "one two"));
    assert_eq!(till.works().calls(), 1);
}

#[tokio::test]
async fn s4_without_a_key_a_retry_waits_for_the_answer_that_is_on_its_way() {
    let (till, _) = shop(1);
    let token = till.buy().await;
    let say = slowly(&till);
    say.send(Ok("one ")).await.unwrap();
    drop(till.shop.service.clone().oneshot(asks(&token, Method::GET, &[], "")).await.unwrap());
    let retry = till.begin(&token, Method::GET);
    for _ in 0..100 {
        tokio::task::yield_now().await; // it is told that the token is spent
    }
    say.send(Ok("two")).await.unwrap();
    drop(say);
    let retry = retry.await.unwrap();
    assert_eq!((word(&retry).1, retry.text()), (Some("kept"), "one two"));
    assert_eq!(till.works().calls(), 1);
}

#[tokio::test]
async fn s4_the_key_of_a_request_under_way_is_no_other_requests() {
    let (till, _) = shop(2);
    let token = till.buy().await;
    let gate = till.works().waits();
    let first = till.begin_with(&token, KEY);
    till.works().called(1).await;
    assert_eq!(till.send(&token, Method::PUT, &[KEY], "").await.reason(), "key-held");
    gate.add_permits(1);
    assert_eq!(first.await.unwrap().status, StatusCode::OK);
    assert_eq!((till.works().calls(), till.tally(&token).await.committed), (1, 1));
}

#[tokio::test]
async fn s4_when_the_client_goes_before_the_head_its_answer_is_kept_all_the_same() {
    let (till, _) = shop(1);
    let token = till.buy().await;
    let gate = till.works().waits();
    let lost = till.begin_with(&token, KEY);
    till.works().called(1).await;
    assert_eq!(post(&till, &token, &[KEY]).await.reason(), "uses-reserved", "nobody knows yet whether it is answered");
    lost.abort();
    assert!(lost.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    till.shop.service.at_rest().await;
    assert_eq!(word(&post(&till, &token, &[KEY]).await).1, Some("kept"));
}

#[tokio::test]
async fn s4_while_the_ledger_is_away_nothing_is_given() {
    let (till, _) = shop(1);
    let token = till.buy().await;
    post(&till, &token, &[KEY]).await;
    till.store.set_away(true);
    for _ in 0..5 {
        let _ = till.send(&token, Method::POST, &[("idempotency-key", "two")], "").await;
    }
    assert_eq!(post(&till, &token, &[KEY]).await.reason(), "ledger-unavailable");
}

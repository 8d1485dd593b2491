//! Kept answers whose store is slow.

use super::kept::{InMemory, KEY, post};
use super::{Till, word};
use bytes::Bytes;
use core::time::Duration;
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use l402_core::UnixSeconds;
use l402_http::policy::Sale;
use l402_http::service::kept::{AnswerName, AnswerStore, Answers, Parcel, Sealed};
use std::sync::{Arc, Mutex};

/// A store that takes answers and does not come to write them.
#[derive(Clone, Default)]
struct Stuck(Arc<Mutex<Vec<Parcel>>>);

impl AnswerStore for Stuck {
    fn keep(&self, parcel: Parcel) {
        self.0.lock().unwrap().push(parcel);
    }

    fn knows(&self, _: &AnswerName, _: UnixSeconds) -> bool {
        false
    }

    fn read(&self, _: &AnswerName) -> Option<Sealed> {
        None
    }

    fn give(&self, _: &AnswerName) -> bool {
        false
    }
}

/// A store that writes an answer when it is told to, or just after somebody has looked for it in vain.
#[derive(Clone, Default)]
struct Late(InMemory, Stuck);

impl Late {
    fn write(&self) {
        if let Some(parcel) = self.1.0.lock().unwrap().pop() {
            self.0.keep(parcel);
        }
    }
}

impl AnswerStore for Late {
    fn keep(&self, parcel: Parcel) {
        self.1.keep(parcel);
    }

    fn knows(&self, name: &AnswerName, now: UnixSeconds) -> bool {
        let is_known = self.0.knows(name, now);
        self.write();
        is_known
    }

    fn read(&self, name: &AnswerName) -> Option<Sealed> {
        self.0.read(name)
    }

    fn give(&self, name: &AnswerName) -> bool {
        self.0.give(name)
    }
}

/// The name is taken before the store is asked: whoever asked first would find neither the answer nor who writes it.
#[tokio::test]
async fn s4_an_answer_that_is_written_meanwhile_takes_no_other_use() {
    let store = Late::default();
    let answers = Answers::new(store.clone(), 10);
    let keep = |sale: Sale| sale.keep_answer(Duration::from_mins(10));
    let till = Till::with(2, keep, |paywall| paywall.answers(answers));
    let token = till.buy().await;
    assert_eq!(post(&till, &token, &[KEY]).await.status, StatusCode::OK);
    let again = till.begin_with(&token, KEY);
    for _ in 0..100 {
        tokio::task::yield_now().await; // it waits for the answer
    }
    store.write();
    assert_eq!(word(&again.await.unwrap()).1, Some("kept"));
    assert_eq!((till.works().calls(), till.tally(&token).await.committed), (1, 1));
}

/// 64 MiB in all, from the first byte that is collected until the store has written the last.
#[tokio::test]
async fn s4_answers_that_wait_for_the_store_have_a_bound_together() {
    let (size, store) = (8 << 20, Stuck::default());
    let answers = Answers::new(store.clone(), size);
    let keep = |sale: Sale| sale.keep_answer(Duration::from_mins(10));
    let till = Till::with(100, keep, |paywall| paywall.answers(answers));
    let token = till.buy().await;
    let body = Bytes::from(vec![b'x'; size]);
    till.works().answers(move || {
        let body = http_body_util::Full::from(body.clone()).map_err(|never| match never {});
        Response::new(body.boxed())
    });
    let waiting = || store.0.lock().unwrap().len();
    let ask = async |number: usize| {
        let key = number.to_string();
        let answer = post(&till, &token, &[("idempotency-key", &key)]).await;
        assert_eq!((answer.status, answer.text().len()), (StatusCode::OK, size));
    };
    for number in 1..=10 {
        ask(number).await;
        assert_eq!(waiting(), number.min(8));
    }
    store.0.lock().unwrap().truncate(6); // two are written
    for number in 11..=13 {
        ask(number).await;
    }
    assert_eq!(waiting(), 8);
}

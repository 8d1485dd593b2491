//! Tests of the answers that are kept.

use super::*;
use crate::store::private::PrivateDir;
use http::Request;
use l402_core::purchase::Reading;
use std::sync::{Arc, Mutex};

#[derive(Debug)]
struct Times(Mutex<Reading>);

impl Clocks for Times {
    fn read(&self) -> Reading {
        *self.0.lock().unwrap()
    }
}

struct World {
    _home: tempfile::TempDir,
    times: Arc<Times>,
    answers: Answers,
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = PrivateDir::open(home.path().join("data")).unwrap();
        let reading = Reading { boot: Some([1; 16]), since_boot_ms: 1_000, wall_ms: 1_700_000_000_000 };
        let times = Arc::new(Times(Mutex::new(reading)));
        let database = Database::open_with_clocks(&data, Arc::clone(&times) as Arc<dyn Clocks>).unwrap();
        Self { _home: home, times, answers: Answers::new(database) }
    }

    fn pass(&self, time: Duration) {
        self.times.0.lock().unwrap().since_boot_ms += u64::try_from(time.as_millis()).unwrap();
    }

    fn expect(&self, draft: &Draft) -> i64 {
        self.answers.expect(draft, BudgetId::MAIN, CallId::from_bytes([1; 16])).unwrap().unwrap()
    }

    fn find(&self, draft: &Draft) -> Waiting {
        self.answers.find(draft, BudgetId::MAIN).unwrap()
    }
}

fn draft(url: &str, body: &'static str) -> Draft {
    Draft::try_from(Request::post(url).header("x-a", "1").body(body).unwrap()).unwrap()
}

fn answer() -> Answer {
    let mut headers = HeaderMap::new();
    headers.append("x-many", "a: b".parse().unwrap());
    headers.append("x-many", HeaderValue::from_bytes(b"\xff").unwrap());
    Answer {
        url: "http://b/after".parse().unwrap(),
        status: StatusCode::CREATED,
        headers,
        body: Bytes::from_static(b"\0x"),
    }
}

#[test]
fn a9_the_same_request_waits_for_the_answer_and_gets_it() {
    let world = World::new();
    let this = draft("http://a/x?y", "body");
    assert!(matches!(world.find(&this), Waiting::Nothing));
    let id = world.expect(&this);
    assert!(matches!(world.find(&this), Waiting::Coming));
    world.answers.keep(id, &answer()).unwrap();
    let Waiting::Here(found, kept) = world.find(&this) else { panic!("it is kept") };
    assert_eq!(
        (found, kept.status, &kept.headers, &kept.body),
        (id, answer().status, &answer().headers, &answer().body)
    );
    assert_eq!(kept.url, answer().url);

    let mut other_header = this.clone();
    other_header.headers.insert("x-a", HeaderValue::from_static("2"));
    for other in [draft("http://a/x?z", "body"), draft("http://a/x?y", "other"), other_header] {
        assert!(matches!(world.find(&other), Waiting::Nothing), "{other:?}");
    }
    world.answers.remove(id).unwrap();
    assert!(matches!(world.find(&this), Waiting::Nothing));
}

#[test]
fn a9_an_answer_is_that_of_its_budget() {
    let world = World::new();
    let this = draft("http://a/", "");
    let id = world.expect(&this);
    world.answers.keep(id, &answer()).unwrap();
    let other = world.answers.database.read(|tx| tx.query_row("SELECT 2 AS id", [], |row| BudgetId::read(row, "id")));
    assert!(matches!(world.answers.find(&this, other.unwrap()).unwrap(), Waiting::Nothing));
}

#[test]
fn a9_it_is_kept_ten_minutes_and_a_killed_call_is_not_waited_for() {
    let world = World::new();
    let this = draft("http://a/", "");
    let id = world.expect(&this);
    world.answers.keep(id, &answer()).unwrap();
    world.pass(KEPT_FOR.saturating_sub(Duration::from_secs(1)));
    assert!(matches!(world.find(&this), Waiting::Here(..)));
    world.pass(Duration::from_secs(1));
    assert!(matches!(world.find(&this), Waiting::Nothing));

    world.expect(&this);
    let holder = CallId::from_bytes([1; 16]);
    for _ in 0..3 {
        world.pass(LEASE.saturating_sub(Duration::from_secs(1)));
        let database = &world.answers.database;
        database.write(|tx| renew(tx, database.clocks(), holder)).unwrap();
        assert!(matches!(world.find(&this), Waiting::Coming));
    }
    world.pass(LEASE);
    assert!(matches!(world.find(&this), Waiting::Nothing));
}

#[test]
fn a9_only_so_many_are_kept() {
    let world = World::new();
    for number in 0..=MAX_ANSWERS {
        let id = world.expect(&draft(&format!("http://a/{number}"), ""));
        world.answers.keep(id, &answer()).unwrap();
    }
    assert!(matches!(world.find(&draft("http://a/0", "")), Waiting::Nothing));
    assert!(matches!(world.find(&draft("http://a/1", "")), Waiting::Here(..)));
}

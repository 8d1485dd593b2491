//! What subscribers are told: in which order, once or at most once, and never a secret.

use crate::support::{Purchase, Shop, demo, keys, policy, request};
use core::time::Duration;
use http::{Method, Request, StatusCode};
use l402_core::{GatePolicy, Msat, SettlementRule, Uses};
use l402_http::cors::Cors;
use l402_http::policy::{Free, Policy, Sale};
use l402_http::response::{Reason, Rejection};
use l402_http::service::event::{Ended, Event, Invoiced, Phase, Priced, RequestId, Reserved, Settled};
use l402_http::service::{Observe, Paywall, Undeliverable};
use l402_ledger::Ledger;
use l402_lightning::testing::{FakeFault, FakeNode};
use std::sync::{Arc, Mutex};
use tower::Service;

/// Notes events.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<Note>>>);

#[derive(Debug, Clone)]
struct Note {
    request: RequestId,
    phase: &'static str,
    path: Option<String>,
    service: Option<String>,
    elapsed: Duration,
    ended: Option<Ended>,
    text: String,
}

impl Notes {
    fn observer(&self) -> impl Fn(&Event<'_>) + Send + Sync + 'static {
        let notes = self.clone();
        move |event| notes.0.lock().unwrap().push(Note::of(event))
    }

    /// Takes the phases that were told since the last time, all of one request.
    fn phases(&self) -> Vec<&'static str> {
        let notes = self.take();
        assert!(notes.iter().all(|note| note.request == notes[0].request));
        assert!(notes.is_sorted_by_key(|note| note.elapsed));
        notes.iter().map(|note| note.phase).collect()
    }

    fn take(&self) -> Vec<Note> {
        core::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Note {
    fn of(event: &Event<'_>) -> Self {
        let phase = match event.phase {
            Phase::Routed(_) => "routed",
            Phase::Judged(_) => "judged",
            Phase::Settled(Settled::Unknown { .. }) => "settlement unknown",
            Phase::Settled(Settled::Underpaid { .. }) => "underpaid",
            Phase::Settled(_) => "settled",
            Phase::Priced(Priced::Undeliverable { .. }) => "undeliverable",
            Phase::Priced(_) => "priced",
            Phase::Invoiced(Invoiced::Failed { .. }) => "no invoice",
            Phase::Invoiced(Invoiced::Busy) => "busy",
            Phase::Invoiced(Invoiced::Crowded) => "crowded",
            Phase::Invoiced(Invoiced::Uncounted) => "uncounted",
            Phase::Invoiced(_) => "invoiced",
            Phase::Minted(_) => "minted",
            Phase::Challenged(_) => "challenged",
            Phase::Reserved(Reserved::Held { .. }) => "reserved",
            Phase::Reserved(_) => "no use",
            Phase::Forwarded(_) => "forwarded",
            Phase::Committed(_) => "committed",
            Phase::Ended(_) => "ended",
            _ => "new",
        };
        Self {
            request: event.request,
            phase,
            path: event.path.map(str::to_owned),
            service: event.service.map(ToString::to_string),
            elapsed: event.elapsed,
            ended: if let Phase::Ended(ended) = event.phase { Some(ended) } else { None },
            text: format!("{event:?}"),
        }
    }
}

const CHARGED: [&str; 7] = ["routed", "judged", "priced", "invoiced", "minted", "challenged", "ended"];

fn observed(policy: Policy, adjust: impl FnOnce(Paywall<FakeNode>) -> Paywall<FakeNode>) -> (Shop, Notes) {
    let notes = Notes::default();
    let shop = Shop::with(policy, |paywall| adjust(paywall).observe(notes.observer()));
    (shop, notes)
}

fn everything() -> Policy {
    let sale = Sale::new("plannt", "/v1/demo", Msat::from_sat(21)).capability("demo");
    let shared = Sale::new("shared", "/shared", Msat::from_sat(1)).cors(Cors::upstream());
    Policy::builder().sell(sale).sell(shared).free(Free::new("/status")).build().unwrap()
}

fn strict(paywall: Paywall<FakeNode>) -> Paywall<FakeNode> {
    paywall.gate_policy(GatePolicy { settlement: SettlementRule::Strict, ..GatePolicy::default() })
}

#[tokio::test]
async fn each_outcome_has_its_events_in_order() {
    let (shop, notes) = observed(everything(), |paywall| paywall);
    let bought = shop.buy("/v1/demo").await;
    assert_eq!(notes.phases(), CHARGED);
    shop.present("/v1/demo", &bought.credential()).await;
    assert_eq!(notes.phases(), ["routed", "judged", "forwarded", "ended"]);
    shop.present("/v1/demo", "L402 x:y").await;
    assert_eq!(notes.phases(), ["routed", "judged", "ended"]);
    shop.get("/status").await;
    assert_eq!(notes.phases(), ["routed", "forwarded", "ended"]);
    for refused in ["/nothing", "/a/../b"] {
        shop.get(refused).await;
        assert_eq!(notes.phases(), ["routed", "ended"]);
    }
    shop.payee.misbehave(FakeFault::Unreachable);
    shop.get("/v1/demo").await;
    assert_eq!(notes.phases(), ["routed", "judged", "priced", "no invoice", "ended"]);
}

#[tokio::test]
async fn preflights_are_routed_and_no_more() {
    let (shop, notes) = observed(everything(), |paywall| paywall);
    for (path, phases) in [("/shared", &["routed", "forwarded", "ended"][..]), ("/v1/demo", &["routed", "ended"])] {
        let mut asked = request(path, &[("origin", "https://a"), ("access-control-request-method", "GET")]);
        *asked.method_mut() = Method::OPTIONS;
        shop.ask(asked).await;
        assert_eq!(notes.phases(), phases, "{path}");
    }
}

#[tokio::test]
async fn settlement_has_an_event_where_it_is_asked_for() {
    let (shop, notes) = observed(policy(), strict);
    let bought = shop.buy("/v1/demo").await.credential();
    notes.take();
    shop.present("/v1/demo", &bought).await;
    assert_eq!(notes.phases(), ["routed", "judged", "settled", "forwarded", "ended"]);
    shop.payee.misbehave(FakeFault::Unreachable);
    shop.present("/v1/demo", &bought).await;
    assert_eq!(notes.phases(), ["routed", "judged", "settlement unknown", "ended"]);
    shop.payee.behave();
    let unpaid = Purchase::mint(&keys(), &demo(), [1; 32]);
    shop.present("/v1/demo", &unpaid.credential()).await;
    assert_eq!(notes.phases(), ["routed", "judged", "settled", "ended"]);
}

/// Gets the events of sales only.
struct OfSales(Notes);

impl Observe for OfSales {
    fn observe(&self, event: &Event<'_>) {
        self.0.observer()(event);
    }

    fn sees_all(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn who_wants_sales_only_hears_nothing_of_paid_requests() {
    let notes = Notes::default();
    let shop = Shop::with(everything(), |paywall| strict(paywall).observe(OfSales(notes.clone())));
    let bought = shop.buy("/v1/demo").await.credential();
    assert_eq!(notes.phases(), ["priced", "invoiced", "minted", "challenged"]);
    shop.present("/v1/demo", &bought).await; // the node is asked: it has nothing in memory
    assert_eq!(notes.phases(), ["settled"]);
    for path in ["/status", "/nothing"] {
        shop.get(path).await;
    }
    shop.present("/v1/demo", "L402 x:y").await;
    assert!(notes.take().is_empty());
    let (all, sales) = (Notes::default(), OfSales(Notes::default()));
    let shop = Shop::with(everything(), |paywall| paywall.observe(all.observer()).observe(sales));
    shop.get("/status").await;
    assert_eq!(all.phases(), ["routed", "forwarded", "ended"], "who comes later takes nothing away");
}

#[tokio::test]
async fn too_small_a_payment_is_charged_again() {
    let (shop, notes) = observed(policy(), strict);
    let bought = shop.buy("/v1/demo").await.sold_for(42_000).credential();
    notes.phases();
    let answer = shop.present("/v1/demo", &bought).await;
    assert_eq!((answer.status, answer.reason().as_str()), (StatusCode::PAYMENT_REQUIRED, "underpaid"));
    let charged = [&["routed", "judged", "underpaid"], &CHARGED[2..]].concat();
    assert_eq!(notes.phases(), charged);
}

#[tokio::test]
async fn a_token_that_is_counted_is_reserved_and_committed() {
    let sale = Sale::new("plannt", "/v1/demo", Msat::from_sat(21)).capability("demo").uses(Uses::ONCE);
    let policy = Policy::builder().sell(sale).build().unwrap();
    let store = crate::uses::store();
    let ledger = Ledger::new(store.clone());
    let (shop, notes) = observed(policy, |paywall| strict(paywall).ledger(ledger));
    let bought = shop.buy("/v1/demo").await.credential();
    notes.phases();
    shop.present("/v1/demo", &bought).await;
    assert_eq!(notes.phases(), ["routed", "judged", "settled", "reserved", "forwarded", "committed", "ended"]);
    shop.present("/v1/demo", &bought).await;
    let spent = [&["routed", "judged", "settled", "no use"], &CHARGED[2..]].concat();
    assert_eq!(notes.phases(), spent);
    store.set_away(true);
    shop.present("/v1/demo", &bought).await;
    assert_eq!(notes.phases(), ["routed", "judged", "settled", "no use", "ended"]);
    shop.get("/v1/demo").await;
    assert_eq!(notes.phases(), ["routed", "judged", "priced", "uncounted", "ended"]);
}

#[tokio::test]
async fn what_cannot_be_sold_is_not_asked_of_the_node() {
    let outage = Undeliverable { retry_after: Duration::from_secs(7) };
    let (shop, notes) = observed(policy(), |paywall| paywall.deliverable(move |_| Err(outage)));
    shop.get("/v1/demo").await;
    assert_eq!((notes.phases(), shop.payee.invoices_asked()), (vec!["routed", "judged", "undeliverable", "ended"], 0));
    let (shop, notes) = observed(policy(), |paywall| paywall.challenges(0));
    shop.get("/v1/demo").await;
    assert_eq!((notes.phases(), shop.payee.invoices_asked()), (vec!["routed", "judged", "priced", "busy", "ended"], 0));
}

#[tokio::test]
async fn a_request_ends_once_even_where_its_client_goes_away() {
    let (mut shop, notes) = observed(policy(), |paywall| paywall);
    shop.payee.misbehave(FakeFault::Hang);
    let asked: Request<String> = request("/v1/demo", &[]);
    drop(shop.service.call(asked));
    let ended = notes.take().pop().unwrap().ended.unwrap();
    assert_eq!((ended.status, ended.rejection), (None, None));
    shop.payee.behave();
    shop.get("/v1/demo").await;
    let told = notes.take();
    assert_eq!(told.iter().filter(|note| note.ended.is_some()).count(), 1);
    let rejection = Rejection { status: StatusCode::PAYMENT_REQUIRED, reason: Reason::PAYMENT_REQUIRED };
    assert_eq!(told.last().unwrap().ended.unwrap().rejection, Some(rejection));
}

#[tokio::test]
async fn events_say_what_the_request_is_and_when_it_was() {
    let now = Arc::new(Mutex::new(Duration::from_secs(100)));
    let clock = Arc::clone(&now);
    let (shop, notes) = observed(policy(), |paywall| {
        let stopwatch = Arc::clone(&clock);
        let slow = move |_: &Event<'_>| *clock.lock().unwrap() += Duration::from_secs(1);
        paywall.stopwatch(move || *stopwatch.lock().unwrap()).observe(slow)
    });
    shop.get("/v1/%64emo?canary").await;
    let told = notes.take();
    let elapsed: Vec<_> = told.iter().map(|note| note.elapsed.as_secs()).collect();
    assert_eq!(elapsed, [0, 1, 2, 3, 4, 5, 6]);
    assert!(told.iter().all(|note| note.path.as_deref() == Some("/v1/demo")));
    assert!(told.iter().all(|note| note.service.as_deref() == Some("plannt")));
    shop.get("/canary/../b").await;
    assert!(notes.take().iter().all(|note| note.path.is_none() && note.service.is_none()));
}

#[tokio::test]
async fn t1_h2_no_event_tells_a_secret() {
    let trusting: fn(Paywall<FakeNode>) -> Paywall<FakeNode> = |paywall| paywall;
    for adjust in [trusting, strict] {
        let (shop, notes) = observed(everything(), adjust);
        let bought = shop.buy("/v1/demo").await;
        let headers =
            [("authorization", bought.credential()), ("macaroon", bought.metadata()), ("cookie", "canary".into())];
        for header in &headers {
            shop.ask(request("/v1/demo?key=canary", &[(header.0, &header.1), ("x-canary", "canary")])).await;
        }
        shop.present("/v1/demo", &format!("L402 {}:{}", bought.token, "00".repeat(32))).await;
        shop.present("/v1/demo", &format!("{}0", bought.credential())).await;
        shop.payee.misbehave(FakeFault::Unreachable);
        shop.present("/v1/demo", &bought.credential()).await;
        shop.get("/v1/demo?canary").await;
        shop.get("/canary/../a?canary").await;
        let told: String = notes.take().into_iter().map(|note| note.text).collect();
        assert!(told.contains("Minted") && told.contains("told to be unreachable"), "events are read");
        let hex = bought.preimage.to_hex();
        for secret in [hex.expose(), &format!("{:?}", bought.preimage.expose()), &bought.token[60..], "canary"] {
            assert!(!told.contains(secret), "{secret} is told: {told}");
        }
    }
}

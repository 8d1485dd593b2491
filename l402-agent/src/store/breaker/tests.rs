//! Tests of breakers and confirmations in the database.

use super::*;
use crate::store::budget::{BudgetId, Budgets, CallId, FeeLimit, MAIN, Payer, PolicyRefusal, RefusalKind};
use crate::store::clocks::Clocks;
use crate::store::database::Database;
use crate::store::payments::{Closing, OpenPayment, Payments, PaymentsError};
use crate::store::private::PrivateDir;
use crate::store::record::{Intent, KeptToken};
use crate::store::tokens::Tokens;
use core::time::Duration;
use http::Method;
use l402_core::macaroon::{RootKey, base64, mint};
use l402_core::purchase::Reading;
use l402_core::purchase::breaker::{Cause, Event, Mode, Rules};
use l402_core::{Msat, Preimage, Scheme};
use l402_http::pay::{Asking, Order, Standing};
use std::sync::{Arc, Mutex};

#[derive(Debug)]
struct Fake(Mutex<Reading>);

impl Clocks for Fake {
    fn read(&self) -> Reading {
        *self.0.lock().unwrap()
    }
}

/// A store with a clock of its own, opened twice, as by two processes.
struct Desk {
    _home: tempfile::TempDir,
    clocks: Arc<Fake>,
    databases: [Database; 2],
    drawn: Mutex<u8>,
}

impl Desk {
    fn new(guards: Guards) -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = PrivateDir::open(home.path().join("data")).unwrap();
        let reading = Reading { boot: Some([1; 16]), since_boot_ms: 0, wall_ms: 1_700_000_000_000 };
        let clocks = Arc::new(Fake(Mutex::new(reading)));
        let open = || {
            let database = Database::open_with_clocks(&data, Arc::clone(&clocks) as Arc<dyn Clocks>).unwrap();
            database.guard(guards);
            database
        };
        Self { databases: [open(), open()], _home: home, clocks, drawn: Mutex::new(0) }
    }

    fn pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        let mut reading = self.clocks.0.lock().unwrap();
        reading.since_boot_ms += millis;
        reading.wall_ms += millis;
    }

    fn breakers(&self) -> Breakers {
        Breakers::new(self.databases[0].clone())
    }

    /// A payment that nobody has seen before.
    fn intent(&self, origin: &str, sat: u64) -> (Intent, Preimage) {
        let mut drawn = self.drawn.lock().unwrap();
        *drawn += 1;
        let preimage = Preimage::from_bytes([*drawn; 32]);
        let intent = Intent {
            payment_hash: preimage.hash(),
            amount_msat: Msat::from_sat(sat),
            wallet: "fake".to_owned(),
            origin: origin.parse().unwrap(),
            method: Method::GET,
            path: "/weather".to_owned(),
            scheme: Scheme::L402,
            token: token(&[b"services=weather:0", b"weather_uses=3"]),
            at: 1_700_000_000.into(),
            order: Some(Order {
                invoice: format!("invoice {drawn}"),
                max_fee_msat: Msat::ZERO,
                max_cltv_expiry_delta: 1_008,
                asking: Asking::First,
            }),
            uses: None,
            is_isolated: false,
        };
        (intent, preimage)
    }

    fn begin(&self, intent: &Intent) -> Result<OpenPayment, PolicyRefusal> {
        self.begin_in(1, intent, 1)
    }

    fn begin_in(&self, process: usize, intent: &Intent, call: u8) -> Result<OpenPayment, PolicyRefusal> {
        let payments = Payments::new(self.databases[process].clone()).unwrap();
        payments.begin(intent.clone(), &payer(call)).map_err(|fault| match fault {
            PaymentsError::Refused(refused) => *refused,
            other => panic!("{other}"),
        })
    }

    /// Begins a payment, which then fails.
    fn begins(&self, intent: &Intent) -> bool {
        self.begin(intent).is_ok_and(|open| open.close(Closing::NotPaid).is_ok())
    }

    fn buy(&self, origin: &str, sat: u64) -> Intent {
        let (intent, preimage) = self.intent(origin, sat);
        let paid = l402_lightning::Paid { preimage, amount_msat: intent.amount_msat, fee_msat: Msat::ZERO };
        let token: KeptToken = intent.prove(paid);
        self.begin(&intent).unwrap().paid(&token).unwrap();
        intent
    }

    /// A purchase that is not accepted.
    fn lose(&self, origin: &str, sat: u64) -> Intent {
        let intent = self.buy(origin, sat);
        let tokens = Tokens::new(self.databases[0].clone());
        assert!(tokens.mark(&intent.payment_hash, Standing::Refused).unwrap());
        intent
    }

    fn mode(&self, origin: Option<&str>) -> Mode {
        let all = self.breakers().all().unwrap();
        all.iter().find(|shown| shown.origin.as_deref() == origin).map_or(Mode::Normal, |shown| shown.mode)
    }

    /// Asks the owner about a payment, and returns the question.
    fn ask(&self, intent: &Intent) -> Question {
        match consider(&self.databases[1], &payer(1), intent).unwrap() {
            Ok(Some((Asked::Own(question), _))) => question,
            other => panic!("{other:?}"),
        }
    }
}

fn payer(call: u8) -> Payer {
    Payer { budget: BudgetId::MAIN, call: CallId::from_bytes([call; 16]), fee_limit: FeeLimit::Kept }
}

fn token(caveats: &[&[u8]]) -> String {
    let (mut bytes, mut text) = ([0; 256], [0; 512]);
    let token = mint(&RootKey::new(b"root"), b"", b"id", caveats, &mut bytes).unwrap();
    base64::encode_into(token.as_bytes(), &mut text).unwrap().to_owned()
}

fn kind(result: Result<OpenPayment, PolicyRefusal>) -> Option<RefusalKind> {
    result.err().map(|refused| refused.kind())
}

const A: &str = "http://a";
const B: &str = "http://b";

#[test]
fn a9_a_purchase_that_is_refused_trips_its_origin_alone_and_says_what_was_lost() {
    let desk = Desk::new(Guards::default());
    let lost = desk.lose(A, 21);
    let refused = desk.begin(&desk.intent(A, 1).0).unwrap_err();
    assert_eq!(refused.kind(), RefusalKind::Breaker);
    let said = "http://a: read-only, since it did not accept what was bought for 21 sat; pays again in 10 min, or when its \
                owner runs `l402 policy breaker reset http://a`";
    assert_eq!(refused.to_string(), said);
    assert!(desk.begins(&desk.intent(B, 1).0) && desk.breakers().may_ask(&A.parse().unwrap()).unwrap().is_ok());
    desk.pass(Rules::default().cool_down);
    assert_eq!(desk.mode(Some(A)), Mode::Normal);
    let tokens = Tokens::new(desk.databases[0].clone());
    tokens.mark(&lost.payment_hash, Standing::Refused).unwrap();
    assert_eq!(desk.mode(Some(A)), Mode::Normal, "it is a loss once");
}

#[test]
fn a9_a_caller_that_buys_again_and_an_owner_who_forgets_forgive_a_refusal() {
    let desk = Desk::new(Guards { buys_again: true, ..Guards::default() });
    desk.lose(A, 21);
    assert!(desk.begins(&desk.intent(A, 1).0));
    desk.breakers().set(Some(&A.parse().unwrap()), Mode::ReadOnly).unwrap();
    assert_eq!(
        kind(desk.begin(&desk.intent(A, 1).0)),
        Some(RefusalKind::Breaker),
        "that is not the caller's to forgive"
    );
    let desk = Desk::new(Guards::default());
    desk.lose(A, 21);
    Tokens::new(desk.databases[0].clone()).forget_origin(&A.parse().unwrap()).unwrap();
    assert!(desk.begins(&desk.intent(A, 1).0));
}

#[test]
fn a5_losses_at_several_origins_stop_all_of_them() {
    let desk = Desk::new(Guards::default());
    for origin in [A, B] {
        desk.lose(origin, 21);
    }
    assert_eq!(desk.mode(None), Mode::Normal);
    desk.lose("http://c", 7);
    let refused = desk.begin(&desk.intent("http://d", 1).0).unwrap_err().to_string();
    assert!(refused.starts_with("all origins: read-only, since 3 origins did not accept"), "{refused}");
    assert!(
        refused.contains("49 sat within a day") && refused.ends_with("`l402 policy breaker reset --all`"),
        "{refused}"
    );
    desk.breakers().reset(None).unwrap();
    desk.lose("http://d", 1);
    assert_eq!(desk.mode(None), Mode::Normal, "what the owner has seen counts no more");
}

#[test]
fn a5_a_price_out_of_proportion_needs_a_confirmation() {
    let desk = Desk::new(Guards::default());
    for sat in [2, 2, 3, 2] {
        desk.buy(A, sat);
    }
    let (early, _) = desk.intent(A, 2_000);
    desk.begin(&early).unwrap().close(Closing::NotPaid).unwrap();
    desk.buy(A, 2);
    assert!(desk.begins(&desk.intent(A, 19).0));
    let other = Intent {
        token: token(&[b"services=weather:1", b"weather_uses=3"]),
        path: "/b".to_owned(),
        ..desk.intent(A, 2_000).0
    };
    assert!(desk.begins(&other), "another plan has a price of its own");
    assert!(desk.begins(&Intent { path: "/c".to_owned(), ..desk.intent(A, 2_000).0 }), "another route, too");
    let (dear, _) = desk.intent(A, 20);
    let refused = desk.begin(&dear);
    assert_eq!(kind(refused), Some(RefusalKind::Confirmation));
    assert_eq!(kind(desk.begin(&desk.intent(A, 1).0)), Some(RefusalKind::Confirmation), "and so does what follows");
}

#[test]
fn a5_spending_above_the_limit_of_an_hour_needs_confirmations() {
    let rules = Rules { spend_msat: Some(Msat::from_sat(100)), ..Rules::default() };
    let desk = Desk::new(Guards { rules, ..Guards::default() });
    desk.buy(A, 60);
    let (open, _) = desk.intent(B, 40);
    let _open = desk.begin(&open).unwrap();
    assert_eq!(kind(desk.begin(&desk.intent("http://c", 1).0)), Some(RefusalKind::Confirmation));
    assert_eq!(desk.mode(None), Mode::RequireConfirmation);
}

#[test]
fn a5_what_one_process_stops_is_stopped_in_all_of_them() {
    let desk = Desk::new(Guards::default());
    let (begun, _) = desk.intent(A, 1);
    let mut open = desk.begin_in(1, &begun, 1).unwrap();
    for mode in [Mode::ReadOnly, Mode::Frozen] {
        desk.breakers().set(None, mode).unwrap();
        for process in [0, 1] {
            let refused = desk.begin_in(process, &desk.intent(B, 1).0, 1);
            assert_eq!(kind(refused), Some(RefusalKind::Breaker), "{mode} {process}");
        }
        let again = open.repeat(begun.order.as_ref().unwrap());
        assert!(matches!(again, Err(PaymentsError::Refused(_))), "nor is the wallet asked again");
        let may_ask = desk.breakers().may_ask(&B.parse().unwrap()).unwrap();
        assert_eq!(may_ask.is_ok(), mode != Mode::Frozen);
    }
    desk.pass(Duration::from_hours(10_000));
    assert_eq!(desk.mode(None), Mode::Frozen);
    desk.breakers().reset(None).unwrap();
    assert!(open.repeat(begun.order.as_ref().unwrap()).is_ok());
    assert!(desk.begins(&desk.intent(B, 1).0));
}

#[test]
fn failures_are_counted_over_processes() {
    let desk = Desk::new(Guards::default());
    for process in [0, 1, 0, 1, 0] {
        Breakers::new(desk.databases[process].clone()).happened(&A.parse().unwrap(), Event::Failed).unwrap();
    }
    let shown = desk.breakers().all().unwrap();
    assert_eq!((shown[0].mode, shown[0].cause), (Mode::ReadOnly, Some(Cause::Failures(5))));
}

fn asking(above: u64) -> Desk {
    Desk::new(Guards { confirm_above_msat: Some(Msat::from_sat(above)), are_alerts_sent: true, ..Guards::default() })
}

#[test]
fn a_confirmation_is_for_one_payment_of_one_call_and_once() {
    let desk = asking(10);
    let (small, _) = desk.intent(B, 10);
    assert!(matches!(consider(&desk.databases[1], &payer(1), &small).unwrap(), Ok(None)) && desk.begins(&small));
    let (intent, _) = desk.intent(A, 11);
    assert_eq!(kind(desk.begin(&intent)), Some(RefusalKind::Confirmation));
    let question = desk.ask(&intent);
    assert_eq!(desk.breakers().questions().unwrap(), core::slice::from_ref(&question));
    assert_eq!(question.why, "as every payment of more than 10 sat does");
    let same = consider(&desk.databases[0], &payer(2), &desk.intent(A, 11).0).unwrap().unwrap();
    assert!(
        matches!(same, Some((Asked::Other(other), _)) if other.id == question.id),
        "nobody is asked twice for the same"
    );
    desk.breakers().answer(&question.id, Answer::Yes, "test").unwrap();
    assert!(desk.breakers().answer(&question.id, Answer::No, "test").is_err(), "it was answered");
    let order = |invoice: &str, fee| {
        let order = Order { invoice: invoice.to_owned(), max_fee_msat: fee, ..intent.order.clone().unwrap() };
        Intent { order: Some(order), ..intent.clone() }
    };
    for (other, call) in [
        (intent.clone(), 2),
        (Intent { amount_msat: Msat::from_sat(12), ..intent.clone() }, 1),
        (Intent { origin: B.parse().unwrap(), path: "/b".to_owned(), ..intent.clone() }, 1),
        (order("invoice", Msat::ZERO), 1),
        (order(&question.invoice, Msat::new(1)), 1),
        (desk.intent(A, 11).0, 1),
    ] {
        assert_eq!(kind(desk.begin_in(1, &other, call)), Some(RefusalKind::Confirmation), "{other:?}");
    }
    desk.begin(&intent).unwrap().close(Closing::NotPaid).unwrap();
    assert_eq!(kind(desk.begin(&intent)), Some(RefusalKind::Confirmation), "it is used up");
}

#[test]
fn limits_are_checked_again_after_a_confirmation() {
    let desk = asking(10);
    let (intent, _) = desk.intent(A, 11);
    let question = desk.ask(&intent);
    desk.breakers().answer(&question.id, Answer::Yes, "test").unwrap();
    let budgets = Budgets::new(desk.databases[0].clone());
    budgets.freeze(MAIN, true).unwrap();
    assert_eq!(kind(desk.begin(&intent)), Some(RefusalKind::Budget));
    assert!(
        consider(&desk.databases[1], &payer(1), &desk.intent(B, 11).0).unwrap().is_err(),
        "nobody is asked in vain"
    );
    budgets.freeze(MAIN, false).unwrap();
    desk.breakers().set(None, Mode::Frozen).unwrap();
    assert_eq!(kind(desk.begin(&intent)), Some(RefusalKind::Breaker));
    let open = Budgets::new(desk.databases[0].clone()).show(MAIN).unwrap();
    assert_eq!(open.total.reserved_msat, Msat::ZERO, "nothing is held while somebody thinks");
}

#[test]
fn no_answer_and_one_that_comes_too_late_are_no() {
    let desk = asking(10);
    let (intent, _) = desk.intent(A, 11);
    let question = desk.ask(&intent);
    assert_eq!(desk.breakers().stand(&question.id).unwrap(), Stand::Open);
    desk.pass(Guards::default().confirm_within);
    assert_eq!(desk.breakers().stand(&question.id).unwrap(), Stand::Over);
    assert!(
        desk.breakers().answer(&question.id, Answer::Yes, "test").is_err()
            && desk.breakers().questions().unwrap().is_empty()
    );
    assert_eq!(kind(desk.begin(&intent)), Some(RefusalKind::Confirmation));
    let question = desk.ask(&intent);
    desk.breakers().answer(&question.id, Answer::Yes, "test").unwrap();
    desk.pass(Guards::default().confirm_within);
    assert_eq!(kind(desk.begin(&intent)), Some(RefusalKind::Confirmation), "a yes ends, too");
}

#[test]
fn an_alert_is_due_until_it_has_arrived() {
    let desk = asking(10);
    desk.ask(&desk.intent(A, 11).0);
    let lease = Duration::from_mins(1);
    let first = desk.breakers().next_alert(lease).unwrap().unwrap();
    let body: serde_json::Value = serde_json::from_str(&first.body).unwrap();
    assert_eq!((&body["event"], &body["id"]), (&"confirmation_needed".into(), &first.id.as_str().into()));
    assert_eq!(desk.breakers().next_alert(lease).unwrap(), None, "somebody sends it");
    desk.pass(lease);
    let again = desk.breakers().next_alert(lease).unwrap().unwrap();
    assert_eq!((again.id.as_str(), again.tries), (first.id.as_str(), 2));
    desk.breakers().delay(&first.id, Duration::from_secs(5)).unwrap();
    desk.pass(Duration::from_secs(5));
    assert!(desk.breakers().next_alert(lease).unwrap().is_some());
    desk.breakers().arrived(&first.id).unwrap();
    desk.pass(lease);
    assert_eq!(desk.breakers().next_alert(lease).unwrap(), None);
    let silent = Desk::new(Guards::default());
    silent.breakers().set(None, Mode::Frozen).unwrap();
    assert_eq!(silent.breakers().next_alert(lease).unwrap(), None, "nobody is to hear of it");
}

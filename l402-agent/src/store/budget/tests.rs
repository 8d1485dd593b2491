//! Tests of budgets in the database.

mod caps;

use super::*;
use crate::store::clocks::Clocks;
use crate::store::database::Database;
use crate::store::payments::{Closing, Payments, PaymentsError};
use crate::store::private::PrivateDir;
use crate::store::record::{Intent, KeptToken};
use core::time::Duration;
use http::Method;
use l402_core::macaroon::{RootKey, base64, mint};
use l402_core::purchase::{Limits, Passage, Reading};
use l402_core::{Msat, Preimage, Scheme};
use l402_http::pay::{Asking, Order};
use std::sync::{Arc, Mutex};

#[derive(Debug)]
struct Fake(Mutex<Reading>);

impl Clocks for Fake {
    fn read(&self) -> Reading {
        *self.0.lock().unwrap()
    }
}

impl Fake {
    fn pass(&self, time: Duration) {
        let mut reading = self.0.lock().unwrap();
        reading.since_boot_ms += u64::try_from(time.as_millis()).unwrap();
        reading.wall_ms += u64::try_from(time.as_millis()).unwrap();
    }
}

/// A store with a clock of its own.
struct Desk {
    home: tempfile::TempDir,
    clocks: Arc<Fake>,
    payments: Payments,
    budgets: Budgets,
    database: Database,
}

impl Desk {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = PrivateDir::open(home.path().join("data")).unwrap();
        let reading = Reading { boot: Some([1; 16]), since_boot_ms: 0, wall_ms: 1_700_000_000_000 };
        let clocks = Arc::new(Fake(Mutex::new(reading)));
        let database = Database::open_with_clocks(&data, Arc::clone(&clocks) as Arc<dyn Clocks>).unwrap();
        let payments = Payments::new(database.clone()).unwrap();
        Self { home, clocks, payments, budgets: Budgets::new(database.clone()), database }
    }

    fn make(&self, name: &str, parent: &str, limits: Limits) -> Payer {
        let new = NewBudget { name: name.parse().unwrap(), parent: parent.to_owned(), limits, expires_in: None };
        payer(self.budgets.make(&new).unwrap(), 1)
    }

    /// What a budget has spent and reserved in all.
    fn total(&self, name: &str) -> (u64, u64) {
        let total = self.budgets.show(name).unwrap().total;
        (total.booked_msat.get(), total.reserved_msat.get())
    }

    fn refused(&self, seed: u8, payer: &Payer) -> Option<String> {
        match self.payments.begin(intent(seed), payer) {
            Ok(open) => {
                open.close(Closing::NotPaid).unwrap();
                None
            }
            Err(PaymentsError::Refused(refused)) => Some(refused.to_string()),
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn payer(budget: BudgetId, call: u8) -> Payer {
    Payer { budget, call: CallId::from_bytes([call; 16]), fee_limit: FeeLimit::Kept }
}

/// It costs 21 sat, and up to 4 sat of fees.
fn intent(seed: u8) -> Intent {
    let order = Order {
        invoice: "lnbcrt210n1".to_owned(),
        max_fee_msat: Msat::from_sat(4),
        max_cltv_expiry_delta: 1008,
        asking: Asking::First,
    };
    Intent {
        payment_hash: Preimage::from_bytes([seed; 32]).hash(),
        amount_msat: Msat::from_sat(21),
        wallet: "sandbox".to_owned(),
        origin: "http://a".parse().unwrap(),
        method: Method::GET,
        path: format!("/{seed}"),
        scheme: Scheme::L402,
        token: "AgEE".to_owned(),
        at: 1_700_000_000.into(),
        order: Some(order),
        uses: None,
        is_isolated: false,
    }
}

fn kept(seed: u8, fee_msat: u64) -> KeptToken {
    let mut token = intent(seed).token();
    token.preimage = Some(Preimage::from_bytes([seed; 32]));
    token.fee_msat = Msat::new(fee_msat);
    KeptToken::new(&intent(seed).origin, &token).unwrap()
}

#[expect(clippy::unnecessary_wraps, reason = "as limits have it")]
fn sat(amount: u64) -> Option<Msat> {
    Some(Msat::from_sat(amount))
}

const FREE: Limits = Limits {
    per_call_msat: None,
    per_hour_msat: None,
    per_day_msat: None,
    per_origin_msat: None,
    per_service_msat: None,
    total_msat: None,
    reserved_msat: None,
    in_flight: None,
    origin_reserved_msat: None,
    origin_in_flight: None,
    unlisted_msat: None,
    fee_msat: None,
    fee_ppm: None,
    cltv: None,
};

#[test]
fn a5_a_payment_holds_its_most_then_what_was_debited_in_its_budget_and_above() {
    let desk = Desk::new();
    let research = desk.make("research", MAIN, FREE);
    let open = desk.payments.begin(intent(1), &research).unwrap();
    for name in ["research", MAIN] {
        assert_eq!(desk.total(name), (0, 25_000), "{name}");
    }
    open.paid(&kept(1, 300)).unwrap();
    desk.payments.begin(intent(2), &research).unwrap().close(Closing::NotPaid).unwrap();
    desk.payments.begin(intent(3), &research).unwrap().close(Closing::Forgotten).unwrap();
    drop(desk.payments.begin(intent(4), &payer(BudgetId::MAIN, 1)).unwrap());
    assert_eq!(desk.total("research"), (21_300 + 25_000, 0));
    assert_eq!(desk.total(MAIN), (21_300 + 25_000, 25_000), "an unknown one stays reserved");
}

#[test]
fn a5_no_payment_goes_over_a_limit_of_the_budget_or_above_it() {
    let desk = Desk::new();
    let top = desk.make("top", MAIN, Limits { total_msat: sat(60), ..FREE });
    let below = desk.make("below", "top", Limits { total_msat: sat(1_000), ..FREE });
    let _one = desk.payments.begin(intent(1), &below).unwrap();
    let _two = desk.payments.begin(intent(2), &top).unwrap();
    let refused = "top: 50 of 60 sat in total; this call costs 21 sat, and up to 4 sat of fees";
    assert_eq!(desk.refused(3, &below).as_deref(), Some(refused));
    assert_eq!(desk.refused(3, &top).as_deref(), Some(refused));
    assert!(desk.payments.intents().unwrap().iter().all(|open| open.payment_hash != intent(3).payment_hash));
    assert_eq!(desk.total("below"), (0, 25_000), "nothing is left of what was refused");
    assert_eq!(desk.refused(3, &payer(BudgetId::MAIN, 1)), None);
}

#[test]
fn a5_an_hour_ends_an_hour_after_the_outcome_was_recorded() {
    let desk = Desk::new();
    let research = desk.make("research", MAIN, Limits { per_hour_msat: sat(40), ..FREE });
    let open = desk.payments.begin(intent(1), &research).unwrap();
    desk.clocks.pass(Duration::from_hours(5));
    let refused = "research: 25 of 40 sat this hour; this call costs 21 sat, and up to 4 sat of fees";
    assert_eq!(desk.refused(2, &research).as_deref(), Some(refused), "it has no outcome yet");
    open.paid(&kept(1, 0)).unwrap();
    desk.clocks.pass(Duration::from_mins(48));
    let refused =
        "research: 21 of 40 sat this hour; this call costs 21 sat, and up to 4 sat of fees; free again in 12 min";
    assert_eq!(desk.refused(2, &research).as_deref(), Some(refused));
    desk.clocks.pass(Duration::from_mins(12));
    assert_eq!(desk.refused(2, &research), None);
}

#[test]
fn a5_calls_origins_and_services_have_limits_of_their_own() {
    let desk = Desk::new();
    let token = |service: &str| {
        let (mut bytes, mut text) = ([0; 256], [0; 512]);
        let caveat = format!("services={service}:0,other:1");
        let token = mint(&RootKey::new(b"root"), b"", b"id", &[caveat.as_bytes()], &mut bytes).unwrap();
        base64::encode_into(token.as_bytes(), &mut text).unwrap().to_owned()
    };
    let begin = |seed: u8, payer: &Payer, origin: &str, service: &str| {
        let intent = Intent { origin: origin.parse().unwrap(), token: token(service), ..intent(seed) };
        let begun = desk.payments.begin(intent, payer);
        begun.map(drop).map_err(|fault| fault.to_string().split_once("sat ").unwrap().1.to_owned())
    };
    let calls = desk.make("calls", MAIN, Limits { per_call_msat: sat(49), ..FREE });
    assert_eq!(begin(1, &calls, "http://a", "maps"), Ok(()));
    assert!(begin(2, &calls, "http://b", "maps").unwrap_err().starts_with("for this call"));
    assert_eq!(begin(2, &payer(calls.budget, 2), "http://b", "maps"), Ok(()));

    let origins = desk.make("origins", MAIN, Limits { per_origin_msat: sat(60), per_service_msat: sat(30), ..FREE });
    assert_eq!(begin(3, &origins, "http://a", "maps"), Ok(()));
    assert!(begin(4, &origins, "http://a", "maps").unwrap_err().starts_with("for this service"));
    assert_eq!(begin(4, &origins, "http://a", "rain"), Ok(()));
    assert!(begin(5, &origins, "http://a", "snow").unwrap_err().starts_with("at this origin"));
    assert_eq!(begin(5, &origins, "http://b", "maps"), Ok(()));
}

#[test]
fn a5_a_name_made_anew_is_a_new_budget_and_resets_nothing_above() {
    let desk = Desk::new();
    desk.make("top", MAIN, Limits { total_msat: sat(60), ..FREE });
    let old = desk.make("research", "top", FREE);
    let child = desk.make("child", "research", FREE);
    desk.payments.begin(intent(1), &old).unwrap().paid(&kept(1, 0)).unwrap();
    desk.budgets.remove("research").unwrap();
    for stopped in [&old, &child] {
        assert_eq!(desk.refused(2, stopped).as_deref(), Some("research: this budget was removed"));
    }
    let new = desk.make("research", "top", FREE);
    assert_ne!(new.budget, old.budget);
    assert_eq!(desk.total("research"), (0, 0));
    assert_eq!(desk.total("top"), (21_000, 0), "it still counts above");
    let _open = desk.payments.begin(intent(2), &new).unwrap();
    assert!(desk.refused(3, &new).unwrap().starts_with("top: 46 of 60 sat in total"));
    assert_eq!(desk.refused(3, &child).as_deref(), Some("research: this budget was removed"));
}

#[test]
fn a5_what_is_frozen_or_over_stops_those_below_it() {
    let desk = Desk::new();
    desk.make("top", MAIN, FREE);
    let child = desk.make("child", "top", FREE);
    desk.budgets.freeze("top", true).unwrap();
    assert!(desk.refused(1, &child).unwrap().starts_with("top: this budget is frozen"));
    desk.budgets.freeze("top", false).unwrap();
    assert_eq!(desk.refused(1, &child), None);
    let expires_in = Some(Duration::from_mins(1));
    let parent = "top".to_owned();
    let brief = NewBudget { name: "brief".parse().unwrap(), parent, limits: FREE, expires_in };
    desk.budgets.make(&brief).unwrap();
    let below = desk.make("below", "brief", FREE);
    assert_eq!(desk.refused(1, &below), None);
    desk.clocks.pass(Duration::from_mins(1));
    assert_eq!(desk.refused(1, &below).as_deref(), Some("brief: this budget has expired"));
    desk.budgets.freeze(MAIN, true).unwrap();
    assert!(desk.refused(1, &child).unwrap().starts_with("main: this budget is frozen"));
    assert!(matches!(desk.budgets.remove(MAIN), Err(BudgetError::Main)));
}

#[test]
fn a5_budgets_go_no_deeper_than_they_are_checked() {
    let desk = Desk::new();
    desk.make("b", MAIN, FREE);
    desk.make("c", "b", FREE);
    desk.make("d", "c", FREE);
    let new = |name: &str, parent: &str| NewBudget {
        name: name.parse().unwrap(),
        parent: parent.to_owned(),
        limits: FREE,
        expires_in: None,
    };
    assert!(matches!(desk.budgets.make(&new("e", "d")), Err(BudgetError::TooDeep)));
    assert!(matches!(desk.budgets.make(&new("d", "b")), Err(BudgetError::Exists)));
    assert!(matches!(desk.budgets.make(&new("e", "nobody")), Err(BudgetError::NoParent)));
    assert!(matches!(desk.budgets.id("nobody"), Err(BudgetError::Unknown)));
    assert_eq!(desk.budgets.all().unwrap().len(), 4);
}

#[test]
fn a5_a_clock_that_is_behind_stops_what_depends_on_time() {
    let desk = Desk::new();
    let hourly = desk.make("hourly", MAIN, Limits { per_hour_msat: sat(100), ..FREE });
    desk.payments.begin(intent(1), &hourly).unwrap().paid(&kept(1, 0)).unwrap();
    let behind = Reading { boot: Some([2; 16]), since_boot_ms: 0, wall_ms: 1_600_000_000_000 };
    *desk.clocks.0.lock().unwrap() = behind;
    assert!(desk.refused(2, &hourly).unwrap().starts_with("hourly: the system clock is 1158 days behind"));
    assert_eq!(desk.refused(2, &payer(BudgetId::MAIN, 1)), None, "nothing in it depends on time");
    assert!(matches!(desk.budgets.clock().unwrap().passage, Passage::Behind(_)));
    desk.budgets.accept_clock().unwrap();
    assert_eq!(desk.refused(2, &hourly), None);
    assert_eq!(desk.budgets.show("hourly").unwrap().hour_msat, Msat::from_sat(21), "no hour has passed");
    let what = "SELECT what FROM events ORDER BY id DESC LIMIT 1";
    let what: String = desk.database.read(|tx| tx.query_row(what, [], |row| row.get(0))).unwrap();
    assert_eq!(what, "accepted a wall clock that is 100000000 s behind");
}

#[test]
fn a5_what_ends_while_the_clock_stands_still_counts_from_when_it_goes_on() {
    let desk = Desk::new();
    let hourly = desk.make("hourly", MAIN, Limits { per_hour_msat: sat(40), ..FREE });
    let open = desk.payments.begin(intent(1), &hourly).unwrap();
    // Such as a computer without a clock of its own, before it has asked the network for the time.
    *desk.clocks.0.lock().unwrap() = Reading { boot: Some([2; 16]), since_boot_ms: 0, wall_ms: 0 };
    open.paid(&kept(1, 0)).unwrap();
    *desk.clocks.0.lock().unwrap() = Reading { boot: Some([2; 16]), since_boot_ms: 9, wall_ms: 1_700_020_000_000 };
    assert!(desk.refused(2, &hourly).unwrap().ends_with("; free again in 1 h"));
    desk.clocks.pass(Duration::from_hours(1));
    assert_eq!(desk.refused(2, &hourly), None);
}

#[test]
fn a5_a_request_that_is_repeated_reserves_what_it_may_cost_more() {
    let desk = Desk::new();
    let research = desk.make("research", MAIN, Limits { total_msat: sat(30), ..FREE });
    let mut open = desk.payments.begin(intent(1), &research).unwrap();
    let again = |fee| Order { max_fee_msat: Msat::from_sat(fee), asking: Asking::Again, ..intent(1).order.unwrap() };
    open.repeat(&again(9)).unwrap();
    assert_eq!(desk.total("research"), (0, 30_000));
    open.repeat(&again(1)).unwrap();
    assert_eq!(desk.total(MAIN), (0, 30_000), "either request may be the one");
    assert!(matches!(open.repeat(&again(10)), Err(PaymentsError::Refused(_))));
    assert_eq!(open.intent().order, Some(again(1)), "and it is as it was");
    desk.budgets.freeze("research", true).unwrap();
    assert!(matches!(open.repeat(&again(1)), Err(PaymentsError::Refused(_))));
    open.paid(&kept(1, 9_500)).unwrap();
    assert_eq!(desk.total("research"), (30_500, 0), "what was debited is booked, even above the limit");
}

#[test]
fn a5_a_wallet_that_keeps_no_limit_has_more_reserved_and_one_payment_at_a_time() {
    let desk = Desk::new();
    let research = desk.make("research", MAIN, Limits { total_msat: sat(60), ..FREE });
    let loose = Payer { fee_limit: FeeLimit::NotKept, ..research };
    let open = desk.payments.begin(intent(1), &loose).unwrap();
    assert_eq!(desk.total("research"), (0, 31_000), "10 sat are set aside");
    assert!(desk.refused(2, &loose).unwrap().contains("makes one payment at a time"));
    assert_eq!(desk.refused(2, &research), None, "another kind of wallet");
    open.paid(&kept(1, 10_001)).unwrap();
    assert_eq!(desk.total("research"), (31_001, 0), "the overrun is booked");
    for payer in [&loose, &research] {
        assert!(desk.refused(2, payer).unwrap().contains("`l402 policy wallet thaw sandbox`"));
    }
    assert_eq!(desk.budgets.stopped_wallets().unwrap(), ["sandbox"]);
    desk.budgets.thaw_wallet("sandbox").unwrap();
    assert!(matches!(desk.budgets.thaw_wallet("sandbox"), Err(BudgetError::NotStopped)));
    assert_eq!(desk.refused(2, &research), None);
}

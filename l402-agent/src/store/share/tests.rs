//! Tests of leases, and of whose a token is.

use super::*;
use crate::store::budget::{BudgetId, Budgets, CallId, MAIN, NewBudget};
use crate::store::private::PrivateDir;
use crate::store::{Clocks, Database};
use l402_core::purchase::{Limits, Reading, Sold, Tally};
use l402_core::{PaymentHash, Preimage};
use std::sync::{Arc, Mutex};

/// Clocks that a test sets.
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
    database: Database,
}

impl World {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let data = PrivateDir::open(home.path().join("data")).unwrap();
        let reading = Reading { boot: Some([1; 16]), since_boot_ms: 1_000, wall_ms: 1_700_000_000_000 };
        let times = Arc::new(Times(Mutex::new(reading)));
        let database = Database::open_with_clocks(&data, Arc::clone(&times) as Arc<dyn Clocks>).unwrap();
        Self { _home: home, times, database }
    }

    fn pass(&self, seconds: u64) {
        let mut reading = self.times.0.lock().unwrap();
        reading.since_boot_ms += seconds * 1_000;
        reading.wall_ms += seconds * 1_000;
    }

    fn take(&self, holder: u8, uses: u64) -> bool {
        let tally = Tally::new(Sold::Counted(uses));
        self.database.write(|tx| take(tx, self.database.clocks(), &hash(1), call(holder), tally)).unwrap()
    }
}

fn call(number: u8) -> CallId {
    CallId::from_bytes([number; 16])
}

fn hash(seed: u8) -> PaymentHash {
    Preimage::from_bytes([seed; 32]).hash()
}

#[test]
fn a9_as_many_calls_hold_a_token_as_it_has_uses() {
    let world = World::new();
    assert_eq!([1, 2, 3].map(|holder| world.take(holder, 2)), [true, true, false]);
    assert!(world.take(1, 2), "who holds a use has it");
    world.database.write(|tx| end_all(tx, call(1))).unwrap();
    assert!(world.take(3, 2) && !world.take(1, 2));
}

#[test]
fn a9_a_lease_ends_by_the_stored_clock_unless_it_is_renewed() {
    let world = World::new();
    assert!(world.take(1, 1));
    for _ in 0..5 {
        world.pass(LEASE.as_secs() - 1);
        world.database.write(|tx| renew(tx, world.database.clocks(), call(1))).unwrap();
        assert!(!world.take(2, 1), "it was renewed");
    }
    // Somebody sets the wall clock forward: the time since the boot says how long ago that was.
    world.times.0.lock().unwrap().wall_ms += 1_000_000_000;
    assert!(!world.take(2, 1));
    world.pass(LEASE.as_secs());
    assert!(world.take(2, 1), "its process was killed");
    world.database.write(|tx| renew(tx, world.database.clocks(), call(1))).unwrap();
    assert!(!world.take(1, 1), "what has ended is not renewed");
}

#[test]
fn a9_a_lease_of_an_earlier_boot_has_ended() {
    let world = World::new();
    assert!(world.take(1, 1));
    *world.times.0.lock().unwrap() = Reading { boot: Some([2; 16]), since_boot_ms: 10, wall_ms: 1_700_000_000_500 };
    assert!(world.take(2, 1));
}

#[test]
fn a9_another_token_gives_back_the_one_before() {
    let world = World::new();
    assert!(world.take(1, 1));
    world.database.write(|tx| switch(tx, call(1), &[hash(1)])).unwrap();
    assert!(!world.take(2, 1));
    world.database.write(|tx| switch(tx, call(1), &[hash(2)])).unwrap();
    assert!(world.take(2, 1));
}

#[test]
fn a9_budgets_use_each_others_tokens_only_where_all_between_them_say_so() {
    let world = World::new();
    let budgets = Budgets::new(world.database.clone());
    let make = |name: &str, parent: &str| {
        let new = NewBudget {
            name: name.parse().unwrap(),
            parent: parent.to_owned(),
            limits: Limits::default(),
            expires_in: None,
        };
        budgets.make(&new).unwrap()
    };
    let (team, other) = (make("team", MAIN), make("other", MAIN));
    let (one, two) = (make("one", "team"), make("two", "team"));
    let may_use = |budget, owner, is_counted| {
        world.database.read(|tx| Owners::new(tx, budget).may_use(owner, is_counted)).unwrap()
    };
    let all = [BudgetId::MAIN, team, other, one, two];
    for budget in all {
        for owner in all {
            assert_eq!(may_use(budget, owner, false), budget == owner, "{budget:?} {owner:?}: nobody shares");
        }
    }
    budgets.share_tokens("team", true).unwrap();
    assert!(may_use(one, two, false) && may_use(one, team, false) && may_use(team, two, false));
    assert!(!may_use(one, other, false) && !may_use(other, one, false) && !may_use(one, BudgetId::MAIN, false));
    budgets.share_tokens(MAIN, true).unwrap();
    assert!(may_use(one, other, false) && may_use(other, one, false) && may_use(one, BudgetId::MAIN, false));
    budgets.share_tokens("team", false).unwrap();
    assert!(!may_use(one, other, false) && !may_use(one, two, false), "the one between them does not share");
    assert!(may_use(team, other, false));
    budgets.share_tokens("team", true).unwrap();
    for budget in all {
        for owner in all {
            assert_eq!(may_use(budget, owner, true), budget == owner, "{budget:?} {owner:?}: it is counted");
        }
    }
}

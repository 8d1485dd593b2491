//! The scenarios in small, and each guard left undone.

use l402_model::{Faults, Guard, Scenario, counterexample, failures, name};

const SWEPT: Faults = Faults { sweeps: 1, ..Faults::ALL };

/// What the large scenarios leave out since it makes no difference, makes none.
#[test]
fn the_ledger_holds_in_small_with_all_that_can_happen() {
    for scenario in [
        Scenario::single_use(Faults::ALL, 2),
        Scenario::bundle(Faults::ALL, 1, 1),
        Scenario::repeatable(Faults::ALL, 2),
        Scenario::single_use(SWEPT, 2),
    ] {
        let name = scenario.name;
        let reduced = failures(scenario.clone());
        assert!(reduced.failures.is_empty(), "{name}: {:#?}", reduced.failures);
        let complete = failures(scenario.complete());
        assert!(complete.failures.is_empty(), "{name}: {:#?}", complete.failures);
        println!("{name}: {} states, and {} of them tell all apart", complete.states, reduced.states);
        assert!(complete.states > 10_000 && complete.states > reduced.states, "{name}");
    }
}

/// What does not hold without a guard.
const fn broken_without(guard: Guard) -> &'static str {
    match guard {
        Guard::ReserveFirst | Guard::LapseDoubts | Guard::UnknownDoubts => name::EFFECTS,
        Guard::ReservedIsTaken | Guard::CompareAndSet | Guard::Horizon => name::NEVER_OVER,
        Guard::AllOrNone | Guard::LeasesEnd => name::NOTHING_LOST,
        Guard::CommitFirst | Guard::TakeBack | Guard::DoubtBarsCommit | Guard::CommitsRemembered => name::TRUTH,
        Guard::Tombstones => name::DOUBTS,
        Guard::TriesCost | Guard::ReleaseOnce => name::TRIES,
        Guard::ResolutionStays => name::DECISIONS,
    }
}

#[test]
fn the_model_fails_without_any_of_the_guards() {
    for guard in Guard::ALL {
        let scenario = match guard {
            Guard::AllOrNone => Scenario::bundle(Faults::ALL, 1, 2),
            Guard::Horizon => Scenario::single_use(Faults { sweeps: 1, ..Faults::default() }, 2),
            Guard::TriesCost => Scenario::single_use(Faults::default(), 3),
            _ => Scenario::single_use(Faults::ALL, 2),
        };
        let property = broken_without(guard);
        let way = counterexample(scenario.without(guard), property);
        assert!(way.is_some(), "without {guard:?} it still holds that {property}");
        println!("without {guard:?} it does not hold that {property}: {:?}", way.unwrap_or_default());
    }
}

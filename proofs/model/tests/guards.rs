//! The scenarios in small, and each guard left undone.

use l402_model::{Bounds, Checked, Guard, Scenario, counterexample, failures, name};

/// One crash and one loss, with clients that go away.
const SMALL: Bounds = Bounds { crashes: 1, losses: 1, resolutions: 1, sweeps: 0, with_clients: true };

#[test]
fn the_ledger_holds_in_small() {
    for scenario in [
        Scenario::single_use(SMALL, 2),
        Scenario::bundle(SMALL, 1, 1),
        Scenario::repeatable(SMALL, 2),
        Scenario::single_use(Bounds { sweeps: 1, ..SMALL }, 2),
    ] {
        let name = scenario.name;
        let Checked { states, failures } = failures(scenario);
        assert!(failures.is_empty(), "{name}: {failures:#?}");
        assert!(states > 10_000, "{name}: {states}");
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
            Guard::AllOrNone => Scenario::bundle(SMALL, 1, 2),
            Guard::Horizon => Scenario::single_use(Bounds { sweeps: 1, ..Bounds::default() }, 2),
            Guard::TriesCost => Scenario::single_use(Bounds::default(), 3),
            _ => Scenario::single_use(SMALL, 2),
        };
        let property = broken_without(guard);
        let way = counterexample(scenario.without(guard), property);
        assert!(way.is_some(), "without {guard:?} it still holds that {property}");
        println!("without {guard:?} it does not hold that {property}: {:?}", way.unwrap_or_default());
    }
}

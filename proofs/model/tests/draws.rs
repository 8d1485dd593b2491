//! A balance from which two draw at once, and each guard left undone.

use l402_model::draw::{Draws, Guard, failures, way_without};

const SMALL: Draws = Draws { balance: 4, responses: 2, units: 3, crashes: 1, losses: 1, without: None };

#[test]
fn no_order_of_draws_costs_more_than_was_used() {
    let (states, failures) = failures(SMALL);
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(states > 10_000, "{states}");
}

#[test]
fn the_model_of_draws_fails_without_any_of_the_guards() {
    for guard in Guard::ALL {
        let way = way_without(SMALL, guard);
        assert!(way.is_some(), "without {guard:?} it still holds that {}", guard.broken());
        println!("without {guard:?} it does not hold that {}: {:?}", guard.broken(), way.unwrap_or_default());
    }
}

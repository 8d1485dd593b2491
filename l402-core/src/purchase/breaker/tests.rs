//! Tests of breakers.

use super::*;
use crate::msat::Msat;
use crate::purchase::WindowTime;
use core::time::Duration;
use proptest::prelude::*;
use std::vec::Vec;

const NOW: WindowTime = WindowTime::from_millis(1_700_000_000_000);
const SAT: Msat = Msat::from_sat(1);

fn mode() -> impl Strategy<Value = Mode> {
    proptest::sample::select(Mode::ALL.to_vec())
}

fn rules() -> impl Strategy<Value = Rules> {
    let modes = (mode(), mode(), mode(), mode(), mode());
    (0..4_u32, 0..4_u32, 0..4_u32, 0..100_u64, modes).prop_map(
        |(failures, price_factor, losing_origins, most, modes)| {
            let (on_failures, on_refusal, on_price, on_spend, on_losses) = modes;
            let (spend_msat, loss_msat) = (Some(Msat::new(most)), (most % 2 == 0).then_some(Msat::new(most)));
            let rules = Rules { failures, price_factor, spend_msat, losing_origins, loss_msat, ..Rules::default() };
            Rules { on_failures, on_refusal, on_price, on_spend, on_losses, ..rules }
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let msat = || (0..200_u64).prop_map(Msat::new);
    prop_oneof![
        Just(Event::Pass),
        Just(Event::Served),
        Just(Event::Withheld),
        Just(Event::Failed),
        msat().prop_map(|lost_msat| Event::Refused { lost_msat }),
        (msat(), proptest::option::of(msat()))
            .prop_map(|(price_msat, usual_msat)| Event::Priced { price_msat, usual_msat }),
        msat().prop_map(Event::Spent),
        (0..5_u32, msat()).prop_map(|(origins, lost_msat)| Event::Lost { origins, lost_msat }),
        mode().prop_map(Event::Set),
        Just(Event::Reset),
    ]
}

proptest! {
    #[test]
    fn a_breaker_becomes_laxer_by_time_and_by_its_owner_alone(
        rules in rules(),
        events in proptest::collection::vec((event(), 0..900_u64), 1..40),
    ) {
        let (mut circuit, mut now) = (Circuit::default(), NOW);
        for (event, seconds) in events {
            now = now.after(Duration::from_secs(seconds));
            let (before, is_over) = (circuit, circuit.until.is_some_and(|until| until <= now));
            let (after, verdict) = step(before, event, &rules, now);
            prop_assert_eq!(verdict.mode, after.mode);
            if !matches!(event, Event::Reset | Event::Set(_)) {
                prop_assert!(after.mode >= before.mode || (is_over && before.mode != Mode::Frozen));
                prop_assert!(before.mode != Mode::Frozen || after.mode == Mode::Frozen);
                prop_assert!(is_over || after.until >= before.until || after.mode == Mode::Frozen);
                let is_set = before.mode != Mode::Normal && before.until.is_none();
                prop_assert!(!is_set || after.until.is_none(), "what its owner has set has no end");
            }
            prop_assert!(after.mode != Mode::Frozen || after.until.is_none());
            prop_assert_eq!(after.mode == Mode::Normal, after.cause.is_none());
            prop_assert!(after.mode <= before.mode || matches!(verdict.change, Some(Change::Tripped(_))));
            prop_assert!(after.mode >= before.mode || verdict.change.is_some());
            circuit = after;
        }
    }

    #[test]
    fn a_server_that_says_come_back_later_trips_nothing(rules in rules(), events in proptest::collection::vec(event(), 0..9)) {
        let reach = |circuit, event: &Event| step(circuit, *event, &rules, NOW).0;
        let circuit = events.iter().fold(Circuit::default(), reach);
        prop_assert_eq!(step(circuit, Event::Withheld, &rules, NOW).0, circuit);
    }

    #[test]
    fn the_usual_price_is_the_one_in_the_middle(prices in proptest::collection::vec(0..40_u64, 0..MAX_PRICES)) {
        let of = prices.iter().copied().map(Msat::new).collect::<Vec<_>>();
        let mut sorted = of.clone();
        sorted.sort_unstable();
        let middle = sorted.get(prices.len().saturating_sub(1) / 2).copied();
        prop_assert_eq!(usual_msat(&of, 0), middle);
        prop_assert_eq!(usual_msat(&of, 5), middle.filter(|_| of.len() >= 5));
    }
}

fn after(events: &[Event]) -> Circuit {
    events.iter().fold(Circuit::default(), |circuit, event| step(circuit, *event, &Rules::default(), NOW).0)
}

#[test]
fn failures_count_one_after_another() {
    let four = [Event::Failed; 4];
    assert_eq!(after(&four).mode, Mode::Normal);
    assert_eq!(after(&[&four[..], &[Event::Served], &four].concat()).mode, Mode::Normal);
    let tripped = after(&[&four[..], &[Event::Withheld, Event::Failed]].concat());
    assert_eq!((tripped.mode, tripped.cause), (Mode::ReadOnly, Some(Cause::Failures(5))));
}

#[test]
fn after_a_cool_down_the_next_failure_is_one_too_many() {
    let later = NOW.after(Rules::default().cool_down);
    let (cooled, verdict) = step(after(&[Event::Failed; 5]), Event::Pass, &Rules::default(), later);
    assert_eq!((verdict.mode, verdict.change), (Mode::Normal, Some(Change::Ended)));
    assert_eq!(step(cooled, Event::Failed, &Rules::default(), later).1.mode, Mode::ReadOnly);
    let (served, _) = step(cooled, Event::Served, &Rules::default(), later);
    assert_eq!(step(served, Event::Failed, &Rules::default(), later).1.mode, Mode::Normal);
}

#[test]
fn a_price_trips_at_ten_times_the_usual_one() {
    let asked = |price, usual: Option<u64>| {
        after(&[Event::Priced { price_msat: Msat::new(price), usual_msat: usual.map(Msat::new) }]).mode
    };
    assert_eq!((asked(9_999, Some(1_000)), asked(10_000, Some(1_000))), (Mode::Normal, Mode::RequireConfirmation));
    assert_eq!((asked(u64::MAX, None), asked(0, Some(0))), (Mode::Normal, Mode::Normal));
    assert_eq!(asked(u64::MAX, Some(u64::MAX / 2)), Mode::RequireConfirmation, "the product is too large to count");
}

#[test]
fn what_is_spent_and_lost_trips_past_its_limit() {
    let most = Rules::default().spend_msat.unwrap();
    assert_eq!(after(&[Event::Spent(most)]).mode, Mode::Normal);
    assert_eq!(after(&[Event::Spent(most.saturating_add(Msat::new(1)))]).mode, Mode::RequireConfirmation);
    let lost = |origins| after(&[Event::Lost { origins, lost_msat: SAT }]).mode;
    assert_eq!((lost(2), lost(3)), (Mode::Normal, Mode::ReadOnly));
}

#[test]
fn only_the_owner_ends_a_freeze() {
    let frozen = after(&[Event::Set(Mode::Frozen)]);
    let years = NOW.after(Duration::from_secs(1 << 30));
    assert_eq!(step(frozen, Event::Pass, &Rules::default(), years).1.mode, Mode::Frozen);
    let (reset, verdict) = step(frozen, Event::Reset, &Rules::default(), NOW);
    assert_eq!((reset, verdict.change), (Circuit::default(), Some(Change::Ended)));
}

#[test]
fn each_loss_is_told() {
    let lost = Event::Refused { lost_msat: SAT };
    let (circuit, _) = step(Circuit::default(), lost, &Rules::default(), NOW);
    let told = Some(Change::Tripped(Cause::Refused { lost_msat: SAT }));
    assert_eq!(step(circuit, lost, &Rules::default(), NOW).1.change, told);
    assert_eq!(
        step(after(&[Event::Set(Mode::Frozen)]), lost, &Rules::default(), NOW).1.change,
        told,
        "also while it is frozen"
    );
}

//! Whatever is asked, every store says what [`Account`] says.

use super::{Harness, attempt, payment, reserve};
use crate::{Account, LedgerStore};
use core::time::Duration;
use l402_core::ledger::{
    AttemptId, Counted, DoubtRule, Event, Fingerprint, Idempotence, IdempotencyKey, Now, Reserve, Resolution, Safety,
    StoreTime,
};
use l402_core::{Counter, CounterKey, PaymentHash, UnixSeconds};
use proptest::prelude::*;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, TestRunner};

/// Asks random things in so many runs, and compares each reply, and the counters at the end.
///
/// Times are multiples of 15 seconds, so that it makes no difference how long the store takes.
///
/// # Panics
/// When the store says something else; the shortest such sequence is printed.
pub async fn like_the_account(harness: &impl Harness, runs: usize) {
    let (mut runner, deeds) = (TestRunner::new(Config::default()), prop::collection::vec(deed(), 1..40));
    for _ in 0..runs {
        let mut tree = deeds.new_tree(&mut runner).expect("a sequence");
        let Err(mut difference) = play(harness, &tree.current()).await else { continue };
        let mut shortest = tree.current();
        while tree.simplify() || tree.complicate() {
            if let Err(smaller) = play(harness, &tree.current()).await {
                (difference, shortest) = (smaller, tree.current());
            } else if !tree.complicate() {
                break;
            }
        }
        panic!("{difference}\n{shortest:#?}");
    }
}

/// One thing to do.
#[derive(Debug, Clone)]
enum Deed {
    Pass(u64),
    Ask { payment: usize, attempt: usize, event: Box<Event> },
}

const PAYMENTS: usize = 2;
const ATTEMPTS: usize = 6;

fn deed() -> impl Strategy<Value = Deed> {
    let pass = prop::sample::select(vec![15u64, 15, 30, 45, 60, 615]).prop_map(Deed::Pass);
    let ask = (0..PAYMENTS, 0..ATTEMPTS, event());
    prop_oneof![1 => pass, 6 => ask.prop_map(|(payment, attempt, event)| Deed::Ask { payment, attempt, event: Box::new(event) })]
}

/// Any event.
pub(crate) fn event() -> impl Strategy<Value = Event> {
    let resolution = prop::sample::select(vec![Resolution::Used, Resolution::Unused]);
    prop_oneof![
        6 => asked().prop_map(Event::Reserve),
        1 => Just(Event::Renew),
        3 => (0..4u64).prop_map(|amount| Event::Commit { amount }),
        2 => Just(Event::Release(Counted::No)),
        2 => Just(Event::Release(Counted::Yes)),
        2 => Just(Event::Doubt),
        1 => Just(Event::TakeBack),
        1 => resolution.prop_map(Event::Resolve),
        2 => (0..6u64, any::<bool>()).prop_map(|(total, is_last)| Event::Draw { total, is_last }),
    ]
}

fn asked() -> impl Strategy<Value = Reserve> {
    let doubt = prop::sample::select(vec![
        DoubtRule::Hold,
        DoubtRule::After(Duration::from_mins(1), Resolution::Used),
        DoubtRule::After(Duration::ZERO, Resolution::Unused),
    ]);
    let same = (prop::option::of(1..3u8), prop::option::of(1..3u8), any::<bool>());
    (prop::collection::vec((0..4u8, 1..4u64), 0..3), 1..3u64, any::<bool>(), same, doubt, 1..6u64).prop_map(
        |(branches, amount, is_safe, (page, key, is_repeatable), doubt, limit)| {
            let mut asked = Reserve { amount, doubt, ..reserve(limit) };
            for (branch, limit) in branches {
                asked.counters.add(Counter { key: CounterKey::from_bytes([branch; 16]), limit });
            }
            if !is_safe {
                asked.safety = Safety::Unsafe;
            }
            if is_repeatable {
                asked.idempotence = Idempotence::Repeatable;
            }
            asked.fingerprint = page.map(|page| Fingerprint::from_bytes([page; 32]));
            asked.key = key.map(|key| IdempotencyKey::from_bytes([key; 32]));
            asked
        },
    )
}

/// The payments of a run, with tokens that end at different times.
struct Run {
    now: Now,
    payments: Vec<(PaymentHash, UnixSeconds, Account)>,
    attempts: Vec<AttemptId>,
}

impl Run {
    fn begin(time: StoreTime) -> Self {
        let seconds = time.millis() / 1_000;
        let ends = [4_102_444_800, seconds + 1_200].map(UnixSeconds::new);
        let payments = ends.map(|ends_at| (payment(), ends_at, Account::new(ends_at)));
        let now = Now { time, horizon: UnixSeconds::new(0) };
        Self { now, payments: payments.into(), attempts: (0..ATTEMPTS).map(|_| attempt()).collect() }
    }
}

async fn play(harness: &impl Harness, deeds: &[Deed]) -> Result<(), String> {
    let store = harness.store();
    let mut run = Run::begin(store.now().await.expect("a time").time);
    for (at, deed) in deeds.iter().enumerate() {
        match deed.clone() {
            Deed::Pass(seconds) => {
                harness.pass(Duration::from_secs(seconds)).await;
                run.now.time = run.now.time.after(Duration::from_secs(seconds));
            }
            Deed::Ask { payment, attempt, mut event } => {
                let (payment, ends_at, account) = &mut run.payments[payment];
                if let Event::Reserve(reserve) = &mut *event {
                    reserve.ends_at = *ends_at;
                }
                let expected = account.apply(run.now, &run.attempts[attempt], &event);
                let reply = harness.store().apply(payment, run.attempts[attempt], *event).await.expect("an answer");
                if reply != expected {
                    return Err(format!("deed {at}: the store says {reply:?}, and should say {expected:?}"));
                }
            }
        }
    }
    for (payment, _, account) in &mut run.payments {
        account.pass(run.now.time);
        let mut expected = account.uses().tallies;
        let mut tallies = store.uses(payment).await.expect("an answer").map_or(Vec::new(), |uses| uses.tallies);
        expected.sort_unstable_by_key(|(key, _)| *key);
        tallies.sort_unstable_by_key(|(key, _)| *key);
        if tallies != expected {
            return Err(format!("the store has {tallies:?}, and should have {expected:?}"));
        }
    }
    Ok(())
}

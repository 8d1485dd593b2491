//! Some hundred seeds, in every test run; `just simulate` takes more.

use l402_simulate::run;
use std::collections::BTreeMap;

#[test]
fn no_seed_breaks_a_promise() {
    let mut seen = BTreeMap::<_, u64>::new();
    for seed in 0..600 {
        let report = run(seed);
        assert!(report.breaches.is_empty(), "just simulate seed={seed}: {:#?}", report.breaches);
        report.seen.iter().for_each(|(what, count)| *seen.entry(*what).or_default() += count);
    }
    for what in [
        "402, spent",
        "409, held or in doubt",
        "503, the ledger does not answer",
        "crashes",
        "doubts decided",
        "leases renewed",
        "reservations overtaken",
        "third tries",
        "uses committed",
        "uses given back",
        "uses in doubt",
    ] {
        assert!(seen.get(what).is_some_and(|count| *count > 10), "{what} hardly ever: {seen:#?}");
    }
}

#[test]
fn a_seed_is_the_same_run_each_time() {
    for seed in 0..50 {
        let [one, other] = [run(seed), run(seed)];
        assert_eq!(one.digest, other.digest, "seed {seed}");
    }
}

//! Runs seeds, and says which of them break a promise: `seeds=100000`, or `seed=7` for one, with its plan.

use l402_simulate::{Plan, Report, run};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let argument = std::env::args().nth(1).unwrap_or_else(|| "seeds=1000".to_owned());
    match argument.split_once('=').map(|(name, number)| (name, number.parse())) {
        Some(("seeds", Ok(seeds))) => all(seeds),
        Some(("seed", Ok(seed))) => one(seed),
        _ => {
            eprintln!("not understood: {argument}; say seeds=100000 or seed=7");
            ExitCode::FAILURE
        }
    }
}

fn all(seeds: u64) -> ExitCode {
    let (start, mut seen, mut failed) = (Instant::now(), BTreeMap::<_, u64>::new(), 0);
    for seed in 0..seeds {
        let report = run(seed);
        report.seen.iter().for_each(|(what, count)| *seen.entry(*what).or_default() += count);
        if !report.breaches.is_empty() {
            failed += 1;
            tell(seed, &report);
        }
        if failed == MOST_FAILURES {
            println!("stopped at seed {seed}");
            break;
        }
    }
    for (what, count) in &seen {
        println!("{count:>12} {what}");
    }
    println!("{seeds} seeds, {failed} failed, {} s", start.elapsed().as_secs());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(seed: u64) -> ExitCode {
    println!("{:#?}", Plan::of(seed));
    let report = run(seed);
    println!("{:#?}", report.seen);
    tell(seed, &report);
    if report.breaches.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn tell(seed: u64, report: &Report) {
    if !report.breaches.is_empty() {
        println!("seed={seed} failed:");
    }
    for breach in &report.breaches {
        println!("  {breach}");
    }
}

/// After which there is enough to look at.
const MOST_FAILURES: u64 = 10;

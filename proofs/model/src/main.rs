//! Checks the scenarios at full size, and says how many states there were, how long it took and how much memory.

use l402_model::draw::{self, Draws};
use l402_model::{Faults, Scenario, failures};
use std::fs;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let only = std::env::args().nth(1).unwrap_or_default();
    let mut has_failed = false;
    for scenario in scenarios().into_iter().filter(|scenario| scenario.name.contains(&only)) {
        let (start, name) = (Instant::now(), scenario.name);
        let checked = failures(scenario);
        let (states, seconds) = (checked.states, start.elapsed().as_secs());
        println!("{name}: {states} states, {seconds} s, at most {} MB so far", memory().unwrap_or(0));
        for failure in &checked.failures {
            println!("{failure}");
        }
        has_failed |= !checked.failures.is_empty();
    }
    if DRAWS.contains(&*only) {
        has_failed |= !draws();
    }
    if has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The last arguments of each are how many requests there are.
fn scenarios() -> [Scenario; 5] {
    let faults = Faults { resolutions: false, ..Faults::ALL };
    [
        Scenario::single_use(faults, 4),
        Scenario::bundle(faults, 2, 2),
        Scenario::single_use(Faults::ALL, 4).named("one use, and a person who decides"),
        Scenario::single_use(Faults { sweeps: 1, ..Faults::ALL }, 3).named("one use, and a record that is deleted"),
        Scenario::repeatable(faults, 4),
    ]
}

/// A balance from which several draw; tells whether all holds.
fn draws() -> bool {
    let start = Instant::now();
    let draws = Draws { balance: 5, responses: 2, units: 4, crashes: 2, losses: 2, without: None };
    let (states, failures) = draw::failures(draws);
    println!("{DRAWS}: {states} states, {} s, at most {} MB so far", start.elapsed().as_secs(), memory().unwrap_or(0));
    for failure in &failures {
        println!("{failure}");
    }
    failures.is_empty()
}

const DRAWS: &str = "a balance from which two draw";

/// The most memory that this process has had.
fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? / 1024)
}

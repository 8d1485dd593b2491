//! `l402-ct [--seed N] [part of a subject's name]`: proves, prints the table, and fails where something leaks.

use l402_ct::{Failure, catalogue, memcheck, random, run, subject, trace};
use std::process::ExitCode;
use std::{env, time::Instant};

fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [trace::CHILD, name, seed] => trace::child(find(name)?, seed.parse()?).map(|()| ExitCode::SUCCESS),
        [memcheck::CHILD, name, seed] => memcheck::child(find(name)?, seed.parse()?).map(|()| ExitCode::SUCCESS),
        ["--seed", seed] => prove("", seed.parse()?),
        ["--seed", seed, only] => prove(only, seed.parse()?),
        [only] => prove(only, random::fresh_seed()?),
        [] => prove("", random::fresh_seed()?),
        _ => Err("usage: l402-ct [--seed N] [part of a subject's name]".into()),
    }
}

fn find(name: &str) -> Result<&'static subject::Subject, Failure> {
    catalogue::named(name).ok_or_else(|| format!("no subject is called '{name}'").into())
}

fn prove(only: &str, seed: u64) -> Result<ExitCode, Failure> {
    let start = Instant::now();
    println!("seed {seed}");
    let faults = run::prove(only, seed)?;
    for fault in &faults {
        println!("FAULT {fault}");
    }
    println!("{} faults, {} s", faults.len(), start.elapsed().as_secs());
    Ok(if faults.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

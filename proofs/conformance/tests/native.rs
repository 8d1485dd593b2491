//! Every case of `spec-vectors`, on this machine.
#![allow(clippy::unwrap_used, reason = "a step that fails, fails the test")]

use core::fmt::Write;
use l402_conformance::{Outcome, Report, SUBJECTS, run_all};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The words for what went well; the other verdicts refuse something.
const ACCEPTED: [&str; 12] = [
    "admit",
    "attenuated",
    "authentic",
    "deliver",
    "emitted",
    "granted",
    "minted",
    "pay",
    "read",
    "replace",
    "settle",
    "written",
];

#[test]
fn every_case_is_as_it_states() {
    let mut failures = String::new();
    for Report { kind, id, rule, outcome, .. } in reports(1 << 22) {
        match outcome {
            Outcome::Passed => {}
            Outcome::Failed(differs) => writeln!(failures, "{kind} {id} ({rule}): {differs}").unwrap(),
            Outcome::LeftOut => writeln!(failures, "{kind} {id}: left out").unwrap(),
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

#[test]
fn every_case_of_the_files_is_run_once() {
    let mut run = BTreeMap::new();
    for report in reports(1 << 22) {
        *run.entry((report.kind.to_owned(), report.id.to_owned())).or_insert(0) += 1;
    }
    let mut written = BTreeMap::new();
    for (kind, case) in cases() {
        *written.entry((kind, case["id"].as_str().unwrap().to_owned())).or_insert(0) += 1;
    }
    assert_eq!(run, written);
    println!("{} cases", run.len());
}

#[test]
fn every_subject_accepts_and_refuses() {
    let named: BTreeSet<_> = SUBJECTS.map(|(name, _)| name.to_owned()).into();
    assert_eq!(named, cases().map(|(kind, _)| subject(&kind)).collect());
    for accepting in [true, false] {
        let with = |(_, case): &(String, Value)| ACCEPTED.contains(&case["verdict"].as_str().unwrap()) == accepting;
        let subjects: BTreeSet<_> = cases().filter(with).map(|(kind, _)| subject(&kind)).collect();
        assert_eq!(named, subjects, "accepting: {accepting}");
    }
}

#[test]
fn a_small_machine_leaves_cases_out_and_fails_none() {
    let needs: BTreeSet<_> = cases().filter(|(_, case)| case.get("min_ram").is_some()).map(name).collect();
    let mut left_out = BTreeSet::new();
    for Report { kind, id, outcome, .. } in reports(8192) {
        match outcome {
            Outcome::Passed => {}
            Outcome::Failed(differs) => panic!("{kind} {id}: {differs}"),
            Outcome::LeftOut => {
                left_out.insert((kind.to_owned(), id.to_owned()));
            }
        }
    }
    assert!(left_out.is_superset(&needs));
    assert!(left_out.len() < cases().count() / 10, "{left_out:?}");
}

fn reports(room: usize) -> Vec<Report> {
    let mut reports = Vec::new();
    run_all(&mut vec![0; room], &mut |report| reports.push(report));
    reports
}

/// The cases as the files have them, each with its kind.
fn cases() -> impl Iterator<Item = (String, Value)> {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec-vectors");
    let folders = std::fs::read_dir(vectors).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.flat_map(|path| {
        let mut file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let kind = file["kind"].as_str().unwrap().to_owned();
        let Value::Array(cases) = file["cases"].take() else { panic!("{kind}: no cases") };
        cases.into_iter().map(move |case| (kind.clone(), case))
    })
}

fn name((kind, case): (String, Value)) -> (String, String) {
    (kind, case["id"].as_str().unwrap().to_owned())
}

fn subject(kind: &str) -> String {
    kind.split('/').next().unwrap().to_owned()
}

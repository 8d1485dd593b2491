//! A whole run: both proofs over every subject, the controls, the list of public lines, and the gate.

use crate::count::{MOST, REFERENCE, check_reference, comparable};
use crate::public::{LINES, Line};
use crate::subject::{Caught, Subject};
use crate::trace::Class;
use crate::{Failure, catalogue, memcheck, table, tokens, trace};
use std::collections::BTreeSet;

/// Proves the subjects whose name contains `only`, prints the table, and returns what is wrong.
pub fn prove(only: &str, seed: u64) -> Result<Vec<String>, Failure> {
    check_reference()?;
    let marks = trace::compare(&tokens::NOTHING, seed)?.first().map_or(0, |class| class.instructions);
    let mut faults = Vec::new();
    let mut public = BTreeSet::new();
    table::head();
    for subject in catalogue::all().filter(|subject| subject.name.contains(only)) {
        let reports = memcheck::check(subject, seed)?;
        let classes = trace::compare(subject, seed)?;
        table::rows(subject, &reports, &classes, marks);
        faults.extend(match subject.control {
            Some(caught) => control(subject, caught, &reports, &classes),
            None => leaks(subject, &reports, &classes),
        });
        faults.extend(gate(subject, &classes, marks));
        public.extend(reports.public);
    }
    // The list is that of the crates without acceleration, which needs fewer.
    if only.is_empty() && !cfg!(feature = "accel") {
        faults.extend(unused(&public));
    }
    Ok(faults)
}

/// Leaks of a subject, each described.
fn leaks(subject: &Subject, reports: &memcheck::Report, classes: &[Class]) -> Vec<String> {
    let traced =
        classes.iter().filter_map(|class| class.leak.as_ref().map(|leak| format!("{}: {leak}", class.verdict)));
    let found = reports.leaks.iter().cloned().chain(traced);
    found.map(|leak| format!("{}: {leak}", subject.name)).collect()
}

/// What a control should have been reported by, and was not; or the reverse, which would say that its comment is wrong.
fn control(subject: &Subject, caught: Caught, reports: &memcheck::Report, classes: &[Class]) -> Vec<String> {
    let found = [!reports.leaks.is_empty(), classes.iter().any(|class| class.leak.is_some())];
    let proofs = ["memcheck", "the trace"].into_iter().zip(found).zip([caught.memcheck, caught.trace]);
    let wrong = proofs.filter(|((_, found), demanded)| found != demanded);
    wrong.map(|((proof, found), _)| format!("{}: reported by {proof}: {found}", subject.name)).collect()
}

/// Prints the count of the reference work, and returns a fault where it exceeds the gate.
fn gate(subject: &Subject, classes: &[Class], marks: usize) -> Option<String> {
    let (name, verdict) = REFERENCE;
    let class = classes.iter().find(|class| subject.name == name && class.verdict == verdict)?;
    let count = class.instructions - marks;
    if !comparable() {
        println!("  gate skipped: without SHA-NI, {count} instructions are not to be compared with {MOST}");
        return None;
    }
    (count > MOST).then(|| format!("{name}: {count} instructions, at most {MOST} are allowed"))
}

/// Lines that are listed as public and that nothing reported.
fn unused(public: &BTreeSet<Line>) -> Vec<String> {
    let unused = LINES.iter().filter(|line| !public.contains(line));
    unused.map(|Line { file, says, .. }| format!("listed as public and not met: {file}: {says}")).collect()
}

//! The second proof: the instructions that run are the same, whatever the secrets are.
//!
//! 1. All cases of a subject run in one child, one after the other, with their input at one address.
//! 2. Cases with one verdict must run the same addresses in the same order. They are compared one by one, not as a hash.
//! 3. A case that does not get the verdict that its kind demands is an error: it would not test what it says.

use crate::Failure;
use crate::case::Case;
use crate::input::Input;
use crate::random::Random;
use crate::step::Stepped;
use crate::subject::{Subject, Verdict};
use crate::watch::{marks, stop_at_marks};
use nix::sys::ptrace;
use nix::sys::signal::{Signal, raise};
use std::collections::BTreeMap;

/// The argument that makes the binary a traced child; the subject's name and the seed follow.
pub const CHILD: &str = "traced";

/// The traces of one verdict.
pub struct Class {
    /// The verdict.
    pub verdict: Verdict,
    /// How many traces were compared.
    pub traces: usize,
    /// Instructions of the first.
    pub instructions: usize,
    /// The first difference that was met.
    pub leak: Option<String>,
    first: Vec<u64>,
}

/// Traces all cases of a subject and compares them.
pub fn compare(subject: &Subject, seed: u64) -> Result<Vec<Class>, Failure> {
    let cases = cases(subject, seed);
    let mut child = Stepped::start(&[CHILD, subject.name, &seed.to_string()])?;
    let mut classes: BTreeMap<Verdict, Class> = BTreeMap::new();
    for case in &cases {
        let trace = child.next_trace()?.ok_or("the child ended early")?;
        let verdict = subject.expected(case.kind);
        let class = classes.entry(verdict).or_insert_with(|| Class::new(verdict, trace.clone()));
        class.add(case, &trace);
    }
    if child.next_trace()?.is_some() {
        return Err("the child did more than its cases".into());
    }
    let printed = child.finish()?;
    let demanded = cases.iter().map(|case| subject.expected(case.kind));
    if !printed.lines().eq(demanded.clone()) {
        let mut both = printed.lines().zip(demanded).zip(&cases);
        let wrong = both.find(|((got, expected), _)| got != expected);
        return Err(format!("{}: got, expected, case: {wrong:?}", subject.name).into());
    }
    Ok(classes.into_values().collect())
}

impl Class {
    fn new(verdict: Verdict, first: Vec<u64>) -> Self {
        Self { verdict, traces: 0, instructions: first.len(), leak: None, first }
    }

    fn add(&mut self, case: &Case, trace: &[u64]) {
        self.traces += 1;
        if self.leak.is_none() && self.first != trace {
            let same = self.first.iter().zip(trace).take_while(|(one, other)| one == other).count();
            let after = same.checked_sub(1).and_then(|last| trace.get(last)).unwrap_or(&0);
            let Case { kind, position, .. } = case;
            self.leak =
                Some(format!("{kind:?} at {position} parts after instruction {same}, at {after:#x} in the binary"));
        }
    }
}

/// What the traced child does.
pub fn child(subject: &Subject, seed: u64) -> Result<(), Failure> {
    ptrace::traceme()?;
    let [begin, end] = marks();
    println!("{begin} {end}");
    raise(Signal::SIGSTOP)?;
    let cases = cases(subject, seed);
    let mut verdicts = String::new();
    let mut input = Box::new(Input::new(&cases[0], subject.caveats, false));
    // The first use finds out what the processor offers, and remembers it.
    (subject.run)(&input);
    stop_at_marks();
    for case in &cases {
        *input = Input::new(case, subject.caveats, false);
        verdicts.push_str((subject.run)(&input));
        verdicts.push('\n');
    }
    print!("{verdicts}");
    Ok(())
}

/// The cases, the same in parent and child.
fn cases(subject: &Subject, seed: u64) -> Vec<Case> {
    Case::all(subject.all_kinds(), Input::token_len(subject.caveats), &mut Random::new(seed))
}

//! What a run prints: one row for each subject and verdict, the controls at the end, then the count.

use crate::memcheck;
use crate::subject::Subject;
use crate::trace::Class;

/// Prints the head of the table.
pub fn head() {
    println!("{:<36} {:>8}  {:<17} {:>6} {:>12}  result", "subject", "memcheck", "verdict", "traces", "instructions");
}

/// Prints the rows of a subject; `marks` is what the marks take.
pub fn rows(subject: &Subject, memcheck: &memcheck::Report, classes: &[Class], marks: usize) {
    let reports = if memcheck.leaks.is_empty() { "clean".to_owned() } else { memcheck.leaks.len().to_string() };
    for (at, class) in classes.iter().enumerate() {
        let (name, reports) = if at == 0 { (subject.name, reports.as_str()) } else { ("", "") };
        let instructions = class.instructions.saturating_sub(marks);
        let result = if class.leak.is_some() { "DIFFERENT" } else { "equal" };
        let (verdict, traces) = (class.verdict, class.traces);
        println!("{name:<36} {reports:>8}  {verdict:<17} {traces:>6} {instructions:>12}  {result}");
    }
}

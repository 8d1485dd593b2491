//! The first proof: no branch and no address depends on a secret (valgrind memcheck).
//!
//! 1. The secrets are undefined before anything is derived from them, so that derived keys are covered as well.
//! 2. One process for each subject, since memcheck reports a place only once.
//! 3. A verdict is a branch on secrets, and it is public: [`crate::public`] lists the lines that may decide. A report belongs
//!    to the innermost line of our own crates, and on any other line it is a leak.

use crate::Failure;
use crate::case::Case;
use crate::input::Input;
use crate::public::{LINES, Line, says};
use crate::random::Random;
use crate::request;
use crate::subject::Subject;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fmt};

/// The argument that makes the binary the child that runs under valgrind; the subject's name and the seed follow.
pub const CHILD: &str = "concealed";

/// What memcheck reported about a subject.
pub struct Report {
    /// Lines whose decision is public.
    pub public: BTreeSet<Line>,
    /// All others, described.
    pub leaks: BTreeSet<String>,
}

/// Runs a subject under valgrind, one case of each kind.
pub fn check(subject: &Subject, seed: u64) -> Result<Report, Failure> {
    let output = Command::new("valgrind")
        .args(["--quiet", "--xml=yes", "--xml-fd=1", "--expensive-definedness-checks=yes", "--num-callers=40"])
        .arg(env::current_exe()?)
        .args([CHILD, subject.name, &seed.to_string()])
        .output()
        .map_err(|fault| format!("valgrind cannot be run: {fault}"))?;
    if !output.status.success() {
        return Err(format!("valgrind: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let report = String::from_utf8(output.stdout)?;
    if !report.contains("<state>FINISHED</state>") {
        return Err("valgrind's report is not complete".into());
    }
    Ok(judge(report.split("<error>").skip(1).map(Place::read)))
}

/// What the child does under valgrind.
pub fn child(subject: &Subject, seed: u64) -> Result<(), Failure> {
    if !request::answered() {
        return Err("not run by valgrind: nothing would be concealed".into());
    }
    let cases = Case::each(subject.all_kinds(), Input::token_len(subject.caveats), &mut Random::new(seed));
    for case in &cases {
        let input = Box::new(Input::new(case, subject.caveats, true));
        let (got, expected) = ((subject.run)(&input), subject.expected(case.kind));
        if got != expected {
            return Err(format!("{}: {got} instead of {expected} for {case:?}", subject.name).into());
        }
    }
    Ok(())
}

/// One report.
struct Place {
    /// Branch, address, or another kind of use.
    kind: String,
    /// The innermost line of our crates.
    file: PathBuf,
    line: usize,
    /// What it says.
    says: &'static str,
}

impl Place {
    /// Reads one `<error>` of valgrind's XML, which has each element on a line of its own.
    fn read(error: &str) -> Self {
        let stack = error.split("</stack>").next().unwrap_or_default();
        let frames = stack.split("<frame>").skip(1);
        let frames = frames.map(|frame| (Path::new(element(frame, "dir")).join(element(frame, "file")), frame));
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("inside of the repository");
        let own = frames.into_iter().find(|(path, _)| path.starts_with(root));
        let (file, frame) = own.unwrap_or_default();
        let line: usize = element(frame, "line").parse().unwrap_or(0);
        let says = says(&file, line);
        Self { kind: element(error, "kind").to_owned(), file, line, says }
    }

    /// The line of [`LINES`] that this is.
    fn public(&self) -> Option<Line> {
        let here = |line: &Line| self.file.ends_with(line.file) && self.says.contains(line.says);
        LINES.iter().copied().find(|line| here(line) && (line.scans || self.kind == "UninitCondition"))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, file, line, says } = self;
        write!(f, "{kind} at {}:{line}: {says}", file.display())
    }
}

fn element<'x>(xml: &'x str, name: &str) -> &'x str {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split_once(&open).and_then(|(_, rest)| rest.split_once(&close)).map_or("", |(content, _)| content)
}

fn judge(places: impl Iterator<Item = Place>) -> Report {
    let mut report = Report { public: BTreeSet::new(), leaks: BTreeSet::new() };
    for place in places {
        match place.public() {
            Some(line) => drop(report.public.insert(line)),
            None => drop(report.leaks.insert(place.to_string())),
        }
    }
    report
}

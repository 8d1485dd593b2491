//! What was found, held against what a case states.

use crate::data::{Bytes, Case};
use core::fmt::{self, Write};

/// What differs from a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Differs {
    /// The part of the case: `verdict`, `error`, a field of `result`, or what stopped the runner before it had a verdict.
    pub part: &'static str,
    /// The verdict or error that was found instead, where the part is one of those.
    pub found: FaultName,
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} differs", self.part)?;
        if self.found == FaultName::NONE { Ok(()) } else { write!(f, ": found {}", self.found) }
    }
}

impl core::error::Error for Differs {}

/// The name of an error: that of the type around it, and its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultName(pub &'static str, pub &'static str);

impl FaultName {
    const NONE: Self = Self("", "");
}

impl PartialEq<&str> for FaultName {
    fn eq(&self, other: &&str) -> bool {
        other.strip_prefix(self.0) == Some(self.1)
    }
}

impl fmt::Display for FaultName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)?;
        f.write_str(self.1)
    }
}

pub(crate) type Checked = Result<(), Differs>;

/// Something without a name of its own differs, or is missing.
pub(crate) const fn differs(part: &'static str) -> Differs {
    Differs { part, found: FaultName::NONE }
}

/// The verdict is `verdict`, and nothing else is stated.
pub(crate) fn plain(case: &impl Case, verdict: &'static str) -> Checked {
    is_verdict(case, verdict)?;
    no_error(case)?;
    same("result", case.result().is_none())
}

/// The verdict is `verdict`, with a result, which is returned.
pub(crate) fn right<'c, C: Case>(case: &'c C, verdict: &'static str) -> Result<&'c C::Facts, Differs> {
    is_verdict(case, verdict)?;
    no_error(case)?;
    case.result().ok_or(differs("result"))
}

/// The verdict is `verdict`, with the error `fault`, and nothing else is stated.
pub(crate) fn wrong(case: &impl Case, verdict: &'static str, fault: FaultName) -> Checked {
    is_verdict(case, verdict)?;
    is_error(case.error(), fault)?;
    same("result", case.result().is_none())
}

pub(crate) fn is_verdict(case: &impl Case, verdict: &'static str) -> Checked {
    let found = FaultName("", verdict);
    if case.verdict() == verdict { Ok(()) } else { Err(Differs { part: "verdict", found }) }
}

pub(crate) fn is_error(stated: Option<&'static str>, fault: FaultName) -> Checked {
    if stated.is_some_and(|stated| fault == stated) { Ok(()) } else { Err(Differs { part: "error", found: fault }) }
}

fn no_error(case: &impl Case) -> Checked {
    same("error", case.error().is_none())
}

/// A part is as it is stated.
pub(crate) fn same(part: &'static str, same: bool) -> Checked {
    if same { Ok(()) } else { Err(differs(part)) }
}

/// What is displayed is as it is stated, compared as it is written.
pub(crate) fn displays(part: &'static str, found: impl fmt::Display, stated: &Bytes) -> Checked {
    let mut rest = Rest { stated: stated.iter(), same: true };
    let written = write!(rest, "{found}");
    same(part, written.is_ok() && rest.same && rest.stated.next().is_none())
}

struct Rest<I> {
    stated: I,
    same: bool,
}

impl<I: Iterator<Item = u8>> Write for Rest<I> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.same &= text.bytes().all(|byte| self.stated.next() == Some(byte));
        Ok(())
    }
}

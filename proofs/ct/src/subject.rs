//! What is proven: each subject is one entry point of the crates, given secrets.

use crate::case::Kind;
use crate::input::Input;

/// What came out, in words; public.
pub type Verdict = &'static str;

/// One entry point.
pub struct Subject {
    /// In the table.
    pub name: &'static str,
    /// Of the token that it is given.
    pub caveats: usize,
    /// The kinds of cases and the verdict that each must get.
    pub kinds: &'static [(Kind, Verdict)],
    /// Does the work between the marks of [`crate::watch`].
    pub run: fn(&Input) -> Verdict,
    /// For a control: which of the two proofs must report it.
    pub control: Option<Caught>,
}

/// Which proofs must report a control.
#[derive(Debug, Clone, Copy)]
pub struct Caught {
    /// Memcheck, which sees branches and addresses.
    pub memcheck: bool,
    /// The trace, which sees the instructions that ran.
    pub trace: bool,
}

impl Subject {
    /// The kinds of its cases.
    pub fn all_kinds(&self) -> impl Iterator<Item = Kind> + use<> {
        self.kinds.iter().map(|(kind, _)| *kind)
    }

    /// What a case of this kind must get.
    pub fn expected(&self, kind: Kind) -> Verdict {
        self.kinds.iter().find(|(other, _)| *other == kind).map_or("", |(_, verdict)| verdict)
    }
}

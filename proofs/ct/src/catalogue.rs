//! All subjects and controls.

use crate::subject::Subject;
use crate::{codecs, control, tokens};

/// The subjects and, behind them, the controls.
pub fn all() -> impl Iterator<Item = &'static Subject> {
    tokens::SUBJECTS.iter().chain(codecs::SUBJECTS).chain(control::CONTROLS)
}

/// The subject of this name.
pub fn named(name: &str) -> Option<&'static Subject> {
    all().chain([&tokens::NOTHING]).find(|subject| subject.name == name)
}

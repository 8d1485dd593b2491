//! The table of a configuration in which the settings of all payee backends stand side by side.

use core::fmt;
use l402_program::config::{Environment, Problems, Section, ValueOrigin};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// The table of a payee backend. Its keys are known ones; some may be those of other backends, and were reported already.
#[derive(Clone, Copy)]
pub struct PayeeTable<'a> {
    /// The name of the table.
    pub name: &'a str,
    /// The text of the file.
    pub text: &'a str,
    /// The directory at which relative paths begin.
    pub base: &'a Path,
    /// Where the program keeps its data, if that is known.
    pub data_dir: Option<&'a Path>,
    /// Looks a variable of the environment up.
    pub environment: Environment<'a>,
}

impl PayeeTable<'_> {
    /// Reads the settings, or notes what is wrong first.
    pub fn read<T: DeserializeOwned + Default>(&self, problems: &mut Problems<'_>) -> Option<T> {
        Section::new(self.text, self.name).read().map_err(|problem| problems.add(problem)).ok()
    }

    /// Returns a key with the name of the table.
    pub fn key(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }

    /// Returns a directory of its own, or one of this name in the data directory.
    pub fn directory(&self, own: Option<PathBuf>, name: &str) -> Option<PathBuf> {
        own.map(|own| self.base.join(own)).or_else(|| Some(self.data_dir?.join(name)))
    }

    /// Returns what is written in the file at a place.
    pub fn written(&self, origin: &ValueOrigin) -> Option<&str> {
        match origin {
            ValueOrigin::Bytes(range) => self.text.get(range.clone()),
            ValueOrigin::Variable(_) => None,
        }
    }
}

impl fmt::Debug for PayeeTable<'_> {
    /// Leaves out the text, which may have secrets in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayeeTable").field("name", &self.name).field("base", &self.base).finish_non_exhaustive()
    }
}

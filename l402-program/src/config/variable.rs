//! Environment variables: one table per program, from which help, reference and overriding are made.

use core::fmt::Write as _;

use super::at::At;

/// Looks up an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// One environment variable of a program. A program has one table of these.
///
/// ```
/// use l402_program::config::{At, Variable, help};
///
/// const LISTEN: Variable = Variable::new("MY_LISTEN", "listen", "address and port for clients");
///
/// let mut listen = Some(At::variable("file", "127.0.0.1:1".to_owned()));
/// LISTEN.over(&|name| (name == "MY_LISTEN").then(|| "[::]:80".to_owned()), &mut listen);
/// assert_eq!(listen.unwrap().value, "[::]:80");
/// assert_eq!(help(&[LISTEN]), "  MY_LISTEN  address and port for clients\n");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The key of the file that it overrides, such as `lightning.socket`; empty where it overrides none.
    pub key: &'static str,
    /// What it sets, in a few words.
    pub about: &'static str,
}

impl Variable {
    /// Names a variable, the key that it overrides, and what it sets.
    pub const fn new(name: &'static str, key: &'static str, about: &'static str) -> Self {
        Self { name, key, about }
    }

    /// Returns its value; an empty one is not set.
    pub fn read(&self, environment: Environment<'_>) -> Option<String> {
        environment(self.name).filter(|value| !value.is_empty())
    }

    /// Puts its value, if it is set, in the place of the one in the file.
    pub fn over(&self, environment: Environment<'_>, place: &mut Option<At<String>>) {
        if let Some(value) = self.read(environment) {
            *place = Some(At::variable(self.name, value));
        }
    }
}

/// Returns the lines of `--help` for a table: names in one column, what they set in another.
pub fn help(variables: &[Variable]) -> String {
    let widest = variables.iter().map(|variable| variable.name.len()).max().unwrap_or(0);
    variables.iter().fold(String::new(), |mut text, Variable { name, about, .. }| {
        let _ = writeln!(text, "  {name:widest$}  {about}"); // a string takes everything
        text
    })
}

//! A key that is unknown where it stands, and known in a table below: where it belongs.

use l402_program::config::keys_of;

use super::file::{Route, Service};
use super::{ConfigError, ConfigProblem};

/// Says of each such key where it belongs.
pub(super) fn told(fault: ConfigError) -> ConfigError {
    match fault {
        ConfigError::Invalid { path, problems } => {
            ConfigError::Invalid { path, problems: problems.into_iter().map(problem).collect() }
        }
        fault => fault,
    }
}

fn problem(problem: ConfigProblem) -> ConfigProblem {
    let Some((table, name)) = problem.unknown_key() else { return problem };
    let is_in = |keys: Vec<String>| keys.iter().any(|key| key == name);
    let belongs = match (table, is_in(keys_of::<Service>()), is_in(keys_of::<Route>())) {
        ("", true, true) => "a [[service]] or a [[service.route]]",
        ("", true, false) => "a [[service]]",
        ("" | "service", _, true) => "a [[service.route]]",
        _ => return problem,
    };
    let message = format!("`{name}` belongs in {belongs}");
    problem.saying(message)
}

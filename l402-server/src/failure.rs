//! Why the program ends, with the exit code and what the user can change.

use core::error::Error;
use l402_gateway::StartError;
use l402_gateway::inventory::KEYS;
use l402_ledger::{StoreError, StoreErrorKind};
use l402_lightning::Cause;
use l402_lightning::backend::Unusable;
use l402_lightning::folder::FolderError;

use crate::config::ConfigError;
use crate::exit::Exit;
use crate::lightning::Failed;
use crate::node;
use crate::stores::LEDGER;
use crate::variables;

/// Why the program ends.
#[derive(Debug)]
pub(crate) enum ProgramError {
    Config(ConfigError),
    Lightning(Cause),
    Ledger(StoreError),
    Start(StartError),
    Failed(Failed),
    Command(node::Failure),
    Other(Box<dyn Error>),
}

impl ProgramError {
    /// Why a command about the ledger failed: one that cannot open or reach it has the same exit code as the gateway.
    pub(crate) fn of_command(cause: Box<dyn Error>) -> Self {
        cause.downcast().map_or_else(Self::Other, |fault| Self::Ledger(*fault))
    }

    /// The exit code.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Usage,
            Self::Lightning(_) => Exit::Node,
            Self::Ledger(_) => Exit::Ledger,
            Self::Start(StartError::Bind { .. }) => Exit::Address,
            Self::Failed(_) => Exit::NodeFailed,
            Self::Command(node::Failure::Unknown(_) | node::Failure::Unheard(_)) => Exit::Unknown,
            Self::Command(_) | Self::Start(_) | Self::Other(_) => Exit::Other,
        }
    }

    /// What to change, where a setting is to blame.
    pub(crate) fn hint(&self) -> Option<String> {
        let (variable, what) = match self {
            Self::Start(StartError::State(FolderError::Missing { part, .. })) => {
                let moved = match part.as_str() {
                    KEYS => "if you moved the key file, set `key_dir` in the file to its directory",
                    LEDGER => {
                        "if you moved the ledger, set `path` of `[ledger]` to it; if you changed `path`, move the ledger there"
                    }
                    _ => return None,
                };
                return Some(moved.to_owned());
            }
            Self::Start(StartError::State(_)) => (variables::DATA_DIR, "directory"),
            Self::Start(StartError::Bind { .. }) => (variables::LISTEN, "address"),
            Self::Lightning(cause) if cause.downcast_ref().is_some_and(Unusable::is_in_use) => {
                (variables::DATA_DIR, "directory")
            }
            Self::Ledger(fault) if fault.kind() == StoreErrorKind::InUse => (variables::DATA_DIR, "directory"),
            _ => return None,
        };
        Some(format!("for another {what} set {}, or `{}` in the file", variable.name, variable.key))
    }

    /// The error itself, with its causes.
    pub(crate) fn inner(&self) -> &dyn Error {
        match self {
            Self::Config(error) => error,
            Self::Lightning(error) => &**error,
            Self::Ledger(error) => error,
            Self::Start(error) => error,
            Self::Failed(error) => error,
            Self::Command(error) => error,
            Self::Other(error) => &**error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_gateway_learns_how_to_get_a_directory_of_its_own() {
        let of = |cause: Unusable| ProgramError::Lightning(cause.into()).hint();
        assert!(of(Unusable::new("taken").in_use(true)).is_some_and(|hint| hint.contains("L402_SERVER_DATA_DIR")));
        assert_eq!(of(Unusable::new("broken").in_use(false)), None);
    }

    #[test]
    fn a_command_without_its_ledger_ends_as_the_gateway_does() {
        let away = ProgramError::of_command(StoreError::new(StoreErrorKind::Unavailable).into());
        assert_eq!((away.exit(), ProgramError::of_command("refused".into()).exit()), (Exit::Ledger, Exit::Other));
    }

    #[test]
    fn what_was_moved_is_found_by_its_setting() {
        let of = |part: &str| {
            let (path, manifest, part, loss) = ("a".into(), "b".into(), part.to_owned(), "c");
            ProgramError::Start(StartError::State(FolderError::Missing { path, part, manifest, loss })).hint()
        };
        assert!(of(KEYS).is_some_and(|hint| hint.contains("`key_dir`")));
        assert!(of(LEDGER).is_some_and(|hint| hint.contains("`path` of `[ledger]`")));
        assert_eq!(of("ldk"), None);
    }
}

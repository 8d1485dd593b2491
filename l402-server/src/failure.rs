//! Why the program ends, with the exit code and what the user can change.

use core::error::Error;
use l402_gateway::StartError;
use l402_lightning::folder::FolderError;
#[cfg(feature = "sandbox")]
use l402_regtest::chain::OpenError;

use crate::config::ConfigError;
use crate::exit::Exit;
use crate::lightning::{Failed, LightningError};
#[cfg(any(feature = "ldk", feature = "sandbox"))]
use crate::node;
use crate::variables;

/// Why the program ends.
#[derive(Debug)]
pub(crate) enum ProgramError {
    Config(ConfigError),
    Lightning(LightningError),
    Start(StartError),
    Failed(Failed),
    #[cfg(any(feature = "ldk", feature = "sandbox"))]
    Command(node::Failure),
    Other(Box<dyn Error>),
}

impl ProgramError {
    /// The exit code.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Config(_) => Exit::Usage,
            Self::Lightning(_) => Exit::Node,
            Self::Start(StartError::Bind { .. }) => Exit::Address,
            Self::Failed(_) => Exit::NodeFailed,
            #[cfg(any(feature = "ldk", feature = "sandbox"))]
            Self::Command(node::Failure::Unknown(_) | node::Failure::Unheard(_)) => Exit::Unknown,
            #[cfg(any(feature = "ldk", feature = "sandbox"))]
            Self::Command(_) => Exit::Other,
            Self::Start(_) | Self::Other(_) => Exit::Other,
        }
    }

    /// What to change, where a setting is to blame.
    pub(crate) fn hint(&self) -> Option<String> {
        let (variable, what) = match self {
            Self::Start(StartError::State(FolderError::Missing { .. })) => return None,
            Self::Start(StartError::State(_)) => (variables::DATA_DIR, "directory"),
            Self::Start(StartError::Bind { .. }) => (variables::LISTEN, "address"),
            #[cfg(feature = "sandbox")]
            Self::Lightning(LightningError::Sandbox(l402_regtest::StartError::Chain(OpenError::InUse))) => {
                (variables::DATA_DIR, "directory")
            }
            #[cfg(any(feature = "ldk", feature = "sandbox"))]
            Self::Lightning(LightningError::Node(l402_ldk::StartError::InUse(_))) => (variables::DATA_DIR, "directory"),
            _ => return None,
        };
        Some(format!("for another {what} set {}, or `{}` in the file", variable.name, variable.key))
    }

    /// The error itself, with its causes.
    pub(crate) fn inner(&self) -> &dyn Error {
        match self {
            Self::Config(error) => error,
            Self::Lightning(error) => error,
            Self::Start(error) => error,
            Self::Failed(error) => error,
            #[cfg(any(feature = "ldk", feature = "sandbox"))]
            Self::Command(error) => error,
            Self::Other(error) => &**error,
        }
    }
}

#[cfg(all(test, feature = "sandbox"))]
mod tests {
    use super::*;

    #[test]
    fn a_second_gateway_learns_how_to_get_a_directory_of_its_own() {
        let chain = LightningError::Sandbox(l402_regtest::StartError::Chain(OpenError::InUse));
        let node = LightningError::Node(l402_ldk::StartError::InUse("node".into()));
        for error in [chain, node].map(ProgramError::Lightning) {
            assert!(error.hint().is_some_and(|hint| hint.contains("L402_SERVER_DATA_DIR")), "{error:?}");
        }
    }
}

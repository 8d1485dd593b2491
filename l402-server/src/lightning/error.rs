//! Why there is no node, or why it does not stop.

#[cfg(feature = "sandbox")]
use crate::variables;
use core::error::Error;
use core::fmt;
use l402_lightning::Cause;

/// Why there is no node.
#[derive(Debug)]
#[non_exhaustive]
pub enum LightningError {
    /// The node does not start.
    #[cfg(any(feature = "ldk", feature = "sandbox"))]
    Node(l402_ldk::StartError),
    /// The LND cannot be used.
    #[cfg(feature = "lnd")]
    Lnd {
        /// What is wrong.
        cause: l402_lnd::LndError,
        /// The command that makes a macaroon that is enough, where the one that was given is not.
        bake: Option<String>,
    },
    /// The sandbox does not start.
    #[cfg(feature = "sandbox")]
    Sandbox(l402_regtest::StartError),
    /// The sandbox's wallet cannot be served.
    #[cfg(feature = "sandbox")]
    Wallet(l402_regtest::wallet::ServeError),
    /// There is no folder to announce the sandbox's wallet in.
    #[cfg(feature = "sandbox")]
    NoStateDirectory,
    /// The program was built without the feature that the backend needs.
    #[cfg(not(all(feature = "sandbox", feature = "ldk")))]
    NotBuilt,
}

impl fmt::Display for LightningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            #[cfg(any(feature = "ldk", feature = "sandbox"))]
            Self::Node(_) => f.write_str("cannot start the Lightning node"),
            #[cfg(feature = "lnd")]
            Self::Lnd { bake: None, .. } => f.write_str("cannot use LND"),
            #[cfg(feature = "lnd")]
            Self::Lnd { bake: Some(bake), .. } => {
                write!(f, "cannot use LND with this macaroon; create a suitable one with `{bake}`")
            }
            #[cfg(feature = "sandbox")]
            Self::Sandbox(_) => f.write_str("cannot start the sandbox"),
            #[cfg(feature = "sandbox")]
            Self::Wallet(_) => f.write_str("cannot serve the sandbox's wallet"),
            #[cfg(feature = "sandbox")]
            Self::NoStateDirectory => {
                write!(f, "no directory for the sandbox file; set {} to a path", variables::SANDBOX.name)
            }
            #[cfg(not(all(feature = "sandbox", feature = "ldk")))]
            Self::NotBuilt => f.write_str("this build does not include this Lightning backend"),
        }
    }
}

impl Error for LightningError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            #[cfg(any(feature = "ldk", feature = "sandbox"))]
            Self::Node(cause) => Some(cause),
            #[cfg(feature = "lnd")]
            Self::Lnd { cause, .. } => Some(cause),
            #[cfg(feature = "sandbox")]
            Self::Sandbox(cause) => Some(cause),
            #[cfg(feature = "sandbox")]
            Self::Wallet(cause) => Some(cause),
            #[cfg(feature = "sandbox")]
            Self::NoStateDirectory => None,
            #[cfg(not(all(feature = "sandbox", feature = "ldk")))]
            Self::NotBuilt => None,
        }
    }
}

/// A node has failed while it ran: nothing can be sold any more, and the process has to end.
#[derive(Debug)]
pub struct Failed(Cause);

impl Failed {
    #[cfg(any(feature = "ldk", feature = "sandbox"))]
    pub(super) fn new(cause: impl Into<Cause>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the Lightning node has failed")
    }
}

impl Error for Failed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

/// A node did not stop as it should.
#[derive(Debug)]
pub struct StopError(Cause);

impl StopError {
    #[cfg(any(feature = "ldk", feature = "sandbox"))]
    pub(super) fn new(cause: impl Into<Cause>) -> Self {
        Self(cause.into())
    }
}

impl fmt::Display for StopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("error while stopping the Lightning node")
    }
}

impl Error for StopError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.0)
    }
}

//! A node that is open, and what runs beside it.

use crate::cause::Cause;
use crate::erased::{BoxFuture, PayeeNode};
use crate::network::{Network, NodeId};
use crate::operate::Operator;
use core::fmt;
use std::sync::Arc;

/// Looks at a part of a node: whether it is well, or what is wrong with it. Must not block.
pub type PayeeCheck = Arc<dyn Fn() -> Result<(), &'static str> + Send + Sync>;

/// A node that can be paid.
pub struct OpenPayee {
    /// What makes the invoices.
    pub node: PayeeNode,
    /// The network of its invoices.
    pub network: Network,
    /// Who signs them, where the node does not hold that itself against its invoices.
    pub id: Option<NodeId>,
    /// What has to be well for a sale, by name.
    pub checks: Vec<(&'static str, PayeeCheck)>,
    /// The node for its operator, where it runs in this process.
    pub operator: Option<Arc<dyn Operator>>,
    /// What has to be stopped.
    pub running: Box<dyn RunningPayee>,
}

impl fmt::Debug for OpenPayee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, id, operator, .. } = self;
        f.debug_struct("OpenPayee")
            .field("network", network)
            .field("id", id)
            .field("operator", operator)
            .finish_non_exhaustive()
    }
}

/// A node that runs until it is stopped.
pub trait RunningPayee: Send + Sync {
    /// Waits until the node has failed for good, if it ever does.
    fn failed(&self) -> BoxFuture<'_, Cause>;

    /// Stops it, and what was started with it. Its state on the disk is whole even after an error.
    fn stop(self: Box<Self>) -> BoxFuture<'static, Result<(), Cause>>;
}

/// Why a node cannot be used: what does not work, and its cause.
#[derive(Debug)]
pub struct Unusable {
    what: String,
    cause: Option<Cause>,
    is_in_use: bool,
}

impl Unusable {
    /// Says what does not work.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), cause: None, is_in_use: false }
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Says whether another process has the node's directory.
    #[must_use]
    pub const fn in_use(mut self, is_in_use: bool) -> Self {
        self.is_in_use = is_in_use;
        self
    }

    /// Tells whether another process has the node's directory: another directory helps.
    pub const fn is_in_use(&self) -> bool {
        self.is_in_use
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl core::error::Error for Unusable {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        self.cause.as_ref().map(|cause| &**cause as _)
    }
}

//! The node that is paid, whichever it is.

use core::error::Error;
use core::fmt;
use l402_gateway::{Checks, Payee};
use l402_lightning::backend::{OpenPayee, PayeeSetup};
use l402_lightning::operate::Operator;
use l402_lightning::{Cause, PayeeNode};
use l402_replica::{Address, Desk, Kept, Seals};
use std::io;
use std::sync::Arc;

/// A node that can be paid, and what runs beside it.
#[derive(Debug)]
pub struct Lightning(OpenPayee);

impl Lightning {
    /// Starts what the configuration names. A sandbox can be paid then; an embedded node whose chain source does not answer goes on
    /// trying; an LND only has to be the right one.
    ///
    /// # Errors
    /// Why there is no node.
    pub async fn start(settings: &dyn PayeeSetup) -> Result<Self, Cause> {
        settings.open().await.map(Self)
    }

    /// Returns who is paid.
    pub fn payee(&self) -> Payee<PayeeNode> {
        let OpenPayee { node, network, id, checks, .. } = &self.0;
        let checks = checks.iter().fold(Checks::default(), |checks, (name, check)| {
            let check = Arc::clone(check);
            checks.and(name, move || check())
        });
        let payee = Payee::new(node.clone(), *network).checks(checks);
        match id {
            Some(id) => payee.id(*id),
            None => payee,
        }
    }

    /// Lets gateways without a node get their invoices from this one, until what is returned is dropped.
    ///
    /// # Errors
    /// Why the address cannot be listened on.
    pub async fn serve(&self, replicas: &Address, seals: Seals) -> io::Result<Desk> {
        let OpenPayee { node, network, id, checks, .. } = &self.0;
        let checks = checks.clone();
        let trouble = move || {
            let mut found = checks.iter().filter_map(|(name, check)| Some(format!("{name}: {}", check().err()?)));
            found.next()
        };
        let kept = Kept::new(node.clone(), *network).trouble(trouble);
        let kept = match id {
            Some(id) => kept.id(*id),
            None => kept,
        };
        Desk::open(replicas, kept, seals).await
    }

    /// Returns the node for its operator, if it runs in this process.
    pub fn operator(&self) -> Option<&Arc<dyn Operator>> {
        self.0.operator.as_ref()
    }

    /// Waits until the node has failed for good, if it ever does. An LND only ever goes away for a while.
    pub async fn failed(&self) -> Failed {
        Failed(self.0.running.failed().await)
    }

    /// Stops the node, and the sandbox with it. An LND runs on.
    ///
    /// # Errors
    /// [`StopError`] when it did not stop as it should; its state on the disk is whole even then.
    pub async fn stop(self) -> Result<(), StopError> {
        let OpenPayee { running, .. } = self.0; // the rest is dropped first
        running.stop().await.map_err(StopError)
    }
}

/// A node has failed while it ran: nothing can be sold any more, and the process has to end.
#[derive(Debug)]
pub struct Failed(Cause);

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

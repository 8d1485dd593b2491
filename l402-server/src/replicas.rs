//! Several gateways with one node: the keys that they know each other by, and the door for those without a node.

use l402_core::Sealer;
use l402_gateway::{Seals, StartError};
use l402_lightning::backend::PayeeSetup;
use l402_replica::Desk;
use std::io;
use std::sync::Arc;

use crate::config::Config;
use crate::failure::ProgramError;
use crate::lightning::Lightning;

/// Gives the node's settings the keys that they need. The key file must exist.
pub(crate) fn sealed(config: &Config) -> Result<Arc<dyn PayeeSetup>, StartError> {
    let seals = seals(config)?;
    Ok(config.lightning.sealed_by(&seals).unwrap_or_else(|| Arc::clone(&config.lightning)))
}

/// Lets gateways without a node ask for invoices, if the configuration says where.
pub(crate) async fn serve(config: &Config, lightning: &Lightning) -> Result<Option<Desk>, ProgramError> {
    let Some(address) = &config.replicas else { return Ok(None) };
    let seals = seals(config).map_err(ProgramError::Start)?;
    let unbound = |cause: io::Error| {
        let hint =
            if cause.kind() == io::ErrorKind::NotFound { "; create the directory of the socket first" } else { "" };
        format!("cannot listen for replicas on {address}: {cause}{hint}")
    };
    let desk = lightning.serve(address, seals).await.map_err(|cause| ProgramError::Other(unbound(cause).into()))?;
    tracing::info!(%address, "making invoices for replicas");
    Ok(Some(desk))
}

fn seals(config: &Config) -> Result<Arc<dyn Sealer + Send + Sync>, StartError> {
    let seals = Seals::open(&config.settings.key_dir, Seals::REPLICAS).map_err(StartError::Keys)?;
    Ok(Arc::new(seals))
}

//! An LND that runs elsewhere.

use l402_lightning::Network;
use l402_lightning::lnd::{Identity, LndConfig, LndError, LndPayee, Readiness, Role};
use tokio::sync::watch;

use super::LightningError;

/// Connects to an LND, and logs from then on whether it is there.
pub(super) async fn start(config: &LndConfig) -> Result<LndPayee, LightningError> {
    let payee = LndPayee::start(config).await.map_err(|cause| fault(cause, config.network))?;
    if let Some(warning) = excess(config, payee.network()) {
        tracing::warn!("{warning}");
    }
    tokio::spawn(report(payee.readiness()));
    Ok(payee)
}

/// Asks an LND who it is, and returns what an operator wants to read.
pub(crate) async fn inspect(config: &LndConfig) -> Result<Vec<String>, LightningError> {
    let found = l402_lightning::lnd::inspect(config, Role::Payee).await;
    let Identity { node_id, network, alias, version, .. } = found.map_err(|cause| fault(cause, config.network))?;
    let mut lines = vec![format!("paid to LND {version} at {} ({alias}, {network}, {node_id})", config.socket)];
    lines.extend(excess(config, network).map(|warning| format!("warning: {warning}")));
    Ok(lines)
}

/// Says that a macaroon allows more than selling takes, and what to use instead (threat O2).
fn excess(config: &LndConfig, network: Network) -> Option<String> {
    let more = config.macaroon.permissions()?.excess(Role::Payee);
    if more.is_empty() {
        return None;
    }
    let more: Vec<String> = more.iter().map(ToString::to_string).collect();
    Some(format!(
        "the macaroon for LND can spend ({}), which selling does not take; make one that cannot with `{}`",
        more.join(", "),
        Role::Payee.bake(Some(network))
    ))
}

fn fault(cause: LndError, network: Option<Network>) -> LightningError {
    let bake = matches!(cause, LndError::Denied(_)).then(|| Role::Payee.bake(network));
    LightningError::Lnd { cause, bake }
}

/// Logs each change once, until the node is dropped.
async fn report(mut readiness: watch::Receiver<Readiness>) {
    let mut last = None;
    loop {
        let now = match &*readiness.borrow_and_update() {
            Readiness::Ready(identity) => {
                Ok(format!("{} ({}, {})", identity.node_id, identity.alias, identity.network))
            }
            Readiness::Away(fault) => Err(fault.to_string()),
        };
        if last.as_ref() != Some(&now) {
            match &now {
                Ok(node) => tracing::info!(%node, "LND is there"),
                Err(fault) => tracing::warn!(%fault, "LND is away: every call that has to be paid is answered 503"),
            }
            last = Some(now);
        }
        if readiness.changed().await.is_err() {
            return;
        }
    }
}

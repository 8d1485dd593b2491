//! An LND that runs elsewhere.

use l402_lightning::Network;
use l402_lnd::{Identity, LndConfig, LndError, LndPayee, Readiness, Role};
use l402_program::Causes;
use tokio::sync::watch;

use super::{LightningError, Node};
use l402_gateway::{Checks, Payee};

/// Connects to an LND, and logs from then on whether it is there.
pub(super) async fn start(config: &LndConfig) -> Result<LndPayee, LightningError> {
    let payee = LndPayee::start(config).await.map_err(|cause| fault(cause, config.network))?;
    for warning in warnings(config, Some(payee.network())) {
        tracing::warn!("{warning}");
    }
    tokio::spawn(report(payee.readiness()));
    Ok(payee)
}

/// Returns an LND as the one that is paid. It knows its key itself.
pub(super) fn payee(node: &LndPayee) -> Payee<Node> {
    let readiness = node.readiness();
    let there = move || if readiness.borrow().is_ready() { Ok(()) } else { Err("LND is not available") };
    Payee::new(Node::Lnd(node.clone()), node.network()).checks(Checks::default().and("node", there))
}

/// Asks an LND who it is, and returns what an operator wants to read. What can be seen without the LND is told although it is away.
pub(crate) async fn inspect(config: &LndConfig) -> (Vec<String>, Result<(), LightningError>) {
    let (mut lines, network, found) = match l402_lnd::inspect(config, Role::Payee).await {
        Ok(Identity { node_id, network, alias, version, .. }) => {
            let who = format!("paid to LND {version} at {} ({alias}, {network}, {node_id})", config.socket);
            (vec![who], Some(network), Ok(()))
        }
        Err(cause) => (Vec::new(), config.network, Err(fault(cause, config.network))),
    };
    lines.extend(warnings(config, network).iter().map(|warning| format!("warning: {warning}")));
    (lines, found)
}

/// What is not as it should be with a macaroon that can be sold with (threat O2).
fn warnings(config: &LndConfig, network: Option<Network>) -> Vec<String> {
    let exposed = config.macaroon.exposed().map(|file| format!("the macaroon for LND in {file}"));
    excess(config, network).into_iter().chain(exposed).collect()
}

/// Says that a macaroon allows more than selling takes, and what to use instead.
fn excess(config: &LndConfig, network: Option<Network>) -> Option<String> {
    let more = config.macaroon.permissions()?.excess(Role::Payee);
    if more.is_empty() {
        return None;
    }
    let more: Vec<String> = more.iter().map(ToString::to_string).collect();
    Some(format!(
        "the macaroon for LND may be able to spend ({}), which the gateway does not need; create a safer one with `{}`",
        more.join(", "),
        Role::Payee.bake(network)
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
        let now = told(&readiness.borrow_and_update());
        if last.as_ref() != Some(&now) {
            match &now {
                Ok(node) => tracing::info!(%node, "LND is available"),
                Err(fault) => tracing::warn!(%fault, "LND is not available: requests that must be paid get 503"),
            }
            last = Some(now);
        }
        if readiness.changed().await.is_err() {
            return;
        }
    }
}

/// Says which node is there, or what keeps it away.
fn told(readiness: &Readiness) -> Result<String, String> {
    match readiness {
        Readiness::Ready(identity) => Ok(format!("{} ({}, {})", identity.node_id, identity.alias, identity.network)),
        Readiness::Away(fault) => Err(Causes(&**fault).to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use l402_core::macaroon::{RootKey, mint};
    use l402_lnd::{Certificate, LndMacaroon};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    const CERT: &str = include_str!("../../tests/lnd.cert");

    /// With a macaroon that LND did not write, in a file.
    fn config(folder: &Path) -> LndConfig {
        let mut bytes = [0; 128];
        let macaroon = mint(&RootKey::new(b"root"), b"lnd", b"another", &[], &mut bytes).expect("short");
        fs::write(folder.join("payee.macaroon"), macaroon.as_bytes()).expect("written");
        let found = LndMacaroon::find("payee.macaroon", folder).expect("a macaroon");
        LndConfig::new("lnd".parse().expect("a name"), Certificate::find(CERT, folder).expect("a certificate"), found)
    }

    #[tokio::test]
    async fn o2_an_exposed_macaroon_is_told_though_lnd_is_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = config(folder.path());
        fs::set_permissions(folder.path().join("payee.macaroon"), Permissions::from_mode(0o644)).expect("set");
        config.macaroon = LndMacaroon::find("payee.macaroon", folder.path()).expect("a macaroon");
        config.socket = "127.0.0.1:1".parse().expect("an address");
        let (told, found) = inspect(&config).await;
        assert!(found.is_err());
        assert!(told.iter().any(|line| line.contains("accessible to every user")), "{told:?}");
    }

    #[test]
    fn o2_a_macaroon_that_others_can_read_is_warned_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("payee.macaroon");
        let mut config = config(folder.path());
        for (mode, warned) in [(0o644, true), (0o640, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("set");
            config.macaroon = LndMacaroon::find("payee.macaroon", folder.path()).expect("a macaroon");
            let path = path.display();
            let expected = format!(
                "the macaroon for LND in {path} is accessible to every user of this machine (mode 644); \
                 run `chmod 600 {path}`"
            );
            assert_eq!(warnings(&config, Some(Network::Bitcoin)), if warned { vec![expected] } else { Vec::new() });
        }
    }

    #[tokio::test]
    async fn the_log_says_why_an_lnd_is_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").and_then(|bound| bound.local_addr()).expect("a port");
        let mut config = config(folder.path());
        (config.network, config.socket) = (Some(Network::Regtest), nobody.to_string().parse().expect("an address"));
        let payee = LndPayee::start(&config).await.expect("LND is merely away");
        let said = told(&payee.readiness().borrow()).expect_err("away");
        let (what, why) = said.split_once(&format!("cannot reach LND at {nobody}: ")).expect("what, then why");
        assert!(what.is_empty() && why.contains("refused"), "{said}");
    }
}

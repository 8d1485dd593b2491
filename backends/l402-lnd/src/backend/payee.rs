//! How a gateway is paid by an LND, which runs elsewhere.

use super::table::{LndTable, Reader};
use crate::config::LndConfig;
use crate::error::LndError;
use crate::identity::{Identity, inspect};
use crate::payee::LndPayee;
use crate::permission::Role;
use crate::watch::Readiness;
use l402_lightning::backend::{
    Found, OpenPayee, PayeeBackend, PayeeCheck, PayeeSetup, PayeeTable, RunningPayee, Unusable,
};
use l402_lightning::{BoxFuture, Cause, Network, PayeeNode};
use l402_program::Causes;
use l402_program::config::{Problems, Variable};
use schemars::{JsonSchema as _, Schema, SchemaGenerator};
use std::sync::Arc;
use tokio::sync::watch;

/// An LND of the operator's, which runs elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct LndNode;

impl PayeeBackend for LndNode {
    fn name(&self) -> &'static str {
        super::NAME
    }

    fn about(&self) -> &'static str {
        "your LND"
    }

    fn called(&self) -> &'static str {
        "LND"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        LndTable::json_schema(generator)
    }

    fn variables(&self) -> &'static [Variable] {
        &VARIABLES
    }

    fn read(&self, table: &PayeeTable<'_>, problems: &mut Problems<'_>) -> Option<Arc<dyn PayeeSetup>> {
        let written = table.read::<LndTable>(problems)?;
        Some(Arc::new(Reader { table, problems }.config(written)?))
    }
}

impl PayeeSetup for LndConfig {
    /// LND may be away where its network is known. It is logged from then on whether LND is available.
    fn open(&self) -> BoxFuture<'_, Result<OpenPayee, Cause>> {
        Box::pin(async {
            let payee = LndPayee::start(self).await.map_err(|cause| unusable(cause, self.network))?;
            for warning in warnings(self, Some(payee.network())) {
                tracing::warn!("{warning}");
            }
            tokio::spawn(report(payee.readiness()));
            let readiness = payee.readiness();
            let is_there: PayeeCheck =
                Arc::new(move || if readiness.borrow().is_ready() { Ok(()) } else { Err("LND is not available") });
            Ok(OpenPayee {
                network: payee.network(),
                node: PayeeNode::new(payee),
                id: None, // it holds its invoices against LND's key itself
                checks: vec![("node", is_there)],
                operator: None,
                running: Box::new(Elsewhere),
            })
        })
    }

    /// Asks LND who it is. What can be seen without LND is told although it is away.
    fn check(&self) -> BoxFuture<'_, Found> {
        Box::pin(async {
            let (mut lines, network, usable) = match inspect(self, Role::Payee).await {
                Ok(Identity { node_id, network, alias, version, .. }) => {
                    let who = format!("paid to LND {version} at {} ({alias}, {network}, {node_id})", self.socket);
                    (vec![who], Some(network), Ok(()))
                }
                Err(cause) => (Vec::new(), self.network, Err(unusable(cause, self.network).into())),
            };
            lines.extend(warnings(self, network).iter().map(|warning| format!("warning: {warning}")));
            Found { lines, usable }
        })
    }

    fn operates(&self) -> Result<(), &'static str> {
        Err("this gateway uses LND: move its money with lncli")
    }
}

/// LND only ever goes away for a while, and runs on without the gateway.
struct Elsewhere;

impl RunningPayee for Elsewhere {
    fn failed(&self) -> BoxFuture<'_, Cause> {
        Box::pin(core::future::pending())
    }

    fn stop(self: Box<Self>) -> BoxFuture<'static, Result<(), Cause>> {
        Box::pin(async { Ok(()) })
    }
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

fn unusable(cause: LndError, network: Option<Network>) -> Unusable {
    let what = match cause {
        LndError::Denied(_) => {
            format!("cannot use LND with this macaroon; create a suitable one with `{}`", Role::Payee.bake(network))
        }
        _ => "cannot use LND".to_owned(),
    };
    Unusable::new(what).because(cause)
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

const VARIABLES: [Variable; 4] = [
    Variable::new("LND_SOCKET", "lightning.socket", "host and port of LND's gRPC interface"),
    Variable::new("LND_CERT", "lightning.cert", "LND's certificate: a path, PEM, or base64"),
    Variable::new("LND_MACAROON", "lightning.macaroon", "macaroon for LND: a path, hexadecimal, or base64"),
    Variable::new("LND_CONNECT", "lightning.connect", "lndconnect:// URI, replaces the three above"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Certificate;
    use crate::macaroon::LndMacaroon;
    use crate::material::Setting;
    use l402_core::macaroon::{RootKey, mint};
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    fn certificate() -> String {
        rcgen::generate_simple_self_signed(vec!["lnd".to_owned()]).expect("made").cert.pem()
    }

    #[test]
    fn the_variables_are_those_of_the_settings() {
        let names = [Setting::Socket, Setting::Certificate, Setting::Macaroon, Setting::Uri].map(Setting::variable);
        assert_eq!(VARIABLES.map(|variable| variable.name), names);
    }

    /// With a macaroon that LND did not write, in a file.
    fn config(folder: &Path) -> LndConfig {
        let mut bytes = [0; 128];
        let macaroon = mint(&RootKey::new(b"root"), b"lnd", b"another", &[], &mut bytes).expect("short");
        fs::write(folder.join("payee.macaroon"), macaroon.as_bytes()).expect("written");
        let found = LndMacaroon::find("payee.macaroon", folder).expect("a macaroon");
        LndConfig::new(
            "lnd".parse().expect("a name"),
            Certificate::find(&certificate(), folder).expect("a certificate"),
            found,
        )
    }

    #[tokio::test]
    async fn o2_an_exposed_macaroon_is_told_though_lnd_is_away() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = config(folder.path());
        fs::set_permissions(folder.path().join("payee.macaroon"), Permissions::from_mode(0o644)).expect("set");
        config.macaroon = LndMacaroon::find("payee.macaroon", folder.path()).expect("a macaroon");
        config.socket = "127.0.0.1:1".parse().expect("an address");
        let Found { lines: told, usable } = config.check().await;
        assert!(usable.is_err());
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

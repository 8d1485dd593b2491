//! How a gateway is paid by a wallet, which runs elsewhere.

use super::table::{NwcTable, VARIABLE};
use crate::config::NwcConfig;
use crate::error::NwcError;
use crate::identity::{Identity, inspect};
use crate::payee::NwcPayee;
use crate::watch::{Readiness, SPENDS, usable};
use l402_lightning::backend::{
    Found, OpenPayee, PayeeBackend, PayeeCheck, PayeeSetup, PayeeTable, RunningPayee, Unusable,
};
use l402_lightning::{BoxFuture, Cause, PayeeNode};
use l402_program::Causes;
use l402_program::config::{Problems, Variable};
use schemars::{JsonSchema as _, Schema, SchemaGenerator};
use std::sync::Arc;
use tokio::sync::watch;

/// A wallet of the operator's, which runs elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct NwcNode;

impl PayeeBackend for NwcNode {
    fn name(&self) -> &'static str {
        super::NAME
    }

    fn about(&self) -> &'static str {
        "your wallet, over Nostr Wallet Connect"
    }

    fn called(&self) -> &'static str {
        "a wallet over Nostr Wallet Connect"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        NwcTable::json_schema(generator)
    }

    fn variables(&self) -> &'static [Variable] {
        &VARIABLES
    }

    fn read(&self, table: &PayeeTable<'_>, problems: &mut Problems<'_>) -> Option<Arc<dyn PayeeSetup>> {
        let written = table.read::<NwcTable>(problems)?;
        Some(Arc::new(written.config(table, problems)?))
    }
}

impl PayeeSetup for NwcConfig {
    /// The wallet may be away where its network is known. It is logged from then on whether it is available.
    fn open(&self) -> BoxFuture<'_, Result<OpenPayee, Cause>> {
        Box::pin(async {
            let payee = NwcPayee::start(self).await.map_err(unusable)?;
            tokio::spawn(report(payee.readiness()));
            let readiness = payee.readiness();
            let is_there: PayeeCheck =
                Arc::new(
                    move || if readiness.borrow().is_ready() { Ok(()) } else { Err("the wallet is not available") },
                );
            Ok(OpenPayee {
                network: payee.network(),
                node: PayeeNode::new(payee),
                id: None, // a wallet may be paid by way of another node
                checks: vec![("node", is_there)],
                operator: None,
                running: Box::new(Elsewhere),
            })
        })
    }

    /// Asks the wallet what it is. The relays are told although it is away.
    fn check(&self) -> BoxFuture<'_, Found> {
        Box::pin(async {
            let found = inspect(self).await;
            let mut lines = super::lines(&found);
            let usable = found.wallet.and_then(|wallet| usable(wallet, self.allow_spending));
            if let Ok(wallet) = &usable {
                lines.extend(warnings(wallet).into_iter().map(|warning| format!("warning: {warning}")));
            }
            Found { lines, usable: usable.map(drop).map_err(|fault| unusable(fault).into()) }
        })
    }

    fn operates(&self) -> Result<(), &'static str> {
        Err("this gateway is paid by a wallet elsewhere: move its money there")
    }
}

/// The wallet only ever goes away for a while, and runs on without the gateway.
struct Elsewhere;

impl RunningPayee for Elsewhere {
    fn failed(&self) -> BoxFuture<'_, Cause> {
        Box::pin(core::future::pending())
    }

    fn stop(self: Box<Self>) -> BoxFuture<'static, Result<(), Cause>> {
        Box::pin(async { Ok(()) })
    }
}

/// What is not as it should be with a connection that can be sold with (threat O2).
fn warnings(wallet: &Identity) -> Vec<String> {
    let more: Vec<&str> = SPENDS.into_iter().filter(|method| wallet.allows(method)).collect();
    let spends = (!more.is_empty())
        .then(|| format!("the connection allows to spend ({}), which the gateway does not need", more.join(", ")));
    let is_mute = (!wallet.notifies)
        .then(|| "the wallet tells of no payments: each is looked up when its token comes".to_owned());
    spends.into_iter().chain(is_mute).collect()
}

fn unusable(cause: NwcError) -> Unusable {
    let what = match cause {
        NwcError::MaySpend => {
            "refuses the connection to the wallet; make one there that only receives, or set `allow_spending = true`"
        }
        _ => "cannot use the wallet over Nostr Wallet Connect",
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
                Ok(()) => tracing::info!("the wallet is available"),
                Err(fault) => tracing::warn!(%fault, "the wallet is not available: requests that must be paid get 503"),
            }
            last = Some(now);
        }
        if readiness.changed().await.is_err() {
            return;
        }
    }
}

fn told(readiness: &Readiness) -> Result<(), String> {
    match readiness {
        Readiness::Ready(_) => Ok(()),
        Readiness::Away(fault) => Err(Causes(fault).to_string()),
    }
}

const VARIABLES: [Variable; 1] = [Variable::new(
    VARIABLE,
    "lightning.uri",
    "connection string of a wallet: nostr+walletconnect://…, or the path of its file",
)];

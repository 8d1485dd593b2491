//! How a gateway is paid in a sandbox of its own: play money, in this process.

use crate::chain::OpenError;
use crate::wallet::{self, WalletServer};
use crate::{Sandbox, SandboxStartError};
use l402_ldk::open_payee;
use l402_lightning::backend::{KeptPath, OpenPayee, PayeeBackend, PayeeSetup, PayeeTable, RunningPayee, Unusable};
use l402_lightning::{BoxFuture, Cause};
use l402_program::config::{Problems, Variable};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;

/// A network of two nodes in this process. The wallet of the payer is served to other processes of this user.
#[derive(Debug, Clone, Copy)]
pub struct SandboxPayee;

/// The settings of a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxSetup {
    /// Where it lives; [`None`] for a directory that is removed at the end.
    pub dir: Option<PathBuf>,
}

/// The settings as they are written. The doc comments are the descriptions in the printed schema.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
struct SandboxTable {
    /// directory of the sandbox.
    storage_dir: Option<PathBuf>,
    /// deletes everything at the end. Default: false.
    temporary: Option<bool>,
}

impl PayeeBackend for SandboxPayee {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn about(&self) -> &'static str {
        "two nodes inside the process, with play money"
    }

    fn called(&self) -> &'static str {
        "the sandbox"
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        SandboxTable::json_schema(generator)
    }

    fn variables(&self) -> &'static [Variable] {
        &[FILE]
    }

    fn only_here(&self, key: &str) -> Option<&'static str> {
        (key == "temporary").then_some("not allowed with real money")
    }

    fn read(&self, table: &PayeeTable<'_>, problems: &mut Problems<'_>) -> Option<Arc<dyn PayeeSetup>> {
        let written = table.read::<SandboxTable>(problems)?;
        if written.temporary.unwrap_or(false) {
            return Some(Arc::new(SandboxSetup { dir: None }));
        }
        let dir = table.directory(written.storage_dir, "sandbox")?;
        Some(Arc::new(SandboxSetup { dir: Some(dir) }))
    }
}

impl PayeeSetup for SandboxSetup {
    /// Starts the network, and announces its wallet. The node can be paid then.
    fn open(&self) -> BoxFuture<'_, Result<OpenPayee, Cause>> {
        Box::pin(async {
            let builder = Sandbox::builder();
            let builder = match &self.dir {
                Some(dir) => builder.dir(dir),
                None => builder,
            };
            let network = builder.start().await;
            let network = network.map_err(unusable)?;
            let no_file = || Unusable::new(format!("no directory for the sandbox file; set {} to a path", FILE.name));
            let file = l402_sandbox::default_path().ok_or_else(no_file)?;
            let wallet = wallet::serve(network.payer().clone(), file)
                .map_err(|cause| Unusable::new("cannot serve the sandbox's wallet").because(cause))?;
            let node = network.payee().clone();
            Ok(open_payee(&node, Box::new(Running { wallet, network })))
        })
    }

    fn kept(&self) -> Option<KeptPath> {
        let path = self.dir.as_ref()?.join("chain").join("blocks.dat");
        Some(KeptPath { name: "sandbox", path, loss: "the sandbox starts from zero" })
    }

    fn operates(&self) -> Result<(), &'static str> {
        Ok(())
    }

    fn is_play_money(&self) -> bool {
        true
    }

    fn reset(&self) -> Option<Result<PathBuf, Cause>> {
        let dir = self.dir.as_ref()?;
        Some(Sandbox::reset(dir).map(|()| dir.clone()).map_err(Into::into))
    }
}

fn unusable(cause: SandboxStartError) -> Unusable {
    let is_in_use = matches!(cause, SandboxStartError::Chain(OpenError::InUse));
    Unusable::new("cannot start the sandbox").in_use(is_in_use).because(cause)
}

/// The network around the node, and the wallet that pays it.
struct Running {
    wallet: WalletServer,
    network: Sandbox,
}

impl RunningPayee for Running {
    /// Without the payer nothing can be bought either.
    fn failed(&self) -> BoxFuture<'_, Cause> {
        Box::pin(async {
            tokio::select! {
                failure = self.network.payee().failed() => failure.into(),
                failure = self.network.payer().failed() => failure.into(),
            }
        })
    }

    fn stop(self: Box<Self>) -> BoxFuture<'static, Result<(), Cause>> {
        let Self { wallet, network } = *self;
        Box::pin(async move {
            drop(wallet); // it pays from a node that is about to stop
            Ok(network.stop().await?)
        })
    }
}

/// The file through which `l402` finds the sandbox.
const FILE: Variable = Variable::new("L402_SANDBOX", "", "file through which `l402` finds the sandbox");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_is_in_use_is_told_apart() {
        assert!(unusable(SandboxStartError::Chain(OpenError::InUse)).is_in_use());
    }
}

//! How a program opens the wallet of the sandbox.

use crate::client::SandboxWallet;
use l402_lightning::backend::{OpenPayer, PayerBackend, PayerHome, PayerSetup};
use l402_lightning::{BoxFuture, Cause, Network, PayerWallet};
use l402_program::config::{ConfigProblem, Section};
use std::path::Path;
use std::sync::Arc;

/// Play money from the sandbox that runs on this machine. It has no settings; the flag `sandbox` names its file.
#[derive(Debug, Clone, Copy)]
pub struct SandboxPayer;

impl PayerBackend for SandboxPayer {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Play money from a sandbox on this machine"
    }

    fn unusable(&self) -> &'static str {
        "no sandbox is running; start `l402-server` in another terminal, name its file with --sandbox, or use --wallet ldk"
    }

    fn read(&self, _: Section<'_>) -> Result<Arc<dyn PayerSetup>, ConfigProblem> {
        Ok(Arc::new(*self))
    }
}

impl PayerSetup for SandboxPayer {
    /// A sandbox's chain is always a private one.
    fn network(&self, _: &PayerHome<'_>) -> Result<Network, Cause> {
        Ok(Network::Regtest)
    }

    fn record_name(&self, _: Network, _: &PayerHome<'_>) -> Result<String, Cause> {
        Ok(NAME.to_owned())
    }

    fn open<'a>(&'a self, home: &'a PayerHome<'a>) -> BoxFuture<'a, Result<OpenPayer, Cause>> {
        Box::pin(async {
            let wallet = SandboxWallet::discover(home.flags.get("sandbox").map(Path::new)).await?;
            Ok(OpenPayer { wallet: PayerWallet::new(wallet), node: None })
        })
    }
}

const NAME: &str = "sandbox";

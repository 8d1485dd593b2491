//! Play money, from the sandbox that runs on this machine.

use crate::home::Home;
use l402_lightning::{Cause, Network};
use l402_sandbox::SandboxWallet;

pub(super) use l402_sandbox::SandboxWallet as Opened;

/// A sandbox's chain is always a private one.
#[expect(clippy::unnecessary_wraps, reason = "another kind of wallet has to be configured")]
pub(super) const fn network(_: &Home) -> Result<Network, Cause> {
    Ok(Network::Regtest)
}

pub(super) async fn open(home: &Home) -> Result<SandboxWallet, Cause> {
    Ok(SandboxWallet::discover(home.sandbox.as_deref()).await?)
}

//! What pays. Which wallets there are is said in `backends.rs`, and nowhere else.
//!
//! A wallet is opened when it is first needed. A call that is free, or that a kept token opens, needs none.

mod auto;
mod check;
mod kind;
mod operate;

pub use auto::Choice;
pub(crate) use auto::choose;
pub use kind::{WalletFlag, WalletKind};
pub(crate) use operate::run;

use crate::exit::Failure;
use crate::home::Home;
use core::fmt;
use l402_agent::wallet::LazyWallet;
use l402_lightning::backend::{OpenPayer, PayerHome, PayerSetup};
use l402_lightning::{Cause, Network};
use std::path::PathBuf;
use std::sync::Arc;

/// Returns the name under which the payments of the user's wallet on a network are recorded: only the wallet that was asked to pay knows what
/// became of it.
///
/// # Errors
/// [`WalletError`] where the settings say too little to tell.
pub fn name(home: &Home, network: Network) -> Result<String, WalletError> {
    let (kind, setup) = chosen(home)?;
    in_home(home, |around| setup.record_name(network, around)).map_err(|cause| WalletError::new(kind, cause))
}

/// Returns the wallet that the user chose, opened when it is first asked for something. The settings are looked at now.
///
/// # Errors
/// [`WalletError`] where the settings say too little, or this build has no wallet.
pub fn chosen_wallet(home: &Home) -> Result<LazyWallet<OpenPayer>, WalletError> {
    let (kind, setup) = chosen(home)?;
    let network = in_home(home, |around| setup.network(around)).map_err(|cause| WalletError::new(kind, cause))?;
    let (home, enforces) = (home.clone(), setup.enforces());
    let wallet = LazyWallet::new(network, move || {
        let (home, setup) = (home.clone(), Arc::clone(&setup));
        async move {
            let directory = |name: &str| directory(&home, name);
            let around = PayerHome { directory: &directory, environment: &environment, flags: &home.flags };
            setup.open(&around).await.map_err(|cause| WalletError::new(kind, cause).into())
        }
    });
    Ok(wallet.enforcing(enforces))
}

/// Looks whether the wallet that the user chose can pay, and pays nothing.
pub(crate) async fn looks(home: &Home) -> Result<String, Failure> {
    check::run(None, home).await
}

/// Closes a wallet, if it was opened.
pub async fn close(wallet: LazyWallet<OpenPayer>) {
    if let Some(OpenPayer { node: Some(node), .. }) = wallet.into_opened() {
        operate::stop(&*node).await;
    }
}

fn chosen(home: &Home) -> Result<(WalletKind, Arc<dyn PayerSetup>), WalletError> {
    home.wallet.and_then(|kind| Some((kind, home.setup(kind)?))).ok_or_else(WalletError::none)
}

fn in_home<T>(home: &Home, ask: impl FnOnce(&PayerHome<'_>) -> T) -> T {
    let directory = |name: &str| directory(home, name);
    ask(&PayerHome { directory: &directory, environment: &environment, flags: &home.flags })
}

/// Makes a directory for a wallet in that of the user.
fn directory(home: &Home, name: &str) -> Result<PathBuf, Cause> {
    home.data.folder(name)?;
    Ok(home.data.path(name))
}

fn environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

/// A wallet cannot be used.
#[derive(Debug)]
pub struct WalletError {
    kind: Option<WalletKind>,
    cause: Cause,
}

impl WalletError {
    fn new(kind: WalletKind, cause: Cause) -> Self {
        Self { kind: Some(kind), cause }
    }

    fn none() -> Self {
        Self { kind: None, cause: "build it with the cargo feature of one".into() }
    }
}

impl fmt::Display for WalletError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.map_or("this build has no wallet", |kind| kind.0.unusable()))
    }
}

impl core::error::Error for WalletError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&*self.cause)
    }
}

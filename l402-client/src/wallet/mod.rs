//! What pays. Which wallets there are is said in `backends.rs`, and nowhere else.
//!
//! A wallet is opened when it is first needed. A call that is free, or that a kept token opens, needs none.

mod kind;
mod operate;

pub use kind::WalletKind;
pub(crate) use operate::run;

use crate::home::Home;
use core::fmt;
use l402_core::PaymentHash;
use l402_lightning::backend::{OpenPayer, PayerHome, PayerSetup};
use l402_lightning::{Cause, Invoice, LookupError, Network, Paid, PayError, PayLimit, PaymentSource, PaymentStatus};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Returns the name under which the payments of the user's wallet on a network are recorded: only the wallet that was asked to pay knows what
/// became of it.
///
/// # Errors
/// [`WalletError`] where the settings say too little to tell.
pub fn name(home: &Home, network: Network) -> Result<String, WalletError> {
    let (kind, setup) = chosen(home)?;
    in_home(home, |around| setup.record_name(network, around)).map_err(|cause| WalletError::new(kind, cause))
}

/// The wallet that the user chose, opened when it is first asked for something.
#[derive(Debug)]
pub struct LazyWallet {
    home: Home,
    kind: WalletKind,
    setup: Arc<dyn PayerSetup>,
    network: Network,
    opened: OnceCell<OpenPayer>,
}

impl LazyWallet {
    /// Takes the wallet that the user chose. Nothing is opened yet, but the settings are looked at.
    ///
    /// # Errors
    /// [`WalletError`] where the settings say too little, or this build has no wallet.
    pub fn new(home: &Home) -> Result<Self, WalletError> {
        let (kind, setup) = chosen(home)?;
        let network = in_home(home, |around| setup.network(around)).map_err(|cause| WalletError::new(kind, cause))?;
        Ok(Self { home: home.clone(), kind, setup, network, opened: OnceCell::new() })
    }

    /// Closes the wallet, if it was opened.
    pub async fn close(self) {
        if let Some(OpenPayer { node: Some(node), .. }) = self.opened.into_inner() {
            operate::stop(&*node).await;
        }
    }

    async fn opened(&self) -> Result<&OpenPayer, WalletError> {
        let open = async || {
            let directory = |name: &str| directory(&self.home, name);
            let around = PayerHome { directory: &directory, environment: &environment, flags: &self.home.flags };
            self.setup.open(&around).await.map_err(|cause| WalletError::new(self.kind, cause))
        };
        self.opened.get_or_try_init(open).await
    }
}

impl PaymentSource for LazyWallet {
    fn network(&self) -> Network {
        self.network
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        match self.opened().await {
            Ok(opened) => opened.wallet.pay(invoice, limit).await,
            Err(fault) => Err(PayError::Unavailable(fault.into())),
        }
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        match self.opened().await {
            Ok(opened) => opened.wallet.payment(hash).await,
            Err(fault) => Err(LookupError::new(fault)),
        }
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

//! What pays: play money from a sandbox, an embedded node, or an LND that runs elsewhere.
//!
//! 1. A wallet is opened when it is first needed. A call that is free, or that a kept token opens, needs none.
//! 2. A kind of wallet that this build does not have is a sentence, not a missing variant.

#[cfg(not(all(feature = "ldk", feature = "lnd", feature = "sandbox")))]
mod absent;
#[cfg(feature = "ldk")]
mod ldk;
#[cfg(feature = "lnd")]
mod lnd;
#[cfg(feature = "sandbox")]
mod sandbox;

#[cfg(not(feature = "ldk"))]
use absent as ldk;
#[cfg(not(feature = "lnd"))]
use absent as lnd;
#[cfg(not(feature = "sandbox"))]
use absent as sandbox;

pub(crate) use ldk::run;

use crate::cli::WalletKind;
use crate::home::Home;
use core::fmt;
use l402_core::PaymentHash;
use l402_lightning::{Cause, Invoice, LookupError, Network, Paid, PayError, PayLimit, PaymentSource, PaymentStatus};
use tokio::sync::OnceCell;

/// An open wallet.
#[derive(Debug)]
pub enum Wallet {
    /// Play money.
    Sandbox(sandbox::Opened),
    /// An embedded node.
    Ldk(ldk::Opened),
    /// An LND that runs elsewhere.
    Lnd(lnd::Opened),
}

impl Wallet {
    async fn open(home: &Home) -> Result<Self, WalletError> {
        let opened = match home.wallet {
            WalletKind::Sandbox => sandbox::open(home).await.map(Self::Sandbox),
            WalletKind::Ldk => ldk::open(home).await.map(Self::Ldk),
            WalletKind::Lnd => lnd::open(home).await.map(Self::Lnd),
        };
        opened.map_err(|cause| WalletError { kind: home.wallet, cause })
    }

    async fn close(self) {
        match self {
            Self::Sandbox(_) | Self::Lnd(_) => {}
            Self::Ldk(wallet) => ldk::close(wallet).await,
        }
    }
}

#[allow(clippy::match_same_arms, reason = "wallets that were left out of a build are of one type")]
impl PaymentSource for Wallet {
    fn network(&self) -> Network {
        match self {
            Self::Sandbox(wallet) => wallet.network(),
            Self::Ldk(wallet) => wallet.network(),
            Self::Lnd(wallet) => wallet.network(),
        }
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        match self {
            Self::Sandbox(wallet) => wallet.pay(invoice, limit).await,
            Self::Ldk(wallet) => wallet.pay(invoice, limit).await,
            Self::Lnd(wallet) => wallet.pay(invoice, limit).await,
        }
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        match self {
            Self::Sandbox(wallet) => wallet.payment(hash).await,
            Self::Ldk(wallet) => wallet.payment(hash).await,
            Self::Lnd(wallet) => wallet.payment(hash).await,
        }
    }
}

/// Returns the name under which the payments of a wallet are recorded: only the wallet that was asked to pay knows what became of
/// it. Each network has an embedded node of its own, and each LND knows its own payments.
///
/// # Errors
/// [`WalletError`] where the settings say too little to tell.
pub fn name(home: &Home, network: Network) -> Result<String, WalletError> {
    let kind = home.wallet;
    match kind {
        WalletKind::Sandbox => Ok(kind.name().to_owned()),
        WalletKind::Ldk => Ok(format!("{}/{network}", kind.name())),
        WalletKind::Lnd => match lnd::place(home) {
            Ok(place) => Ok(format!("{}/{network}/{place}", kind.name())),
            Err(cause) => Err(WalletError { kind, cause }),
        },
    }
}

/// The wallet that the user chose, opened when it is first asked for something.
#[derive(Debug)]
pub struct LazyWallet {
    home: Home,
    network: Network,
    opened: OnceCell<Wallet>,
}

impl LazyWallet {
    /// Takes the wallet that the user chose. Nothing is opened yet, but the settings are looked at.
    ///
    /// # Errors
    /// [`WalletError`] where the settings say too little, or this build has no such wallet.
    pub fn new(home: &Home) -> Result<Self, WalletError> {
        let network = match home.wallet {
            WalletKind::Sandbox => sandbox::network(home),
            WalletKind::Ldk => ldk::network(home),
            WalletKind::Lnd => lnd::network(home),
        };
        let network = network.map_err(|cause| WalletError { kind: home.wallet, cause })?;
        Ok(Self { home: home.clone(), network, opened: OnceCell::new() })
    }

    /// Closes the wallet, if it was opened.
    pub async fn close(self) {
        if let Some(wallet) = self.opened.into_inner() {
            wallet.close().await;
        }
    }

    async fn opened(&self) -> Result<&Wallet, WalletError> {
        self.opened.get_or_try_init(|| Wallet::open(&self.home)).await
    }
}

impl PaymentSource for LazyWallet {
    fn network(&self) -> Network {
        self.network
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        match self.opened().await {
            Ok(wallet) => wallet.pay(invoice, limit).await,
            Err(fault) => Err(PayError::Unavailable(fault.into())),
        }
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        match self.opened().await {
            Ok(wallet) => wallet.payment(hash).await,
            Err(fault) => Err(LookupError::new(fault)),
        }
    }
}

/// A wallet cannot be used.
#[derive(Debug)]
pub struct WalletError {
    kind: WalletKind,
    cause: Cause,
}

impl fmt::Display for WalletError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            WalletKind::Sandbox => {
                "no sandbox to take play money from; start `l402-server` in another terminal, or name the file of a \
                 sandbox with --sandbox, or pay from an embedded node with --wallet ldk"
            }
            WalletKind::Ldk => "the embedded wallet cannot be used",
            WalletKind::Lnd => "LND cannot be used",
        })
    }
}

impl core::error::Error for WalletError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        Some(&*self.cause)
    }
}

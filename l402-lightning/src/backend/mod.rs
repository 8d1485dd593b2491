//! How a program meets its backends: one list, and no match on their kinds.
//!
//! A backend crate exports a [`PayerBackend`]: a name, a sentence, and how its settings are read. What was read is a [`PayerSetup`],
//! which opens the wallet. A program has one list of them, and everything else it says to the seam.
//!
//! One more wallet is its crate, a line in the `Cargo.toml` of the program, and a line in that list.
#![cfg_attr(
    feature = "payee",
    doc = "\nA node that is paid is a [`PayeeBackend`], a [`PayeeSetup`] and an [`OpenPayee`] in the same way."
)]

#[cfg(feature = "payee")]
mod open_payee;
mod operator_error;
#[cfg(feature = "payee")]
mod payee;
#[cfg(feature = "payee")]
mod table;

use crate::cause::{Cause, LookupError};
use crate::erased::{BoxFuture, PayerWallet};
use crate::invoice::Invoice;
use crate::network::Network;
use crate::operate::Operator;
use crate::pay_error::PayError;
use crate::payment::{EnforcedLimits, Paid, PayLimit, PaymentSource, PaymentStatus};
use core::fmt::Debug;
use l402_core::PaymentHash;
use l402_program::config::{ConfigProblem, Section, Variable};
use serde::{Deserialize as _, Deserializer, de};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;

#[cfg(feature = "payee")]
pub use open_payee::{OpenPayee, PayeeCheck, RunningPayee, Unusable};
pub use operator_error::OperatorStartError;
#[cfg(feature = "payee")]
pub use payee::{Found, KeptPath, PayeeBackend, PayeeSetup};
#[cfg(feature = "payee")]
pub use table::PayeeTable;

/// A kind of wallet.
pub trait PayerBackend: Sync {
    /// Returns its name, as the configuration and `--wallet` have it. Its table in the configuration has the same.
    fn name(&self) -> &'static str;

    /// Says what it is, in one sentence for the help.
    fn about(&self) -> &'static str;

    /// Says that it cannot be used, and what else the user may do. The cause is written behind it.
    fn unusable(&self) -> &'static str;

    /// Lists its settings. A wallet without any has no table in the configuration.
    fn settings(&self) -> &'static [PayerSetting] {
        &[]
    }

    /// Lists the environment variables that override its settings.
    fn variables(&self) -> &'static [Variable] {
        &[]
    }

    /// Tells whether its node can be operated: [`PayerSetup::operate`].
    fn operates(&self) -> bool {
        false
    }

    /// Reads its table of the configuration. Nothing is opened.
    ///
    /// # Errors
    /// What is wrong with a setting, and where.
    fn read(&self, section: Section<'_>) -> Result<Arc<dyn PayerSetup>, ConfigProblem>;
}

/// A key in the table of a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayerSetting {
    /// The key.
    pub key: &'static str,
    /// What it is unless it is set; empty where it must be set before it is needed.
    pub default: &'static str,
    /// What it says, in a sentence.
    pub about: &'static str,
}

impl PayerSetting {
    /// Names a key, its default, and what it says.
    pub const fn new(key: &'static str, default: &'static str, about: &'static str) -> Self {
        Self { key, default, about }
    }
}

/// The settings of a wallet. Where a flag of the command line or a variable of the environment says otherwise, that counts.
pub trait PayerSetup: Debug + Send + Sync {
    /// Returns the network that the wallet pays on.
    ///
    /// # Errors
    /// What the settings lack.
    fn network(&self, home: &PayerHome<'_>) -> Result<Network, Cause>;

    /// Tells which limits of a payment the wallet keeps, before it is opened: [`PaymentSource::enforces`].
    fn enforces(&self) -> EnforcedLimits {
        EnforcedLimits::ALL
    }

    /// Returns the name under which its payments on a network are recorded. Only the wallet that was asked to pay knows what became of a payment, so
    /// two wallets never share a name.
    ///
    /// # Errors
    /// What the settings lack.
    fn record_name(&self, network: Network, home: &PayerHome<'_>) -> Result<String, Cause>;

    /// Opens the wallet, ready to pay.
    fn open<'a>(&'a self, home: &'a PayerHome<'a>) -> BoxFuture<'a, Result<OpenPayer, Cause>>;

    /// Pays an invoice, to see whether the wallet proves what it pays; also where it is stopped because it did not.
    fn prove<'a>(
        &'a self,
        home: &'a PayerHome<'a>,
        invoice: &'a Invoice,
        limit: PayLimit,
    ) -> BoxFuture<'a, Result<Paid, PayError>> {
        Box::pin(async move {
            let opened = self.open(home).await.map_err(PayError::Unavailable)?;
            let paid = opened.pay(invoice, limit).await;
            if let Some(node) = opened.node {
                let _ = node.stop().await; // what it has done stays done
            }
            paid
        })
    }

    /// Looks whether the wallet can be used, and returns what its owner wants to read, a line each.
    fn check<'a>(&'a self, home: &'a PayerHome<'a>) -> BoxFuture<'a, Result<Vec<String>, Cause>> {
        Box::pin(async move {
            let opened = self.open(home).await?;
            let network = opened.network();
            if let Some(node) = opened.node {
                let _ = node.stop().await; // it was only looked at
            }
            Ok(vec![format!("the wallet is ready to pay on {network}")])
        })
    }

    /// Starts the node of the wallet for its operator, ready or not. The caller stops it.
    fn operate<'a>(&'a self, home: &'a PayerHome<'a>) -> BoxFuture<'a, Result<Arc<dyn Operator>, OperatorStartError>> {
        let _ = home;
        let none = "this wallet has no node that can be operated here";
        Box::pin(async { Err(OperatorStartError::Settings(none.into())) })
    }
}

/// An open wallet.
#[derive(Debug)]
pub struct OpenPayer {
    /// What pays.
    pub wallet: PayerWallet,
    /// The node behind it, where it runs in this process: it has to be stopped.
    pub node: Option<Arc<dyn Operator>>,
}

impl PaymentSource for OpenPayer {
    fn network(&self) -> Network {
        self.wallet.network()
    }

    fn enforces(&self) -> EnforcedLimits {
        self.wallet.enforces()
    }

    async fn pay(&self, invoice: &Invoice, limit: PayLimit) -> Result<Paid, PayError> {
        self.wallet.pay(invoice, limit).await
    }

    async fn payment(&self, hash: &PaymentHash) -> Result<PaymentStatus, LookupError> {
        self.wallet.payment(hash).await
    }
}

/// What a program gives a wallet: directories, flags, environment.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "functions, and an environment that may hold secrets")]
pub struct PayerHome<'a> {
    /// Makes a private directory of this name for the wallet, and returns its path.
    pub directory: &'a (dyn Fn(&str) -> Result<PathBuf, Cause> + Sync),
    /// Looks a variable of the environment up.
    pub environment: &'a (dyn Fn(&str) -> Option<String> + Sync),
    /// Flags of the command line.
    pub flags: &'a PayerFlags,
}

/// Flags of the command line, by name. A wallet takes those that it knows.
#[derive(Debug, Clone, Default)]
pub struct PayerFlags(Vec<(&'static str, OsString)>);

impl PayerFlags {
    /// Adds a flag that was given.
    #[must_use]
    pub fn and(mut self, name: &'static str, value: Option<impl Into<OsString>>) -> Self {
        self.0.extend(value.map(|value| (name, value.into())));
        self
    }

    /// Returns the value of a flag.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| &**value)
    }

    /// Returns the value of a flag that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.to_str()
    }

    /// Returns the flag `network`.
    pub fn network(&self) -> Option<Network> {
        self.text("network")?.parse().ok()
    }
}

/// Reads the setting `network`. The error lists the names.
///
/// # Errors
/// That of the format.
pub fn network<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Network>, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.parse().map(Some).map_err(|_| de::Error::unknown_variant(&name, &NETWORKS))
}

const NETWORKS: [&str; 4] = ["bitcoin", "testnet", "signet", "regtest"];

//! Which wallet pays: one of those that this build has.

use crate::backends::{LEFT_OUT, WALLETS};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use core::fmt;
use l402_lightning::backend::{PayerBackend, PayerSetting, PayerSetup};
use l402_program::config::{ConfigProblem, Section, Variable};
use serde::{Deserialize, Deserializer, de};
use std::sync::{Arc, LazyLock};

/// What `--wallet` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalletFlag {
    /// The wallet that the configuration file speaks of.
    Auto,
    /// This one.
    Kind(WalletKind),
}

/// A kind of wallet of this build.
#[derive(Clone, Copy)]
pub struct WalletKind(pub(super) &'static dyn PayerBackend);

impl WalletKind {
    /// Returns the wallet of a name.
    pub fn named(name: &str) -> Option<Self> {
        WALLETS.iter().find(|wallet| wallet.name() == name).map(|wallet| Self(*wallet))
    }

    /// Returns the wallet that pays where nothing else is said: none in a build without wallets.
    pub fn usual() -> Option<Self> {
        WALLETS.first().map(|wallet| Self(*wallet))
    }

    /// Returns all of them.
    pub fn all() -> impl Iterator<Item = Self> {
        WALLETS.iter().map(|wallet| Self(*wallet))
    }

    /// Returns the name, as `--wallet` takes it.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Returns the keys of its table.
    pub fn settings(self) -> &'static [PayerSetting] {
        self.0.settings()
    }

    /// Returns the environment variables that override them.
    pub fn variables(self) -> &'static [Variable] {
        self.0.variables()
    }

    /// Reads the table of this wallet in a configuration.
    pub(crate) fn read(self, text: &str) -> Result<Arc<dyn PayerSetup>, ConfigProblem> {
        self.0.read(Section::new(text, self.name()))
    }

    /// Returns what reads `--wallet`.
    pub(crate) fn parser() -> impl TypedValueParser<Value = WalletFlag> {
        let values = WALLETS.iter().map(|wallet| PossibleValue::new(wallet.name()).help(wallet.about()));
        let auto = PossibleValue::new(AUTO).help("the one that the configuration file names, else play money");
        PossibleValuesParser::new(values.chain([auto])).try_map(|name| match Self::named(&name) {
            Some(kind) => Ok(WalletFlag::Kind(kind)),
            None if name == AUTO => Ok(WalletFlag::Auto),
            None => Err("this build has no such wallet"),
        })
    }
}

impl fmt::Debug for WalletKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WalletKind({})", self.name())
    }
}

impl PartialEq for WalletKind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for WalletKind {}

impl<'de> Deserialize<'de> for WalletKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| match LEFT_OUT.iter().find(|known| **known == name) {
            Some(known) => {
                de::Error::custom(format_args!("this build has no wallet {known}; it has {}", NAMES.join(", ")))
            }
            None => de::Error::unknown_variant(&name, &NAMES),
        })
    }
}

const AUTO: &str = "auto";

static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| WalletKind::all().map(WalletKind::name).collect());

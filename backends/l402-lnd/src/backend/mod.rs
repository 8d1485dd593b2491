//! How a program opens an LND as its wallet. What it sends goes on, and is remembered, without this process.

#[cfg(feature = "payee")]
mod payee;
mod settings;
#[cfg(feature = "payee")]
mod table;

use crate::config::LndConfig;
use crate::error::LndError;
use crate::payer::LndPayer;
use crate::permission::Role;
use l402_lightning::backend::{OpenPayer, PayerBackend, PayerHome, PayerSetting, PayerSetup};
use l402_lightning::{BoxFuture, Cause, Network, PayerWallet};
use l402_program::config::{ConfigProblem, Section, Variable};
use settings::{LndPayerSettings, settings};
use std::sync::Arc;

#[cfg(feature = "payee")]
pub use payee::LndNode;

/// An LND of the user's, which runs elsewhere.
#[derive(Debug, Clone, Copy)]
pub struct LndWallet;

impl PayerBackend for LndWallet {
    fn name(&self) -> &'static str {
        NAME
    }

    fn about(&self) -> &'static str {
        "Your LND: LND_SOCKET, LND_CERT, LND_MACAROON"
    }

    fn unusable(&self) -> &'static str {
        "cannot use LND"
    }

    fn settings(&self) -> &'static [PayerSetting] {
        &SETTINGS
    }

    fn variables(&self) -> &'static [Variable] {
        &VARIABLES
    }

    fn read(&self, section: Section<'_>) -> Result<Arc<dyn PayerSetup>, ConfigProblem> {
        Ok(Arc::new(section.read::<LndPayerSettings>()?))
    }
}

impl PayerSetup for LndPayerSettings {
    /// Real money unless the user says otherwise.
    fn network(&self, home: &PayerHome<'_>) -> Result<Network, Cause> {
        Ok(home.flags.network().or(self.network).unwrap_or(Network::Bitcoin))
    }

    /// Tells one LND from another, also where both are reached at the same address at different times.
    fn record_name(&self, network: Network, home: &PayerHome<'_>) -> Result<String, Cause> {
        let config = self.config(home)?;
        Ok(format!("{NAME}/{network}/{}/{}", config.socket, config.certificate.fingerprint()))
    }

    fn open<'a>(&'a self, home: &'a PayerHome<'a>) -> BoxFuture<'a, Result<OpenPayer, Cause>> {
        Box::pin(async {
            let config = self.config(home)?;
            match LndPayer::connect(&config).await {
                Err(fault @ LndError::Denied(_)) => {
                    Err(format!("{fault}; create a suitable one with `{}`", Role::Payer.bake(config.network)).into())
                }
                opened => Ok(OpenPayer { wallet: PayerWallet::new(opened?), node: None }),
            }
        })
    }
}

impl LndPayerSettings {
    fn config(&self, home: &PayerHome<'_>) -> Result<LndConfig, Cause> {
        let mut config = settings(self, home.environment)?;
        config.network = Some(self.network(home)?);
        Ok(config)
    }
}

const NAME: &str = "lnd";
const SETTINGS: [PayerSetting; 4] = [
    PayerSetting::new("network", "bitcoin", "The network of LND."),
    PayerSetting::new("socket", "", "Host and port of LND's gRPC interface."),
    PayerSetting::new("cert", "", "The path of LND's certificate, or the certificate itself."),
    PayerSetting::new(
        "macaroon",
        "",
        "The path of a macaroon with `info:read offchain:read offchain:write`, or the macaroon itself.",
    ),
];
const VARIABLES: [Variable; 4] = [
    Variable::new("LND_SOCKET", "lnd.socket", "host and port of LND's gRPC interface"),
    Variable::new("LND_CERT", "lnd.cert", "LND's certificate: a path, or the certificate itself"),
    Variable::new("LND_MACAROON", "lnd.macaroon", "LND's macaroon: a path, or the macaroon itself"),
    Variable::new("LND_CONNECT", "", "an `lndconnect://` URI, in place of the three above"),
];

//! What a wallet is, and what the connection to it allows.

use crate::client::{Client, encryption};
use crate::config::NwcConfig;
use crate::crypt::Encryption;
use crate::error::{NwcError, RefusalCode};
use crate::relay::{RelayState, RelayUrl};
use crate::wire::{Call as _, GetInfo, WalletInfo};
use l402_lightning::Network;

/// What a wallet says of itself, in the event that it has published and when it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The name that its owner gave it, where it has one.
    pub alias: Option<String>,
    /// The chain.
    pub network: Network,
    /// How it is written to.
    pub encryption: Encryption,
    /// What the connection allows.
    pub methods: Vec<String>,
    /// Whether the wallet tells of payments by itself.
    pub notifies: bool,
}

impl Identity {
    /// Asks the wallet.
    pub(crate) async fn ask(client: &Client, network: Option<Network>) -> Result<Self, NwcError> {
        let published = client.published().await?;
        let mut methods: Vec<String> = published.content.split_whitespace().map(str::to_owned).collect();
        let notifies = published.tags.iter().any(|tag| tag.kind() == "notifications");
        let info = if methods.is_empty() || methods.iter().any(|method| method == GetInfo::METHOD) {
            told(client.ask(&GetInfo {}).await)?
        } else {
            WalletInfo::default()
        };
        // What the wallet says of this connection counts more than what it has published for all.
        if let Some(own) = info.methods.filter(|own| !own.is_empty()) {
            methods = own;
        }
        let alias = info.alias.map(|alias| alias.chars().filter(|letter| !letter.is_control()).take(64).collect());
        let network = on(info.network.as_deref(), network)?;
        Ok(Self { alias, network, encryption: encryption(&published)?, methods, notifies })
    }

    /// Tells whether the connection allows a method, by what the wallet says.
    pub fn allows(&self, method: &str) -> bool {
        self.methods.iter().any(|allowed| allowed == method)
    }

    /// Fails where the connection does not allow a method.
    pub(crate) fn needs(&self, method: &'static str) -> Result<(), NwcError> {
        if self.allows(method) { Ok(()) } else { Err(NwcError::Lacks(method)) }
    }
}

/// A wallet need not tell.
fn told(answer: Result<WalletInfo, NwcError>) -> Result<WalletInfo, NwcError> {
    match answer {
        Err(fault) if matches!(fault.refusal(), Some(RefusalCode::NotImplemented | RefusalCode::Restricted)) => {
            Ok(WalletInfo::default())
        }
        answer => answer,
    }
}

fn on(said: Option<&str>, expected: Option<Network>) -> Result<Network, NwcError> {
    let found = match said {
        Some("mainnet" | "bitcoin") => Some(Network::Bitcoin),
        Some("testnet" | "testnet3" | "testnet4") => Some(Network::Testnet),
        Some("signet" | "mutinynet") => Some(Network::Signet),
        Some("regtest") => Some(Network::Regtest),
        None | Some("") => None,
        Some(_) => return Err(NwcError::UnsupportedNetwork),
    };
    match (expected, found) {
        (Some(expected), Some(found)) if expected != found => Err(NwcError::WrongNetwork { expected, found }),
        _ => Ok(found.or(expected).unwrap_or(Network::Bitcoin)),
    }
}

/// What a look at a wallet has found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// Each relay, and what keeps it away.
    pub relays: Vec<(RelayUrl, RelayState)>,
    /// The wallet.
    pub wallet: Result<Identity, NwcError>,
}

/// Asks a wallet what it is. Nothing is kept running.
///
/// ```no_run
/// use l402_nwc::{NwcConfig, inspect};
///
/// # async fn check(uri: l402_nwc::NwcUri) -> Result<(), l402_nwc::NwcError> {
/// let found = inspect(&NwcConfig::new(uri)).await;
/// println!("{} relays; {:?}", found.relays.len(), found.wallet?.methods);
/// # Ok(())
/// # }
/// ```
pub async fn inspect(config: &NwcConfig) -> Inspection {
    let client = Client::start(config, None);
    let wallet = Identity::ask(&client, config.network).await;
    Inspection { relays: client.relays(), wallet }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wallet_is_on_the_network_that_it_is_used_for() {
        assert_eq!(on(Some("mainnet"), None).unwrap(), Network::Bitcoin);
        assert_eq!(on(None, None).unwrap(), Network::Bitcoin);
        assert_eq!(on(Some(""), Some(Network::Signet)).unwrap(), Network::Signet);
        assert_eq!(on(Some("regtest"), Some(Network::Regtest)).unwrap(), Network::Regtest);
        assert!(matches!(on(Some("regtest"), Some(Network::Bitcoin)), Err(NwcError::WrongNetwork { .. })));
        assert!(matches!(on(Some("liquid"), None), Err(NwcError::UnsupportedNetwork)));
    }
}

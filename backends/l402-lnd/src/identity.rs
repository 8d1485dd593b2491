//! Who LND is, and whether it can work: the first question on every connection.

use super::config::LndConfig;
use super::connect::Client;
use super::error::LndError;
use super::permission::Role;
use super::rpc::{GetInfoRequest, GetInfoResponse, GetStateRequest, WalletState};
use l402_lightning::{Network, NodeId};
use std::sync::Arc;

/// Who LND says that it is. It works, and has caught up with its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The key that its invoices are signed with.
    pub node_id: NodeId,
    /// The chain.
    pub network: Network,
    /// The name that its operator gave it.
    pub alias: Arc<str>,
    /// Its version, such as `0.20.1-beta`.
    pub version: Arc<str>,
}

impl Identity {
    /// Asks LND.
    pub(super) async fn ask(client: &Client, network: Option<Network>) -> Result<Self, LndError> {
        // Without a macaroon, and in every state: what is wrong is told apart before anything needs the wallet.
        match client.ask(GetStateRequest {}).await?.state() {
            WalletState::NonExisting => return Err(LndError::NoWallet),
            WalletState::Locked => return Err(LndError::Locked),
            WalletState::WaitingToStart | WalletState::Unlocked => return Err(LndError::Starting),
            WalletState::RpcActive | WalletState::ServerActive => {}
        }
        let info = client.ask(GetInfoRequest {}).await?;
        let identity = Self::of(&info)?;
        match network {
            Some(expected) if expected != identity.network => {
                Err(LndError::WrongNetwork { expected, found: identity.network })
            }
            _ if !info.synced_to_chain => Err(LndError::NotSynced),
            _ => Ok(identity),
        }
    }

    fn of(info: &GetInfoResponse) -> Result<Self, LndError> {
        let network = match info.chains.first().map(|chain| chain.network.as_str()) {
            Some("mainnet") => Network::Bitcoin,
            Some("testnet" | "testnet3" | "testnet4") => Network::Testnet,
            Some("signet") => Network::Signet,
            Some("regtest") => Network::Regtest,
            Some(_) => return Err(LndError::UnsupportedNetwork),
            None => return Err(LndError::Malformed),
        };
        let node_id = info.identity_pubkey.parse().map_err(|_| LndError::Malformed)?;
        let version = info.version.split(' ').next().unwrap_or_default(); // behind it stands the commit
        Ok(Self { node_id, network, alias: (*info.alias).into(), version: version.into() })
    }
}

/// Asks LND who it is, after the macaroon was looked at. Nothing is kept running.
///
/// # Errors
/// [`LndError`], the first thing that keeps LND from being used in this role.
///
/// ```no_run
/// use l402_lnd::{LndConfig, Role, inspect};
///
/// # async fn check() -> Result<(), Box<dyn std::error::Error>> {
/// let config = LndConfig::from_environment(|name| std::env::var(name).ok())?;
/// let identity = inspect(&config, Role::Payee).await?;
/// println!("{} on {}", identity.node_id, identity.network);
/// # Ok(())
/// # }
/// ```
pub async fn inspect(config: &LndConfig, role: Role) -> Result<Identity, LndError> {
    permitted(config, role)?;
    Identity::ask(&Client::new(config)?, config.network).await
}

/// Fails where the macaroon itself says that it does not allow what the role needs, and where somebody else could pay with it.
pub(super) fn permitted(config: &LndConfig, role: Role) -> Result<(), LndError> {
    let missing = config.macaroon.permissions().map(|permissions| permissions.missing(role)).unwrap_or_default();
    if let Some(permission) = missing.into_iter().next() {
        return Err(LndError::Denied(permission));
    }
    match config.macaroon.exposed() {
        Some(file) if role == Role::Payer => Err(LndError::ExposedMacaroon(file.clone())),
        _ => Ok(()),
    }
}

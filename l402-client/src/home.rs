//! Where a user's tokens, payments and wallet live, and what the user has settled once for all calls.

use crate::cli::HomeArgs;
use crate::config::{Config, Source};
use crate::exit::{Exit, Failure, OrExit};
use crate::wallet::{Choice, WalletFlag, WalletKind, choose};
use l402_agent::amount::Amount;
use l402_agent::http::proxy::Proxies;
use l402_agent::policy::{PolicySource, Setting};
use l402_agent::store::POLICY;
use l402_agent::store::private::PrivateDir;
use l402_agent::{DEFAULT_MAX_FEE, DEFAULT_MAX_PRICE};
use l402_core::Msat;
use l402_lightning::Network;
use l402_lightning::backend::{PayerFlags, PayerSetup};
use std::path::PathBuf;
use std::sync::Arc;

/// The flags and the configuration, joined: flags win.
#[derive(Debug, Clone)]
pub struct Home {
    /// The data folder, mode 0700.
    pub data: PrivateDir,
    /// What pays; nothing in a build without wallets.
    pub wallet: Option<WalletKind>,
    /// Why it pays, where `--wallet auto` chose it.
    pub choice: Option<Choice>,
    /// The flags that a wallet may know.
    pub flags: PayerFlags,
    pub(crate) setups: Vec<(WalletKind, Arc<dyn PayerSetup>)>,
    /// The most to pay for one call, fees not counted.
    pub max_price: Msat,
    /// The most to pay for routing.
    pub max_fee: Msat,
    pub(crate) policy: Option<PathBuf>,
    /// The proxies; none until somebody reads the environment.
    pub proxies: Proxies,
}

impl Home {
    /// Reads the configuration and makes the data folder.
    ///
    /// # Errors
    /// [`Failure`], with [`Exit::Usage`] for a wrong configuration and [`Exit::Local`] for a folder that cannot be used.
    pub fn open(args: &HomeArgs) -> Result<Self, Failure> {
        let config = read_config(args)?;
        let (wallet, choice) = match args.wallet {
            Some(WalletFlag::Kind(kind)) => (Some(kind), None),
            Some(WalletFlag::Auto) => {
                let choice = choose(&config)?;
                (Some(choice.kind), Some(choice))
            }
            None => (config.wallet.or_else(WalletKind::usual), None),
        };
        let data = args.data_dir.clone().or_else(|| Some(dirs::data_dir()?.join("l402")));
        let data = data.ok_or_else(|| Failure::say(Exit::Usage, "no home directory; use --data-dir"))?;
        let flags = PayerFlags::default()
            .and("sandbox", args.sandbox.clone())
            .and("network", args.network.map(Network::as_str))
            .and("esplora", args.esplora.clone())
            .and("electrum", args.electrum.clone());
        Ok(Self {
            data: PrivateDir::open(data).or_exit(Exit::Local)?,
            wallet,
            choice,
            flags,
            setups: config.setups,
            max_price: config.max_price.map_or(DEFAULT_MAX_PRICE, Amount::msat),
            max_fee: config.max_fee.map_or(DEFAULT_MAX_FEE, Amount::msat),
            policy: args.policy.clone(),
            proxies: Proxies::default(),
        })
    }

    /// Returns the owner's policy: the file that was named, or that of the data folder, which may be missing.
    pub fn policy(&self, setting: Setting) -> PolicySource {
        match &self.policy {
            Some(file) => PolicySource::of(file, setting),
            None => PolicySource::optional(self.data.path(POLICY), setting),
        }
    }

    /// Returns the settings of a wallet.
    pub(crate) fn setup(&self, kind: WalletKind) -> Option<Arc<dyn PayerSetup>> {
        self.setups.iter().find(|(known, _)| *known == kind).map(|(_, setup)| Arc::clone(setup))
    }
}

fn read_config(args: &HomeArgs) -> Result<Config, Failure> {
    match (&args.config, dirs::config_dir()) {
        (Some(path), _) => Config::load(Source::File(path)).or_exit(Exit::Usage),
        (None, Some(folder)) => {
            Config::load(Source::OptionalFile(&folder.join("l402/client.toml"))).or_exit(Exit::Usage)
        }
        (None, None) => Config::load(Source::Nothing).or_exit(Exit::Usage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(test, feature = "ldk", feature = "sandbox"))]
    #[test]
    fn a_flag_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("client.toml");
        std::fs::write(&config, "wallet = 'ldk'\nmax_price = '5 sat'\n[ldk]\nchain = { esplora = 'a' }").unwrap();
        let mut args =
            HomeArgs { data_dir: Some(folder.path().join("data")), config: Some(config), ..HomeArgs::default() };
        let home = Home::open(&args).unwrap();
        assert_eq!(
            (home.wallet, home.max_price, home.max_fee),
            (WalletKind::named("ldk"), Msat::from_sat(5), DEFAULT_MAX_FEE)
        );
        assert!(format!("{:?}", home.setups).contains("Esplora"));
        args.wallet = WalletKind::named("sandbox").map(WalletFlag::Kind);
        args.electrum = Some("tcp://b".to_owned());
        let home = Home::open(&args).unwrap();
        assert_eq!(home.wallet, WalletKind::named("sandbox"));
        assert_eq!(home.flags.text("electrum"), Some("tcp://b"));
    }

    #[test]
    fn a_wrong_configuration_is_wrong_usage() {
        let folder = tempfile::tempdir().unwrap();
        let args = HomeArgs { config: Some(folder.path().join("missing.toml")), ..HomeArgs::default() };
        assert_eq!(Home::open(&args).unwrap_err().exit(), Exit::Usage);
    }
}

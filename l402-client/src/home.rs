//! Where a user's tokens, payments and wallet live, and what the user has settled once for all calls.

use crate::cli::{HomeArgs, WalletKind};
use crate::config::{Chain, Config, LdkSection, LndSection, Source};
use crate::exit::{Exit, Failure, OrExit};
use l402_agent::amount::Amount;
use l402_agent::http::proxy::Proxies;
use l402_agent::store::private::PrivateDir;
use l402_agent::{DEFAULT_MAX_FEE, DEFAULT_MAX_PRICE};
use std::path::PathBuf;

/// The flags and the configuration, joined: flags win.
#[derive(Debug, Clone)]
pub struct Home {
    /// The data folder, mode 0700.
    pub data: PrivateDir,
    /// What pays.
    pub wallet: WalletKind,
    /// The sandbox's file, where the user names it.
    pub sandbox: Option<PathBuf>,
    /// The embedded node's settings.
    pub ldk: LdkSection,
    /// The settings of an LND that runs elsewhere.
    pub lnd: LndSection,
    /// The most to pay for one call, fees not counted.
    pub max_price: Amount,
    /// The most to pay for routing.
    pub max_fee: Amount,
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
        let data = args.data_dir.clone().or_else(|| Some(dirs::data_dir()?.join("l402")));
        let data =
            data.ok_or_else(|| Failure::say(Exit::Usage, "there is no home folder; name one with --data-dir"))?;
        let (mut ldk, mut lnd) = (config.ldk, config.lnd);
        ldk.network = args.network.or(ldk.network);
        lnd.network = args.network.or(lnd.network);
        let esplora = args.esplora.clone().map(Chain::Esplora);
        ldk.chain = esplora.or(args.electrum.clone().map(Chain::Electrum)).or(ldk.chain);
        Ok(Self {
            data: PrivateDir::open(data).or_exit(Exit::Local)?,
            wallet: args.wallet.or(config.wallet).unwrap_or(WalletKind::Sandbox),
            sandbox: args.sandbox.clone(),
            ldk,
            lnd,
            max_price: config.max_price.unwrap_or(DEFAULT_MAX_PRICE),
            max_fee: config.max_fee.unwrap_or(DEFAULT_MAX_FEE),
            proxies: Proxies::default(),
        })
    }
}

fn read_config(args: &HomeArgs) -> Result<Config, Failure> {
    match (&args.config, dirs::config_dir()) {
        (Some(path), _) => Config::load(Source::File(path)).or_exit(Exit::Usage),
        (None, Some(folder)) => {
            Config::load(Source::OptionalFile(&folder.join("l402/client.toml"))).or_exit(Exit::Usage)
        }
        (None, None) => Ok(Config::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_wins_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("client.toml");
        std::fs::write(&config, "wallet = 'ldk'\nmax_price = '5 sat'\n[ldk]\nchain = { esplora = 'a' }").unwrap();
        let mut args =
            HomeArgs { data_dir: Some(folder.path().join("data")), config: Some(config), ..HomeArgs::default() };
        let home = Home::open(&args).unwrap();
        assert_eq!((home.wallet, home.max_price.msat(), home.max_fee), (WalletKind::Ldk, 5_000, DEFAULT_MAX_FEE));
        assert!(matches!(home.ldk.chain, Some(Chain::Esplora(_))));
        args.wallet = Some(WalletKind::Sandbox);
        args.electrum = Some("tcp://b".to_owned());
        let home = Home::open(&args).unwrap();
        assert_eq!(home.wallet, WalletKind::Sandbox);
        assert!(matches!(home.ldk.chain, Some(Chain::Electrum(_))));
    }

    #[test]
    fn a_wrong_configuration_is_wrong_usage() {
        let folder = tempfile::tempdir().unwrap();
        let args = HomeArgs { config: Some(folder.path().join("missing.toml")), ..HomeArgs::default() };
        assert_eq!(Home::open(&args).unwrap_err().exit(), Exit::Usage);
    }
}

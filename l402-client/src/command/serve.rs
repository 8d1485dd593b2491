//! `l402 serve`: the broker, with the user's wallet.

use crate::cli::ServeArgs;
use crate::egress;
use crate::exit::{Exit, Failure, OrExit};
use crate::get::failure;
use crate::home::Home;
use crate::wallet;
use l402_agent::Agent;
use l402_agent::broker::{Broker, Folder, Socket};
use l402_agent::http::settings::HttpSettings;
use l402_agent::policy::{Rules, Setting};
use l402_agent::wallet::LazyWallet;
use l402_lightning::PaymentSource as _;
use l402_lightning::backend::OpenPayer;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Serves until it is told to stop.
pub(super) async fn run(args: &ServeArgs, home: &Home) -> Result<Exit, Failure> {
    let wallet = Arc::new(wallet::chosen_wallet(home).or_exit(Exit::Usage)?);
    let name = wallet::name(home, wallet.network()).or_exit(Exit::Usage)?;
    let rules = Rules::new(home.policy(Setting::Server));
    // A policy that cannot be used would refuse every request: better said now.
    rules.current().or_exit(Exit::Usage)?;
    let egress = egress::guarded(&args.allow_address, rules.clone());
    let agent = Agent::<LazyWallet<OpenPayer>>::builder(home.data.path(""), Arc::clone(&wallet), name)
        .max_price(home.max_price)
        .max_fee(home.max_fee)
        .http(HttpSettings { egress, ..HttpSettings::default() })
        .rules(rules)
        .build()
        .map_err(failure::of_build)?;
    let folder = Folder::open(&home.data).or_exit(Exit::Local)?;
    let (mut terminated, mut interrupted) =
        (signal(SignalKind::terminate()).or_exit(Exit::Local)?, signal(SignalKind::interrupt()).or_exit(Exit::Local)?);
    let path = args.socket.clone().unwrap_or_else(|| folder.agents());
    let agents = Socket::bind(path, args.socket_mode).or_exit(Exit::Local)?;
    let owner = Socket::bind(folder.owner(), 0o600).or_exit(Exit::Local)?;
    eprintln!("serving agents on unix:{}", agents.path().display());
    let stop = async {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    };
    Broker::new(agent).serve(agents, owner, stop).await;
    if let Some(wallet) = Arc::into_inner(wallet) {
        wallet::close(wallet).await;
    }
    drop(folder);
    Ok(Exit::Served)
}

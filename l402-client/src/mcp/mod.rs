//! `l402 mcp`: what the agent may ask for, as tools of the Model Context Protocol, over the standard streams.
//!
//! 1. The tools are the four [errands](l402_agent::errand), and there is no other way to money: no wallet, token, invoice or file of
//!    the owner's is in reach of the model.
//! 2. Without `--budget`, everything is listed and nothing is paid.
//! 3. Addresses that are not public are reached where the owner names them, with their port.
//! 4. Standard output carries the protocol alone; what the owner should hear goes to standard error.
//! 5. A call that the client cancels, or whose client goes away, has its payment finished and recorded, within [`GRACE`].
//!
//! Source: modelcontextprotocol.io, versions 2025-06-18, 2025-11-25 and 2026-07-28.

mod answer;
mod arguments;
mod body;
mod called;
mod fetch;
mod files;
mod server;
mod tools;

use crate::cli::McpArgs;
use crate::egress;
use crate::exit::{Exit, Failure, OrExit};
use crate::get::failure;
use crate::home::Home;
use crate::wallet;
use core::time::Duration;
use files::Files;
use l402_agent::Agent;
use l402_agent::amount::Amount;
use l402_agent::broker::BrokerClient;
use l402_agent::errand::{Caller, Errands, LocalErrands};
use l402_agent::http::settings::HttpSettings;
use l402_agent::policy::{Rules, Setting};
use l402_agent::wallet::LazyWallet;
use l402_core::Msat;
use l402_lightning::PaymentSource as _;
use l402_lightning::backend::OpenPayer;
use rmcp::ServiceExt as _;
use server::Server;
use std::sync::Arc;

/// Serves one client until it closes the stream, with the user's wallet or through a broker.
///
/// # Errors
/// [`Failure`].
pub(crate) async fn run(args: &McpArgs, home: &Home, broker: Option<BrokerClient>) -> Result<Exit, Failure> {
    if let Some(broker) = broker {
        if args.budget.is_some() || args.max_price.is_some() || args.max_fee.is_some() || !args.allow_address.is_empty()
        {
            let message = "through a broker, its key says what is paid: leave out --budget, --max-price, --max-fee and \
                           --allow-address";
            return Err(Failure::say(Exit::Usage, message));
        }
        return serve(Arc::new(broker), args, home, true).await;
    }
    let wallet = Arc::new(wallet::chosen_wallet(home).or_exit(Exit::Usage)?);
    let name = wallet::name(home, wallet.network()).or_exit(Exit::Usage)?;
    let limit = if args.budget.is_some() { args.max_price.map_or(home.max_price, Amount::msat) } else { Msat::ZERO };
    let rules = Rules::new(home.policy(Setting::Server));
    let mut agent = Agent::<LazyWallet<OpenPayer>>::builder(home.data.path(""), Arc::clone(&wallet), name)
        .max_price(limit)
        .max_fee(args.max_fee.map_or(home.max_fee, Amount::msat))
        .http(HttpSettings { egress: egress::guarded(&args.allow_address, rules.clone()), ..HttpSettings::default() })
        .rules(rules);
    if let Some(budget) = &args.budget {
        agent = agent.budget(budget);
    }
    let errands = LocalErrands::new(agent.build().map_err(failure::of_build)?, Caller::Agent);
    let exit = serve(Arc::new(errands), args, home, args.budget.is_some()).await;
    if let Some(wallet) = Arc::into_inner(wallet) {
        wallet::close(wallet).await;
    }
    exit
}

async fn serve(errands: Arc<dyn Errands>, args: &McpArgs, home: &Home, pays: bool) -> Result<Exit, Failure> {
    let files = match &args.files {
        Some(folder) => Files::open(folder, args.quota),
        None => home
            .data
            .folder("mcp")
            .map_err(std::io::Error::other)
            .and_then(|folder| Files::open(&folder.path(""), args.quota)),
    };
    let (server, calls) = Server::new(errands, files.or_exit(Exit::Local)?, pays);
    let running = server.serve(rmcp::transport::stdio_pipes()).await;
    // A client that goes away before it has said anything is no failure.
    if let Ok(running) = running {
        running.waiting().await.or_exit(Exit::Local)?;
    }
    let _ = tokio::time::timeout(GRACE, calls.ended()).await;
    Ok(Exit::Served)
}

/// How long calls may go on after the client has gone: as long as a payment may take.
const GRACE: Duration = Duration::from_mins(1);

//! `l402 get`: the request, what it costs, and the body.

pub mod delivery;
pub mod draft;
mod failure;
mod given;
pub mod output;
pub mod report;

use crate::cli::GetArgs;
use crate::exit::{Exit, Failure, OrExit};
use crate::get::delivery::{Delivery, DeliveryError};
use crate::home::Home;
use crate::wallet;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::Full;
use l402_agent::amount::Amount;
use l402_agent::http::client::HttpClient;
use l402_agent::http::draft::Draft;
use l402_agent::http::redirect::Redirects;
use l402_agent::http::whole::Whole;
use l402_agent::price::{self, Terms};
use l402_agent::{Agent, CredentialUsed, Fetched, Reuse};
use l402_core::SpendLimits;
use l402_http::pay::{balance_left, is_kept, uses_left};
use l402_lightning::PaymentSource;
use output::OutputFile;
use report::{ReportEvent, Reporter, Served};
use std::io::Write;
use std::sync::Arc;
use tokio::io::AsyncWrite;

/// Runs the command with a wallet. The body goes to `out`, or to the file that `-o` names; the price with `--dry-run` goes to
/// `out`. Everything else goes to the reporter.
///
/// # Errors
/// [`Failure`].
pub async fn run<W: PaymentSource + 'static>(
    args: &GetArgs,
    home: &Home,
    wallet: Arc<W>,
    out: &mut (impl AsyncWrite + Unpin),
    reporter: &mut Reporter<impl Write>,
) -> Result<Exit, Failure> {
    let draft = draft::from_args(args).or_exit(Exit::Usage)?;
    if args.pay.dry_run {
        return quote(args, home, draft, wallet.as_ref(), out).await;
    }
    let output = args.output.output.as_deref().map(OutputFile::open).transpose().or_exit(Exit::Local)?.flatten();
    let agent = open_agent(args, home, wallet)?;
    let fetched = agent.fetch_and_tell(draft, |news| reporter.tell(&ReportEvent::from(news.clone()))).await;
    let Fetched { response, url, credential, unpaid, handover, withheld, .. } = fetched.map_err(failure::of)?;
    let status = response.status();
    let uses_left = if credential == CredentialUsed::None { None } else { uses_left(response.headers()) };
    let again = is_kept(response.headers());
    let served = Served { url: url.to_string(), status: status.as_u16(), credential, uses_left, again };
    reporter.tell(&ReportEvent::Served(served));
    if let Some(reason) = withheld {
        reporter.tell(&ReportEvent::Withheld { url: url.to_string(), reason });
    }
    if let Some(unpaid) = unpaid {
        reporter.tell(&ReportEvent::Unpaid(Box::new(unpaid)));
    }
    let balance = balance_left(response.headers());
    let trailers = deliver(args, response, output, out).await?;
    if let Some(balance_msat) = balance_left(&trailers).or(balance).filter(|_| credential != CredentialUsed::None) {
        reporter.tell(&ReportEvent::Balance { balance_msat });
    }
    handover.complete().await.or_exit(Exit::Local)?;
    Ok(exit_of(status))
}

fn open_agent<W: PaymentSource + 'static>(args: &GetArgs, home: &Home, wallet: Arc<W>) -> Result<Agent<W>, Failure> {
    let wallet_name = wallet::name(home, wallet.network()).or_exit(Exit::Usage)?;
    let SpendLimits { max_price_msat, max_fee_msat } = limits(args, home);
    let mut agent = Agent::builder(home.data.path(""), wallet, wallet_name)
        .max_price(max_price_msat)
        .max_fee(max_fee_msat)
        .timeout(args.connection.timeout)
        .pay_timeout(args.pay.pay_timeout)
        .token_field(args.pay.token_field.into())
        .reuse(if args.pay.no_token_cache { Reuse::Never } else { Reuse::Kept })
        .redirects(redirects(args))
        .proxies(home.proxies.clone());
    if args.pay.buy_again {
        agent = agent.buy_again();
    }
    if let Some(name) = &args.pay.budget {
        agent = agent.budget(name);
    }
    if let Some(file) = &args.connection.cacert {
        agent = agent.cacert(file);
    }
    agent.build().map_err(failure::of_build)
}

const fn redirects(args: &GetArgs) -> Redirects {
    if args.connection.location { Redirects::Follow } else { Redirects::Refuse }
}

fn limits(args: &GetArgs, home: &Home) -> SpendLimits {
    SpendLimits {
        max_price_msat: args.pay.max_price.map_or(home.max_price, Amount::msat),
        max_fee_msat: args.pay.max_fee.map_or(home.max_fee, Amount::msat),
    }
}

async fn quote(
    args: &GetArgs,
    home: &Home,
    draft: Draft,
    wallet: &impl PaymentSource,
    out: &mut (impl AsyncWrite + Unpin),
) -> Result<Exit, Failure> {
    let http = HttpClient::new(args.connection.timeout, args.connection.cacert.as_deref(), home.proxies.clone())
        .or_exit(Exit::Usage)?;
    let terms = Terms {
        limits: limits(args, home),
        network: wallet.network(),
        field: args.pay.token_field.into(),
        redirects: redirects(args),
    };
    let price = price::ask(draft, http, terms).await.map_err(failure::of_price)?;
    let status = StatusCode::from_u16(price.status).unwrap_or_default();
    let exit = if price.invoice.is_some() { Exit::Served } else { exit_of(status) };
    let mut text = Vec::new();
    Reporter::new(&mut text, args.output.json, args.output.quiet).tell(&ReportEvent::Price(Box::new(price)));
    let facts = Response::new(Full::new(bytes::Bytes::from(text)));
    Delivery { include: false, timeout: args.connection.timeout }.write(facts, out).await.map_err(undelivered)?;
    Ok(exit)
}

async fn deliver(
    args: &GetArgs,
    response: Response<Whole>,
    output: Option<OutputFile>,
    out: &mut (impl AsyncWrite + Unpin),
) -> Result<HeaderMap, Failure> {
    let delivery = Delivery { include: args.output.include, timeout: args.connection.timeout };
    let Some(mut output) = output else {
        return delivery.write(response, out).await.map_err(undelivered);
    };
    let mut file = output.emptied().or_exit(Exit::Local)?;
    delivery.write(response, &mut file).await.map_err(|fault| match fault {
        DeliveryError::Output(cause) => Failure::new(Exit::Local, output.error(cause)),
        fault => undelivered(fault),
    })
}

fn undelivered(fault: DeliveryError) -> Failure {
    let exit = if matches!(fault, DeliveryError::Output(_)) { Exit::Local } else { Exit::Network };
    Failure::new(exit, fault)
}

fn exit_of(status: StatusCode) -> Exit {
    if status.is_client_error() || status.is_server_error() { Exit::Http } else { Exit::Served }
}

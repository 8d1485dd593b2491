//! `l402 get`: the request, what it costs, the redirects, and the body.

pub mod delivery;
pub mod draft;
pub mod fetch;
pub mod output;
pub mod price;
pub mod report;
pub mod unpaid;

use crate::cli::GetArgs;
use crate::exit::{Exit, Failure, OrExit};
use crate::get::delivery::{Delivery, DeliveryError};
use crate::home::Home;
use crate::wallet;
use core::ops::AsyncFnMut;
use fetch::{Arrived, Till};
use http::{Response, StatusCode};
use hyper::body::Incoming;
use l402_agent::http::client::HttpClient;
use l402_agent::http::draft::Draft;
use l402_agent::http::peek::Peeked;
use l402_agent::http::redirect::{self, MAX_REDIRECTS, RedirectError};
use l402_agent::store::Database;
use l402_agent::store::file::FileStore;
use l402_core::SpendLimits;
use l402_http::pay::{TokenField, accept_l402};
use l402_lightning::PaymentSource;
use output::OutputFile;
use price::Terms;
use report::{CredentialUsed, Event, Reporter, Served};
use std::io::Write;
use std::sync::Arc;
use tokio::io::AsyncWrite;
use tower_service::Service;

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
    if args.dry_run {
        return quote(args, home, draft, wallet.as_ref(), out).await;
    }
    let output = args.output.as_deref().map(OutputFile::open).transpose().or_exit(Exit::Local)?.flatten();
    let http = HttpClient::new(args.timeout, args.cacert.as_deref(), home.proxies.clone()).or_exit(Exit::Usage)?;
    let mut till = open_till(args, home, wallet)?;
    let mut on_event = |event| reporter.tell(&event);
    let (draft, Arrived { response, credential }) =
        walk(draft, args.location, async |draft| till.fetch(draft, http.clone(), &mut on_event).await).await?;
    let (status, url) = (response.status(), draft.uri.to_string());
    let unpaid::Answer { response, unpaid } = unpaid::look(&draft, args.token_field.into(), response).await;
    on_event(Event::Served(Served { url, status: status.as_u16(), credential }));
    if let Some(unpaid) = unpaid {
        on_event(Event::Unpaid(Box::new(unpaid)));
    }
    deliver(args, response, output, out).await?;
    if exit_of(status) == Exit::Served {
        till.store.delivered().await.or_exit(Exit::Local)?;
    }
    Ok(exit_of(status))
}

fn open_till<W: PaymentSource>(args: &GetArgs, home: &Home, wallet: Arc<W>) -> Result<Till<W>, Failure> {
    let database = Database::open(&home.data).or_exit(Exit::Local)?;
    let wallet_name = wallet::name(home, wallet.network()).or_exit(Exit::Usage)?;
    let store = FileStore::new(&database, !args.no_token_cache, wallet_name).or_exit(Exit::Local)?;
    let token_field = args.token_field.into();
    // Whoever buys the same thing pays, and then waits for the answer.
    let patience = args.pay_timeout.saturating_add(args.timeout);
    Ok(Till {
        wallet,
        store,
        limits: limits(args, home),
        pay_timeout: args.pay_timeout,
        token_field,
        patience,
        buy_again: args.buy_again,
    })
}

fn limits(args: &GetArgs, home: &Home) -> SpendLimits {
    SpendLimits {
        max_price_msat: args.max_price.unwrap_or(home.max_price).msat(),
        max_fee_msat: args.max_fee.unwrap_or(home.max_fee).msat(),
    }
}

async fn quote(
    args: &GetArgs,
    home: &Home,
    draft: Draft,
    wallet: &impl PaymentSource,
    out: &mut (impl AsyncWrite + Unpin),
) -> Result<Exit, Failure> {
    let mut http = HttpClient::new(args.timeout, args.cacert.as_deref(), home.proxies.clone()).or_exit(Exit::Usage)?;
    let (draft, arrived) = walk(draft, args.location, async |draft| {
        let mut request = draft.request();
        accept_l402(request.headers_mut());
        let response = http.call(request).await.or_exit(Exit::Network)?;
        Ok(Arrived { response, credential: CredentialUsed::None })
    })
    .await?;
    let field = TokenField::from(args.token_field);
    let answer = unpaid::look(&draft, field, arrived.response).await;
    let terms = Terms { limits: limits(args, home), network: wallet.network(), field };
    let price = price::read(&draft.uri, &answer, terms)?;
    let exit = if price.invoice.is_some() { Exit::Served } else { exit_of(answer.response.status()) };
    let mut text = Vec::new();
    Reporter::new(&mut text, args.json, args.quiet).tell(&Event::Price(Box::new(price)));
    let facts = Response::new(http_body_util::Full::new(bytes::Bytes::from(text)));
    Delivery { include: false, timeout: args.timeout }.write(facts, out).await.map_err(undelivered)?;
    Ok(exit)
}

/// Sends a request, and follows redirects where the user asked for it.
async fn walk(
    mut draft: Draft,
    follow: bool,
    mut send: impl AsyncFnMut(&Draft) -> Result<Arrived, Failure>,
) -> Result<(Draft, Arrived), Failure> {
    for _ in 0..=MAX_REDIRECTS {
        let arrived = send(&draft).await?;
        let (status, headers) = (arrived.response.status(), arrived.response.headers());
        let next = follow.then(|| redirect::next(&draft, status, headers)).transpose().or_exit(Exit::Http)?;
        match next.flatten() {
            Some(next) => draft = next,
            None => return Ok((draft, arrived)),
        }
    }
    Err(Failure::new(Exit::Http, RedirectError::TooMany))
}

async fn deliver(
    args: &GetArgs,
    response: Response<Peeked<Incoming>>,
    output: Option<OutputFile>,
    out: &mut (impl AsyncWrite + Unpin),
) -> Result<(), Failure> {
    let delivery = Delivery { include: args.include, timeout: args.timeout };
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

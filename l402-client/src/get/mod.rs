//! `l402 get`: the request, what it costs, and the body.

mod agree;
mod asked;
mod body;
pub(crate) mod brokered;
mod connection;
pub(crate) mod decode;
pub mod delivery;
pub mod draft;
mod explain;
pub(crate) mod failure;
mod fields;
mod form;
pub(crate) mod given;
mod jar;
pub mod output;
mod progress;
pub mod report;
mod resume;
mod retry;
pub mod step;
mod verbose;

use crate::cli::{GetArgs, OutputArgs};
use crate::exit::{Exit, Failure, OrExit};
use crate::get::delivery::{Delivery, DeliveryError};
use crate::home::Home;
use crate::wallet;
use agree::Terminal;
use asked::Caller;
use bytes::Bytes;
use draft::Asked;
use http::response::Parts;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use l402_agent::amount::Amount;
use l402_agent::http::draft::Draft;
use l402_agent::http::raw;
use l402_agent::http::redirect::Redirects;
use l402_agent::http::settings::HttpSettings;
use l402_agent::policy::{Rules, Setting};
use l402_agent::{Agent, CredentialUsed, Fetched, Reuse};
use l402_core::SpendLimits;
use l402_http::pay::{TokenField, balance_left, is_kept, uses_left};
use l402_lightning::PaymentSource;
use output::{Files, OutputFile};
use report::{ReportEvent, Reporter, Served};
use resume::{Part, Resume};
use retry::Retries;
use std::io::{IsTerminal as _, Write};
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
    let Some(limit) = args.connection.max_time else { return perform(args, home, wallet, out, reporter).await };
    match tokio::time::timeout(limit, perform(args, home, wallet, out, reporter)).await {
        Ok(result) => result,
        Err(_) => Err(failure::too_long(args, home, limit)),
    }
}

async fn perform<W: PaymentSource + 'static>(
    args: &GetArgs,
    home: &Home,
    wallet: Arc<W>,
    out: &mut (impl AsyncWrite + Unpin),
    reporter: &mut Reporter<impl Write>,
) -> Result<Exit, Failure> {
    let Asked { draft, field } = draft::from_args(args).or_exit(Exit::Usage)?;
    let cookies = jar::open(&args.request)?;
    let http = HttpSettings { cookies: cookies.clone(), ..connection::settings(args, home)? };
    let result = ask(args, home, wallet, (draft, field), http, out, reporter).await;
    let written = jar::close(&args.request, cookies.as_ref(), out).await; // after a failure too, as curl does
    result.and_then(|exit| written.map(|()| exit))
}

async fn ask<W: PaymentSource + 'static>(
    args: &GetArgs,
    home: &Home,
    wallet: Arc<W>,
    (mut draft, field): (Draft, TokenField),
    http: HttpSettings,
    out: &mut (impl AsyncWrite + Unpin),
    reporter: &mut Reporter<impl Write>,
) -> Result<Exit, Failure> {
    if args.pay.dry_run {
        let agent = open_agent(args, home, wallet, field, http)?;
        return quote(args, &agent, draft, out).await;
    }
    let files = Files::open(&args.output, &draft.uri)?;
    if let Some(resume) = files.resume.as_ref().filter(|resume| resume.offset > 0) {
        resume.ask(&mut draft.headers)?;
        reporter.tell(&ReportEvent::Continuing { url: draft.uri.to_string(), offset: resume.offset });
    }
    let name = wallet::name(home, wallet.network()).or_exit(Exit::Usage)?;
    let agent = open_agent(args, home, wallet, field, http)?;
    if args.pay.explain {
        explain::before(&agent, home, (limits(args, home), name, args.pay.budget.as_deref()), &draft, reporter)?;
    }
    let retries = Retries::new(&args.connection, &draft);
    let fetched = retries.fetch(&agent, draft, reporter).await;
    let _ = tokio::time::timeout(TO_TELL, agent.send_alerts()).await; // the next command sends what is left
    let Fetched { response, redirects, url, credential, unpaid, handover, withheld, .. } =
        fetched.map_err(failure::of)?;
    if args.pay.explain && unpaid.is_none() {
        reporter.tell(&ReportEvent::Explain(step::Step::Opened { credential }));
    }
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
    let trailers = deliver(args, response, &redirects, files, out).await?;
    if let Some(balance_msat) = balance_left(&trailers).or(balance).filter(|_| credential != CredentialUsed::None) {
        reporter.tell(&ReportEvent::Balance { balance_msat });
    }
    handover.complete().await.or_exit(Exit::Local)?;
    Ok(exit_of(status))
}

fn open_agent<W: PaymentSource + 'static>(
    args: &GetArgs,
    home: &Home,
    wallet: Arc<W>,
    field: TokenField,
    http: HttpSettings,
) -> Result<Agent<W>, Failure> {
    let wallet_name = wallet::name(home, wallet.network()).or_exit(Exit::Usage)?;
    let SpendLimits { max_price_msat, max_fee_msat } = limits(args, home);
    let rules = Rules::new(home.policy(Setting::Command)).asking(Arc::new(Terminal));
    let in_force = rules.current().or_exit(Exit::Policy)?;
    let agent_may_confirm = in_force.policy().guarding().guards().agent_may_confirm;
    let mut agent = Agent::builder(home.data.path(""), wallet, wallet_name)
        .max_price(max_price_msat)
        .max_fee(max_fee_msat)
        .pay_timeout(args.pay.pay_timeout)
        .token_field(field)
        .reuse(if args.pay.no_token_cache { Reuse::Never } else { Reuse::Kept })
        .redirects(redirects(args))
        .confirmer(Caller::new(&args.output, agent_may_confirm))
        .rules(rules)
        .http(http);
    if args.pay.buy_again {
        agent = agent.buy_again();
    }
    if let Some(name) = &args.pay.budget {
        agent = agent.budget(name);
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

async fn quote<W: PaymentSource + 'static>(
    args: &GetArgs,
    agent: &Agent<W>,
    draft: Draft,
    out: &mut (impl AsyncWrite + Unpin),
) -> Result<Exit, Failure> {
    let price = agent.preview(draft).await.map_err(failure::of_price)?;
    let status = StatusCode::from_u16(price.status).unwrap_or_default();
    let exit = if price.invoice.is_some() { Exit::Served } else { exit_of(status) };
    let mut text = Vec::new();
    Reporter::new(&mut text, args.output.json, args.output.quiet).tell(&ReportEvent::Price(Box::new(price)));
    let facts = Response::new(Full::new(Bytes::from(text)));
    Delivery { timeout: args.connection.timeout, ..Delivery::default() }
        .write(facts, out)
        .await
        .map_err(undelivered)?;
    Ok(exit)
}

async fn deliver<B>(
    args: &GetArgs,
    response: Response<B>,
    redirects: &[Parts],
    files: Files,
    out: &mut (impl AsyncWrite + Unpin),
) -> Result<HeaderMap, Failure>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn core::error::Error + Send + Sync>>,
{
    let status = response.status();
    let (parts, body) = response.into_parts();
    let heads: Vec<_> = redirects.iter().chain([&parts]).map(raw::head).collect();
    let Files { body: body_file, mut heads_file, heads_to_out, resume } = files;
    if let Some(file) = &mut heads_file {
        file.write_all(&heads.concat()).or_exit(Exit::Local)?;
    }
    let OutputArgs { include, fail, compressed, silent, quiet, json, verbose, .. } = args.output;
    let is_failure = status.is_client_error() || status.is_server_error();
    let is_told = !(silent || quiet || json || verbose) && std::io::stderr().is_terminal();
    let is_shown = body_file.is_none() && std::io::stdout().is_terminal();
    let delivery = Delivery {
        heads: if include || args.request.head || heads_to_out { heads } else { Vec::new() },
        omits_body: args.request.head || (fail && is_failure),
        decompresses: compressed,
        shows_progress: is_told && !is_shown,
        timeout: args.connection.timeout,
    };
    let response = Response::from_parts(parts, body);
    let Some(mut output) = body_file else {
        return delivery.write(response, out).await.map_err(undelivered);
    };
    if delivery.omits_body && delivery.heads.is_empty() {
        return Ok(HeaderMap::new());
    }
    save(delivery, response, &mut output, resume.as_ref()).await
}

async fn save<B>(
    delivery: Delivery,
    response: Response<B>,
    output: &mut OutputFile,
    resume: Option<&Resume>,
) -> Result<HeaderMap, Failure>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn core::error::Error + Send + Sync>>,
{
    let (status, headers) = (response.status(), response.headers().clone());
    let mut file = match resume.map(|resume| resume.part(status, &headers)).transpose()? {
        None | Some(Part::Whole) => output.emptied().or_exit(Exit::Local)?,
        Some(Part::Rest) => output.continued().or_exit(Exit::Local)?,
        Some(Part::None) => return Ok(HeaderMap::new()),
    };
    if let Some(resume) = resume {
        resume.began(status, &headers)?;
    }
    let written = delivery.write(response, &mut file).await;
    if let Some(resume) = resume {
        match &written {
            Ok(_) => resume.done()?,
            Err(_) => drop(resume.broke_off(status, &headers)), // the failure itself is told
        }
    }
    written.map_err(|fault| match fault {
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

/// How long a command that is about to end waits for the owner to hear of what happened.
const TO_TELL: core::time::Duration = core::time::Duration::from_secs(5);

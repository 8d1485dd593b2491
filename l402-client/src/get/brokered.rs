//! `l402 get` through a broker: it connects and pays, and this command gets the response.
//!
//! What would change how the broker connects, or which token it uses, is refused instead of left out in silence.

use super::delivery::Delivery;
use super::draft::{self, Asked};
use super::jar;
use super::output::Files;
use super::report::{Payment, ReportEvent, Reporter, Served};
use super::{deliver, exit_of};
use crate::cli::{BrokerArgs, GetArgs};
use crate::exit::{Exit, Failure, OrExit};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use l402_agent::CredentialUsed;
use l402_agent::amount::Amount;
use l402_agent::broker::BrokerClient;
use l402_agent::errand::{Ask, Credential, ErrandError, Errands, FetchHead, PaidSeen, Preview, Reason};
use l402_agent::http::draft::Draft;
use l402_agent::http::proxy::Proxies;
use l402_agent::text::printable;
use l402_core::Msat;
use std::io::Write;
use tokio::io::AsyncWrite;

/// Opens the broker that the options name.
///
/// # Errors
/// [`Failure`], with [`Exit::Usage`].
pub(crate) fn open(args: &BrokerArgs, address: &str) -> Result<BrokerClient, Failure> {
    let file = args.agent_key_file.as_deref().ok_or_else(|| {
        Failure::say(Exit::Usage, "L402_AGENT names a broker; name the file of the key with L402_AGENT_KEY_FILE")
    })?;
    BrokerClient::open(address, file).or_exit(Exit::Usage)
}

/// Runs the command.
pub(crate) async fn run(
    args: &GetArgs,
    broker: &BrokerClient,
    proxies: &Proxies,
    out: &mut (impl AsyncWrite + Unpin),
    reporter: &mut Reporter<impl Write>,
) -> Result<Exit, Failure> {
    if let Some(option) = refused(args, proxies) {
        let message = format!("{option} is not possible through a broker: it connects and pays by itself");
        return Err(Failure::say(Exit::Usage, message));
    }
    let Asked { draft, .. } = draft::from_args(args).or_exit(Exit::Usage)?;
    if args.pay.dry_run {
        let preview = broker.preview(ask(args, &draft)?).await.map_err(|fault| of(&fault))?;
        return show(args, &preview, out).await;
    }
    let files = Files::open(&args.output, &draft.uri)?;
    let fetched = broker.fetch(ask(args, &draft)?).await.map_err(|fault| of(&fault))?;
    for paid in &fetched.head.payments {
        reporter.tell(&ReportEvent::Paid(payment(paid)));
    }
    let FetchHead { url, status, uses_left, is_unpaid, .. } = fetched.head.clone();
    let credential = credential(fetched.head.credential);
    reporter.tell(&ReportEvent::Served(Served { url, status, credential, uses_left, again: false }));
    if is_unpaid {
        let message = "not paid: the server demands a payment in a way that is not met here".to_owned();
        reporter.tell(&ReportEvent::Error { exit: Exit::Http.code(), message });
    }
    let response = response(&fetched.head, fetched.body)?;
    let status = response.status();
    deliver(args, response, &[], files, out).await?;
    Ok(exit_of(status))
}

/// Names an option that says how to connect, or which token to use.
fn refused(args: &GetArgs, proxies: &Proxies) -> Option<&'static str> {
    let (connection, pay) = (&args.connection, &args.pay);
    [
        (connection.insecure, "--insecure"),
        (!connection.resolve.is_empty(), "--resolve"),
        (connection.proxy.is_some(), "--proxy"),
        (connection.cacert.is_some(), "--cacert"),
        (connection.connect_timeout.is_some(), "--connect-timeout"),
        (connection.retry > 0, "--retry"),
        (proxies.are_any(), "a proxy from the environment"),
        (pay.token.is_some(), "--token"),
        (pay.token_field.is_some(), "--token-field"),
        (pay.no_token_cache, "--no-token-cache"),
        (pay.buy_again, "--buy-again"),
        (pay.budget.is_some(), "--budget"),
        (pay.explain, "--explain"),
        (jar::is_wanted(&args.request), "a file of cookies"),
        (args.output.continue_at.is_some(), "--continue-at"),
    ]
    .into_iter()
    .find_map(|(is_given, name)| is_given.then_some(name))
}

fn ask(args: &GetArgs, draft: &Draft) -> Result<Ask, Failure> {
    let text = |value: &HeaderValue| {
        let text = core::str::from_utf8(value.as_bytes()).map(str::to_owned);
        text.map_err(|_| Failure::say(Exit::Usage, "through a broker, headers must be UTF-8"))
    };
    // The length is that of the body, which the broker knows.
    let sent = draft.headers.iter().filter(|(name, _)| **name != http::header::CONTENT_LENGTH);
    let headers = sent.map(|(name, value)| Ok((name.to_string(), text(value)?))).collect::<Result<_, Failure>>()?;
    Ok(Ask {
        method: draft.method.to_string(),
        headers,
        body: draft.body.clone(),
        max_price_msat: args.pay.max_price.map(|amount| amount.msat().get()),
        max_fee_msat: args.pay.max_fee.map(|amount| amount.msat().get()),
        follow_redirects: args.connection.location,
        timeout_ms: args.connection.max_time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        ..Ask::get(draft.uri.to_string())
    })
}

fn payment(paid: &PaidSeen) -> Payment {
    Payment {
        origin: paid.origin.clone(),
        payment_hash: paid.payment_hash.clone(),
        amount_msat: Msat::new(paid.amount_msat),
        fee_msat: Msat::new(paid.fee_msat),
    }
}

const fn credential(credential: Credential) -> CredentialUsed {
    match credential {
        Credential::None => CredentialUsed::None,
        Credential::Bought => CredentialUsed::Bought,
        _ => CredentialUsed::Kept,
    }
}

fn response<B>(head: &FetchHead, body: B) -> Result<Response<B>, Failure> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(head.status).or_exit(Exit::Network)?;
    let mut headers = HeaderMap::new();
    for (name, value) in &head.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).or_exit(Exit::Network)?;
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).or_exit(Exit::Network)?);
    }
    *response.headers_mut() = headers;
    Ok(response)
}

async fn show(args: &GetArgs, preview: &Preview, out: &mut (impl AsyncWrite + Unpin)) -> Result<Exit, Failure> {
    let text =
        if args.output.json { serde_json::to_string(preview).or_exit(Exit::Local)? + "\n" } else { lines(preview) };
    let facts = Response::new(Full::new(Bytes::from(text)));
    let delivery = Delivery { timeout: args.connection.timeout, ..Delivery::default() };
    delivery.write(facts, out).await.or_exit(Exit::Local)?;
    let is_priced = preview.price_msat.is_some();
    Ok(if is_priced { Exit::Served } else { exit_of(StatusCode::from_u16(preview.status).unwrap_or_default()) })
}

fn lines(preview: &Preview) -> String {
    let amount = |msat: u64| Amount::new(Msat::new(msat));
    let price = match preview.price_msat {
        Some(price) => format!("price         {}", amount(price)),
        None if preview.is_free => format!("free: status {}", preview.status),
        None => format!("price unknown: status {}", preview.status),
    };
    let sold = preview.sold.as_ref().map(|sold| format!("description   {}", printable(sold)));
    let left = preview.left_msat.map(|left| format!("budget left   {}", amount(left)));
    let verdict = match (&preview.refusal, preview.price_msat) {
        (Some(why), _) => Some(format!("would not be paid: {}", printable(why))),
        (None, Some(_)) => Some("would be paid".to_owned()),
        (None, None) => None,
    };
    l402_agent::text::lines([Some(price), sold, left, verdict].into_iter().flatten())
}

/// The broker did not do it.
fn of(fault: &ErrandError) -> Failure {
    let exit = match fault.reason {
        Reason::InvalidRequest
        | Reason::InvalidUrl
        | Reason::HeaderRefused
        | Reason::MethodRefused
        | Reason::Unauthorized => Exit::Usage,
        Reason::AddressRefused | Reason::Policy => Exit::Policy,
        Reason::OverLimit => Exit::Limit,
        Reason::BadChallenge => Exit::Challenge,
        Reason::PaymentFailed => Exit::Payment,
        Reason::PaymentUnknown | Reason::Busy => Exit::Unknown,
        Reason::NotAccepted | Reason::MayHaveServed | Reason::Redirect => Exit::Http,
        Reason::Network | Reason::Timeout | Reason::TooLarge | Reason::BodyBroke | Reason::TooMany => Exit::Network,
        _ => Exit::Local,
    };
    let paid = match fault.paid_msat {
        0 => String::new(),
        paid => format!("; this call has paid {}", Amount::new(Msat::new(paid))),
    };
    Failure::say(exit, format!("{fault}{paid}"))
}

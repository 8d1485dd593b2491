//! `--explain`: why a call is paid for or not, step by step.
//!
//! 1. What was decided before: limits, policy, breakers, budgets, kept tokens, payments without an outcome. Then each request and each
//!    response, and at last what opened the call. A refusal is told as it is without `--explain`.
//! 2. It changes nothing: it reads what those who decide read.
//! 3. No secret is told: of a token, the payment that bought it.

use super::report::{ReportEvent, Reporter};
use super::step::Step;
use crate::exit::{Exit, Failure, OrExit};
use crate::home::Home;
use http::{HeaderMap, Method, Uri, response};
use l402_agent::http::draft::Draft;
use l402_agent::http::trace::Traced;
use l402_agent::policy::{Asked, Setting, Verdict};
use l402_agent::store::breaker::Because;
use l402_agent::store::budget::{MAIN, ShownBudget};
use l402_agent::{Agent, delegate};
use l402_core::macaroon::MAX_LEN;
use l402_core::purchase::BudgetStanding;
use l402_core::purchase::breaker::Mode;
use l402_core::{CredentialHeaders, Msat, SpendLimits, TokenFacts};
use l402_http::pay::{Origin, Quote, Standing};
use l402_lightning::{PaymentSource, unix_now};
use std::io::{self, Write};

/// Tells what holds before anything is sent.
pub(super) fn before<W: PaymentSource + 'static>(
    agent: &Agent<W>,
    home: &Home,
    (limits, wallet, budget): (SpendLimits, String, Option<&str>),
    draft: &Draft,
    reporter: &mut Reporter<impl Write>,
) -> Result<(), Failure> {
    let SpendLimits { max_price_msat, max_fee_msat } = limits;
    let Ok(origin) = Origin::of(&draft.uri) else { return Ok(()) };
    let mut tell = |step| reporter.tell(&ReportEvent::Explain(step));
    tell(Step::Limits { max_price_msat: max_price_msat.get(), max_fee_msat: max_fee_msat.get(), wallet });
    let budgets = chain(agent, budget.unwrap_or(MAIN))?;
    let names: Vec<_> = budgets.iter().map(|budget| budget.name.clone()).collect();
    tell(policy(home, &origin, &draft.method, &names)?);
    for breaker in agent.breakers().all().or_exit(Exit::Local)? {
        let concerns = breaker.origin.as_ref().is_none_or(|of| *of == origin.to_string());
        if concerns && breaker.mode != Mode::Normal {
            let why = breaker.cause.map(|cause| Because(cause).to_string());
            tell(Step::Breaker { origin: breaker.origin, mode: breaker.mode.to_string(), why });
        }
    }
    budgets.iter().map(of_budget).for_each(&mut tell);
    tell(kept(agent, &origin)?);
    Ok(())
}

/// Tells of a request or a response.
pub(super) fn watch(traced: &Traced<'_>, json: bool) {
    let mut reporter = Reporter::new(io::stderr(), json, false);
    let mut tell = |step| reporter.tell(&ReportEvent::Explain(step));
    match traced {
        Traced::Sent { method, uri, headers } => tell(sent(method, uri, headers)),
        Traced::Received(parts) => {
            tell(Step::Answered { status: parts.status.as_u16() });
            asked(parts).into_iter().for_each(tell);
        }
        _ => {}
    }
}

/// Returns the budget of this name, and those above it.
fn chain<W: PaymentSource + 'static>(agent: &Agent<W>, name: &str) -> Result<Vec<ShownBudget>, Failure> {
    let (mut chain, mut next) = (Vec::new(), Some(name.to_owned()));
    while let Some(name) = next.filter(|_| chain.len() < DEEPEST) {
        let budget = agent.budgets().show(&name).or_exit(Exit::Usage)?;
        let above = budget.parent.clone();
        chain.push(budget);
        next = above;
    }
    Ok(chain)
}

fn policy(home: &Home, origin: &Origin, method: &Method, budgets: &[String]) -> Result<Step, Failure> {
    let policy = home.policy(Setting::Command).current().or_exit(Exit::Policy)?;
    let asked = Asked { origin, method, budgets, service: None, price_msat: None, now: unix_now() };
    let (verdict, why) = match policy.judge(&asked) {
        _ if policy.is_absent() => ("absent", None),
        Verdict::Allow => ("allow", None),
        Verdict::Ask => ("ask", None),
        Verdict::Deny(denied) => ("deny", Some(denied.to_string())),
        _ => ("other", None),
    };
    Ok(Step::Policy { origin: origin.to_string(), verdict, why })
}

fn of_budget(budget: &ShownBudget) -> Step {
    let has_ended = budget.expires_in.is_some_and(|time| time.is_zero());
    let left = |limit: Option<Msat>, counted| limit.map(|limit| limit.saturating_sub(counted).get());
    Step::Budget {
        name: budget.name.clone(),
        standing: match budget.standing {
            BudgetStanding::Frozen => "frozen",
            BudgetStanding::Removed => "removed",
            BudgetStanding::Active if has_ended => "expired",
            BudgetStanding::Active => "active",
        },
        left_msat: budget.left_msat().map(Msat::get),
        hour_left_msat: left(budget.limits.per_hour_msat, budget.hour_msat),
        day_left_msat: left(budget.limits.per_day_msat, budget.day_msat),
    }
}

fn kept<W: PaymentSource + 'static>(agent: &Agent<W>, origin: &Origin) -> Result<Step, Failure> {
    let (tokens, now) = (agent.tokens().of(origin).or_exit(Exit::Local)?, unix_now());
    let usable = tokens.iter().filter(|token| {
        let has_ended = TokenFacts::read(token.token.as_bytes(), &mut vec![0; MAX_LEN]).has_expired(now);
        !has_ended && delegate::uses_left(token) != Some(0) && token.standing != Standing::Refused
    });
    let open = agent.payments().or_exit(Exit::Local)?.intents().or_exit(Exit::Local)?;
    Ok(Step::Kept {
        origin: origin.to_string(),
        tokens: tokens.len(),
        usable: usable.count(),
        open_payments: open.iter().filter(|intent| intent.origin == *origin).count(),
    })
}

fn sent(method: &Method, uri: &Uri, headers: &HeaderMap) -> Step {
    let mut credential = CredentialHeaders::new();
    headers.iter().for_each(|(name, value)| credential.add(name.as_str(), value.as_bytes()));
    let mut buffer = vec![0; MAX_LEN];
    let with_token = !credential.is_empty();
    let decoded = credential.decode(&mut buffer).ok().flatten();
    let hash = decoded.map(|credential| credential.unverified_payment_hash().to_string());
    let payment_hash = hash.filter(|_| with_token);
    Step::Sent { method: method.to_string(), url: uri.to_string(), with_token, payment_hash }
}

fn asked(parts: &response::Parts) -> Option<Step> {
    match Quote::of(parts.status, &parts.headers) {
        Ok(None) => None,
        Ok(Some(quote)) => {
            let invoice = quote.invoice();
            Some(Step::Asked {
                amount_msat: invoice.amount_msat().map(Msat::get),
                payment_hash: invoice.payment_hash().to_string(),
                network: invoice.network().to_string(),
                payee: invoice.payee().to_string(),
            })
        }
        Err(why) => Some(Step::Unusable { why: why.to_string() }),
    }
}

/// More than budgets go deep.
const DEEPEST: usize = 16;

//! `l402 policy breaker`, `pending`, `approve` and `deny`.

use crate::cli::{BreakerCommand, PendingArgs, ScopeArgs};
use crate::exit::{Exit, Failure, OrExit};
use core::time::Duration;
use l402_agent::amount::Amount;
use l402_agent::store::breaker::{Answer, AnswerError, Because, Breakers, Question, ShownBreaker};
use l402_agent::text::{lines, printable};
use l402_core::purchase::breaker::Mode;
use l402_http::pay::Origin;
use l402_lightning::unix_now;
use serde_json::{Value, json};

/// Runs `l402 policy breaker`, and returns what it prints and how it ends.
pub(super) fn run(command: &BreakerCommand, breakers: &Breakers) -> Result<(String, Exit), Failure> {
    let text = match command {
        BreakerCommand::Show { json } => {
            let all = breakers.all().or_exit(Exit::Local)?;
            if *json { one_line(&all.iter().map(shown_json).collect()) } else { lines(all.iter().map(shown)) }
        }
        BreakerCommand::Reset(scope) => {
            breakers.reset(scope.origin.as_ref()).or_exit(Exit::Local)?;
            said(scope, Mode::Normal)
        }
        BreakerCommand::Freeze(scope) => set(breakers, scope, Mode::Frozen)?,
        BreakerCommand::Set { mode, scope } => set(breakers, scope, *mode)?,
    };
    Ok((text, Exit::Served))
}

/// Runs `l402 policy pending`.
pub(super) fn pending(args: &PendingArgs, breakers: &Breakers) -> Result<(String, Exit), Failure> {
    let open = breakers.questions().or_exit(Exit::Local)?;
    let text =
        if args.json { one_line(&open.iter().map(Question::json).collect()) } else { lines(open.iter().map(question)) };
    Ok((text, Exit::Served))
}

/// Runs `l402 policy approve` and `deny`.
pub(super) fn answer(id: &str, answer: Answer, breakers: &Breakers) -> Result<(String, Exit), Failure> {
    breakers.answer(id, answer, "owner").map_err(|fault| match fault {
        AnswerError::Database(cause) => Failure::new(Exit::Local, cause),
        fault => Failure::new(Exit::Usage, fault),
    })?;
    let text = match answer {
        Answer::Yes => "approved: it is paid if the limits still allow it",
        Answer::No => "denied: it is not paid",
    };
    Ok((lines([text.to_owned()]), Exit::Served))
}

fn set(breakers: &Breakers, scope: &ScopeArgs, mode: Mode) -> Result<String, Failure> {
    breakers.set(scope.origin.as_ref(), mode).or_exit(Exit::Local)?;
    Ok(said(scope, mode))
}

fn said(scope: &ScopeArgs, mode: Mode) -> String {
    let name = scope.origin.as_ref().map(Origin::to_string);
    lines([format!("{}: {mode}", printable(name.as_deref().unwrap_or(ALL)))])
}

/// A breaker in one line: its origin, what it lets through, why, and when that ends.
fn shown(shown: &ShownBreaker) -> String {
    let name = printable(shown.origin.as_deref().unwrap_or(ALL));
    let why = match (shown.cause, shown.failures) {
        (Some(cause), _) => Because(cause).to_string(),
        (None, failures) => format!("{failures} failures since the last success"),
    };
    let end = match shown.ends_in {
        Some(time) => format!("ends in {}", minutes(time)),
        None if shown.mode == Mode::Normal => String::new(),
        None => "until it is reset".to_owned(),
    };
    format!("{name}\t{}\t{why}\t{end}", shown.mode)
}

fn shown_json(shown: &ShownBreaker) -> Value {
    json!({
        "origin": shown.origin,
        "mode": shown.mode.name(),
        "why": shown.cause.map(|cause| Because(cause).to_string()),
        "failures": shown.failures,
        "ends_in_s": shown.ends_in.map(|time| time.as_secs()),
    })
}

/// A payment that waits, in one line.
fn question(question: &Question) -> String {
    let Question { id, budget, origin, method, path, amount_msat, why, ends_at, .. } = question;
    let left = Duration::from_secs(ends_at.get().saturating_sub(unix_now().get()));
    let request = printable(&format!("{method} {origin}{path}"));
    let (amount, left) = (Amount::new(*amount_msat), minutes(left));
    format!("{id}\t{amount}\t{}\t{request}\t{why}\tends in {left}", printable(budget))
}

fn minutes(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds => format!("{}m", seconds.div_ceil(60)),
    }
}

fn one_line(value: &Value) -> String {
    lines([value.to_string()])
}

const ALL: &str = "all origins";

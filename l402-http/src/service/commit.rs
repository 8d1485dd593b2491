//! `commit`: from what became of a request to what its response says of the use.

use super::event;
use super::uses::Attempt;
use crate::response::X_L402_BALANCE_MSAT;
use core::time::Duration;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use l402_core::Unit;
use l402_core::ledger::{Attempted, Command, Event, Input, Passed};
use tokio::time::{Instant, sleep, timeout_at};

/// Tells the ledger what became of the use, and says what comes next: [`Command::PassOn`], [`Command::Lost`], or
/// [`Command::Unavailable`].
///
/// A commit is asked for again until there is a reply or the time is up. Everything else is asked for once: what is left to say is
/// said in the background, when the attempt is dropped.
pub(super) async fn commit(attempt: &mut Attempt, attempted: Attempted) -> Command {
    let (ends, mut pause) = (Instant::now() + attempt.patience(), FIRST_PAUSE);
    let mut command = attempt.next(Input::Attempted(attempted));
    while let Command::Ask(event) = command {
        let input = match timeout_at(ends, attempt.ask(event)).await {
            Ok(Ok(reply)) => Input::Reply(reply),
            Ok(Err(_)) if matches!(event, Event::Commit { .. }) && Instant::now() + pause < ends => {
                sleep(pause).await;
                pause = pause.saturating_mul(2);
                Input::NoReply
            }
            Ok(Err(_)) | Err(_) => Input::Deadline,
        };
        command = attempt.next(input);
    }
    command
}

/// What subscribers are told.
pub(super) const fn told(command: Command) -> event::Committed {
    match command {
        Command::PassOn(Passed::Committed { remaining, is_spent }) => event::Committed::Used { remaining, is_spent },
        Command::PassOn(Passed::Released { cost_a_use, remaining }) => {
            event::Committed::Unused { cost_a_use, remaining }
        }
        Command::PassOn(Passed::InDoubt) => event::Committed::InDoubt,
        Command::PassOn(Passed::Unconfirmed) => event::Committed::Unconfirmed,
        Command::Lost => event::Committed::Lost,
        _ => event::Committed::Unavailable,
    }
}

/// Writes into a response what became of the use. Nobody else may say that.
pub(super) fn tell(fields: &mut HeaderMap, passed: Passed, unit: Unit) {
    for name in [&X_L402, &X_L402_REMAINING, &X_L402_BALANCE_MSAT] {
        fields.remove(name);
    }
    let (word, remaining) = match passed {
        Passed::Committed { remaining, is_spent } => (is_spent.then_some("spent"), Some(remaining)),
        Passed::Released { cost_a_use, remaining } => (cost_a_use.then_some("third-try"), Some(remaining)),
        Passed::InDoubt => (Some("in-doubt"), None),
        Passed::Unconfirmed => (None, None),
    };
    if let Some(word) = word {
        fields.insert(&X_L402, HeaderValue::from_static(word));
    }
    if let Some(remaining) = remaining {
        let name = match unit {
            Unit::Uses => &X_L402_REMAINING,
            Unit::Msat => &X_L402_BALANCE_MSAT,
        };
        fields.insert(name, remaining.into());
    }
}

/// Writes into a response that it was kept. It says nothing of uses, because none was looked at.
pub(super) fn kept(fields: &mut HeaderMap) {
    fields.remove(&X_L402_REMAINING);
    fields.insert(&X_L402, HeaderValue::from_static("kept"));
}

static X_L402: HeaderName = HeaderName::from_static("x-l402");
static X_L402_REMAINING: HeaderName = HeaderName::from_static("x-l402-remaining");

const FIRST_PAUSE: Duration = Duration::from_millis(50);

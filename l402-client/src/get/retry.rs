//! Repetitions after a failure of the network or of the server (`--retry`).
//!
//! 1. A repetition buys nothing: an earlier attempt may have been performed.
//! 2. Only what is safe and has no body is repeated, and what carries an `Idempotency-Key` of the user: one that this command chose says
//!    nothing to a server that does not know it.

// Threats: A4, A9.

use super::report::{ReportEvent, Reporter};
use crate::cli::ConnectionArgs;
use core::time::Duration;
use http::StatusCode;
use http::header::RETRY_AFTER;
use l402_agent::http::draft::Draft;
use l402_agent::{Agent, FetchError, FetchFault, Fetched};
use l402_http::pay::RequestError;
use l402_lightning::PaymentSource;
use std::io::Write;
use tokio::time::sleep;

/// How often, and for what.
#[derive(Debug)]
pub(super) struct Retries {
    left: u32,
    delay: Option<Duration>,
    next: Duration,
}

impl Retries {
    /// Reads the options; `draft` is the request before it was given a key.
    pub(super) fn new(args: &ConnectionArgs, draft: &Draft) -> Self {
        let may_repeat = draft.key().is_some() || (draft.method.is_safe() && draft.body.is_empty());
        Self { left: if may_repeat { args.retry } else { 0 }, delay: args.retry_delay, next: Duration::from_secs(1) }
    }

    /// Sends a request, and repeats it.
    pub(super) async fn fetch<W: PaymentSource + 'static>(
        mut self,
        agent: &Agent<W>,
        mut draft: Draft,
        reporter: &mut Reporter<impl Write>,
    ) -> Result<Fetched, FetchError> {
        loop {
            let told = agent.fetch_and_tell(draft.clone(), |news| reporter.tell(&ReportEvent::from(news.clone())));
            let result = told.await;
            let Some(pause) = self.pause(&result) else { return result };
            let milliseconds = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
            let why = why(&result);
            reporter.tell(&ReportEvent::Repeating { url: draft.uri.to_string(), why, milliseconds });
            drop(result);
            sleep(pause).await;
            draft.is_repeated = true;
        }
    }

    /// Returns how long to wait before the next attempt, if there is one.
    fn pause(&mut self, result: &Result<Fetched, FetchError>) -> Option<Duration> {
        let told = match result {
            Ok(fetched) if is_transient(fetched.response.status()) => {
                let told = fetched.response.headers().get(RETRY_AFTER);
                told.and_then(|told| told.to_str().ok()?.parse().ok()).map(Duration::from_secs)
            }
            Err(FetchError { fault: FetchFault::Pay { cause, .. }, .. })
                if matches!(**cause, RequestError::Transport(_)) =>
            {
                None
            }
            _ => return None,
        };
        self.left = self.left.checked_sub(1)?;
        let next = self.next;
        self.next = next.saturating_mul(2).min(LONGEST);
        Some(told.or(self.delay).unwrap_or(next))
    }
}

fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

fn why(result: &Result<Fetched, FetchError>) -> String {
    match result {
        Ok(fetched) => format!("status {}", fetched.response.status()),
        Err(FetchError { fault: FetchFault::Pay { cause, .. }, .. }) => cause.to_string(),
        Err(fault) => fault.to_string(),
    }
}

const LONGEST: Duration = Duration::from_mins(10);

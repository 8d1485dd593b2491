//! Says that a payment waits for a confirmation, and asks the person at the terminal where the policy lets that count.

use crate::cli::OutputArgs;
use core::future::ready;
use l402_agent::amount::Amount;
use l402_agent::confirm::{Asking, Confirmer};
use l402_agent::store::breaker::{Answer, Question};
use l402_agent::text::printable;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Write};
use tokio::sync::oneshot;

/// Whoever runs the command. That is not known to be the owner: a yes counts only with `agent_may_confirm`.
#[derive(Debug)]
pub(super) struct Caller {
    is_json: bool,
    is_hushed: bool,
    may_answer: bool,
}

impl Caller {
    pub(super) fn new(args: &OutputArgs, agent_may_confirm: bool) -> Self {
        let is_hushed = args.quiet || args.silent;
        let may_answer = agent_may_confirm && !args.json && io::stderr().is_terminal();
        Self { is_json: args.json, is_hushed, may_answer }
    }

    fn line(&self, question: &Question) -> String {
        if self.is_json {
            let mut event = question.json();
            event["event"] = "confirmation_needed".into();
            return event.to_string();
        }
        let Question { id, origin, amount_msat, why, asked_at, ends_at, .. } = question;
        let (amount, origin) = (Amount::new(*amount_msat), printable(origin));
        let seconds = ends_at.get().saturating_sub(asked_at.get());
        format!(
            "{origin}: a payment of {amount} needs its owner's confirmation, {why}; `l402 policy approve {id}` gives it within \
             {seconds} s"
        )
    }
}

impl Confirmer for Caller {
    fn ask<'a>(&'a self, question: &'a Question) -> Asking<'a> {
        if !self.is_hushed {
            let _ = writeln!(io::stderr(), "{}", self.line(question)); // a reader that is gone hears nothing
        }
        if !self.may_answer {
            return Box::pin(ready(None));
        }
        let _ = write!(io::stderr(), "Pay? [y/N] ");
        Box::pin(async {
            let (tell, told) = oneshot::channel();
            // A thread of its own: the command does not wait for one that still reads when it is too late. Standard input may be what is
            // sent, so that the terminal itself is read.
            std::thread::spawn(move || {
                let mut line = String::new();
                let terminal = File::open("/dev/tty").map(|terminal| BufReader::new(terminal.take(MAX_ANSWER)));
                let _ = terminal.and_then(|mut terminal| terminal.read_line(&mut line)).map(|_| tell.send(line));
            });
            let line = told.await.ok()?;
            Some(if matches!(line.trim(), "y" | "Y" | "yes") { Answer::Yes } else { Answer::No })
        })
    }
}

/// No answer is longer.
const MAX_ANSWER: u64 = 64;

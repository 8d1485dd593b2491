//! What was sold by the meter, asked for, sent by the upstream and received.

use super::Ware;
use crate::book::{Effect, Plan};
use crate::wire::{Answer, Asking, Got};
use l402_core::{CredentialLine, PaymentHash, Preimage, Scheme};
use std::sync::Mutex;

/// One request of a client.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Request {
    pub(crate) plan: Plan,
    /// How many bytes the upstream sends, or how many tokens it says.
    pub(crate) units: u64,
    pub(crate) is_safe: bool,
    /// Whether the client was to go at some time.
    pub(crate) goes: bool,
    pub(crate) is_seen: bool,
    /// Whether the upstream has begun to answer.
    pub(crate) is_answered: bool,
    /// Whether the client has waited for the end.
    pub(crate) is_over: bool,
    pub(crate) got: Got,
}

impl Request {
    pub(crate) const fn new(plan: Plan, units: u64, is_safe: bool, goes: bool) -> Self {
        let (is_seen, is_answered, is_over) = (false, false, false);
        Self { plan, units, is_safe, goes, is_seen, is_answered, is_over, got: Got::Nothing }
    }

    pub(crate) const fn answer(&self) -> Option<&Answer> {
        match &self.got {
            Got::Answer(answer) => Some(answer),
            _ => None,
        }
    }

    pub(crate) fn is_served(&self) -> bool {
        self.plan.effect() == Effect::Commits && self.answer().is_some_and(Answer::is_served)
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.is_served() && self.answer().is_some_and(Answer::is_whole)
    }
}

/// A token with a balance, and all that was asked with it.
#[derive(Debug, Clone)]
pub(crate) struct Purse {
    pub(crate) ware: Ware,
    pub(crate) hash: PaymentHash,
    credential: String,
    pub(crate) requests: Vec<Request>,
    /// Whether somebody was told that there is nothing left.
    is_spent: bool,
}

impl Purse {
    pub(crate) fn new(ware: Ware, token: &str, preimage: &Preimage) -> Self {
        let credential = CredentialLine { scheme: Scheme::L402, token, preimage }.to_string();
        Self { ware, hash: preimage.hash(), credential, requests: Vec::new(), is_spent: false }
    }

    /// A request with this token.
    pub(crate) fn asking(&self) -> Asking {
        Asking::get(self.ware.path()).field("authorization", &self.credential)
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Book(Mutex<Vec<Purse>>);

impl Book {
    pub(crate) fn sold(&self, purse: Purse) -> usize {
        self.with(|purses| {
            purses.push(purse);
            purses.len() - 1
        })
    }

    pub(crate) fn purse(&self, purse: usize) -> Purse {
        self.with(|purses| purses[purse].clone())
    }

    pub(crate) fn purses(&self) -> Vec<Purse> {
        self.with(|purses| purses.clone())
    }

    /// Those of which something may be left.
    pub(crate) fn open(&self) -> Vec<usize> {
        self.with(|purses| (0..purses.len()).filter(|purse| !purses[*purse].is_spent).collect())
    }

    pub(crate) fn close(&self, purse: usize) {
        self.with(|purses| purses[purse].is_spent = true);
    }

    /// Notes a request, and gives it a name for the upstream.
    pub(crate) fn begin(&self, purse: usize, request: Request) -> String {
        self.with(|purses| {
            purses[purse].requests.push(request);
            format!("{MARK}{purse}.{}", purses[purse].requests.len() - 1)
        })
    }

    pub(crate) fn got(&self, name: &str, got: Got) {
        self.change(name, |_, request| (request.is_over, request.got) = (true, got));
    }

    /// The upstream sees a request; it learns what to do.
    pub(crate) fn seen(&self, name: &str) -> (Ware, Plan, u64) {
        self.change(name, |ware, request| {
            request.is_seen = true;
            (ware, request.plan, request.units)
        })
    }

    /// The upstream answers.
    pub(crate) fn answers(&self, name: &str) {
        self.change(name, |_, request| request.is_answered = true);
    }

    fn change<T>(&self, name: &str, change: impl FnOnce(Ware, &mut Request) -> T) -> T {
        let numbers = name.strip_prefix(MARK).and_then(|numbers| numbers.split_once('.')).expect("a name of `begin`");
        let (purse, request): (usize, usize) = (numbers.0.parse().expect("a purse"), numbers.1.parse().expect("one"));
        self.with(|purses| change(purses[purse].ware, &mut purses[purse].requests[request]))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Vec<Purse>) -> T) -> T {
        work(&mut self.0.lock().expect("no holder panics"))
    }
}

/// With which the names of these requests begin.
pub(super) const MARK: &str = "metered ";

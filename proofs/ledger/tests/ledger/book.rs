//! What was sold, asked for, seen by the upstream and received: the books that the ledger is held against.

use crate::wire::{Answer, Asking, Got};
use core::time::Duration;
use l402_core::{CredentialLine, PaymentHash, Preimage, Scheme};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Instant;

/// What is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ware {
    pub(crate) path: &'static str,
    pub(crate) capability: &'static str,
    pub(crate) uses: u32,
    /// Whether the upstream does a request once however often it comes.
    pub(crate) is_idempotent: bool,
    /// After how long a doubt is resolved as unused; [`None`] where a person decides.
    pub(crate) refunds_after: Option<Duration>,
}

pub(crate) const ONCE: Ware = Ware::new("/once", "once", 1);
pub(crate) const BUNDLE: Ware = Ware::new("/bundle", "bundle", 5);
pub(crate) const AGAIN: Ware = Ware { is_idempotent: true, ..Ware::new("/again", "again", 3) };
pub(crate) const REFUND: Ware =
    Ware { refunds_after: Some(Duration::from_secs(1)), ..Ware::new("/refund", "refund", 3) };
pub(crate) const WARES: [Ware; 4] = [ONCE, BUNDLE, AGAIN, REFUND];

impl Ware {
    pub(crate) const fn new(path: &'static str, capability: &'static str, uses: u32) -> Self {
        Self { path, capability, uses, is_idempotent: false, refunds_after: None }
    }

    /// Whether the upstream may be given more requests with an effect than were sold.
    pub(crate) const fn repeats_effects(&self) -> bool {
        self.is_idempotent || self.refunds_after.is_some()
    }
}

/// What the upstream does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// 200 with a body.
    Serve,
    /// The same after a while.
    ServeLate,
    /// The same once the test lets it.
    Held,
    /// 200, and the body breaks off.
    Cut,
    /// An error.
    Status(u16),
    /// A redirect to the gateway's own origin.
    Here,
    /// It closes without an answer.
    Reset,
}

/// What an answer that comes does to the use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It is committed.
    Commits,
    /// It is given back.
    Frees,
    /// It is given back, and each third one costs a use.
    Counts,
    /// Nobody knows what the upstream did.
    Unclear,
}

impl Plan {
    pub(crate) const fn effect(self) -> Effect {
        match self {
            Self::Serve | Self::ServeLate | Self::Held | Self::Cut => Effect::Commits,
            Self::Status(429 | 503) => Effect::Frees,
            Self::Status(400..500) | Self::Here => Effect::Counts,
            Self::Status(_) | Self::Reset => Effect::Unclear,
        }
    }
}

/// One request of a client.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) plan: Plan,
    pub(crate) is_safe: bool,
    /// Whether the client was to go before the head.
    pub(crate) goes: bool,
    /// How often the upstream has seen it.
    pub(crate) seen: u32,
    /// Whether the upstream has begun to answer.
    pub(crate) is_answered: bool,
    pub(crate) got: Got,
    /// When a gateway opened the store after the one that had this request.
    pub(crate) reopened: Arc<OnceLock<Instant>>,
}

impl Attempt {
    pub(crate) const fn answer(&self) -> Option<&Answer> {
        match &self.got {
            Got::Answer(answer) => Some(answer),
            _ => None,
        }
    }
}

/// A token, and all that was asked with it.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) ware: Ware,
    pub(crate) hash: PaymentHash,
    pub(crate) credential: String,
    pub(crate) attempts: Vec<Attempt>,
}

impl Token {
    pub(crate) fn new(ware: Ware, token: &str, preimage: &Preimage) -> Self {
        let credential = CredentialLine { scheme: Scheme::L402, token, preimage }.to_string();
        Self { ware, hash: preimage.hash(), credential, attempts: Vec::new() }
    }

    /// A request with this token.
    pub(crate) fn asking(&self) -> Asking {
        Asking::get(self.ware.path).field("authorization", &self.credential)
    }
}

/// All tokens.
#[derive(Debug, Default)]
pub(crate) struct Book {
    tokens: Mutex<Vec<Token>>,
    /// Set when the next gateway has opened the store.
    reopened: Mutex<Arc<OnceLock<Instant>>>,
}

impl Book {
    pub(crate) fn sold(&self, token: Token) -> usize {
        self.with(|tokens| {
            tokens.push(token);
            tokens.len() - 1
        })
    }

    pub(crate) fn token(&self, token: usize) -> Token {
        self.with(|tokens| tokens[token].clone())
    }

    pub(crate) fn tokens(&self) -> Vec<Token> {
        self.with(|tokens| tokens.clone())
    }

    /// Notes a request, and gives it a name for the upstream.
    pub(crate) fn begin(&self, token: usize, plan: Plan, is_safe: bool, goes: Option<Duration>) -> String {
        let (goes, got, reopened) = (goes.is_some(), Got::Nothing, Arc::clone(&self.reopened()));
        let attempt = Attempt { plan, is_safe, goes, seen: 0, is_answered: false, got, reopened };
        self.with(|tokens| {
            tokens[token].attempts.push(attempt);
            format!("{token}.{}", tokens[token].attempts.len() - 1)
        })
    }

    pub(crate) fn got(&self, name: &str, got: Got) {
        self.change(name, |attempt| attempt.got = got);
    }

    /// The upstream sees a request; it learns what to do.
    pub(crate) fn seen(&self, name: &str) -> Plan {
        self.change(name, |attempt| {
            attempt.seen += 1;
            attempt.plan
        })
    }

    /// The upstream answers.
    pub(crate) fn answers(&self, name: &str) {
        self.change(name, |attempt| attempt.is_answered = true);
    }

    /// A gateway has opened the store alone: no gateway has a request any more that began before.
    pub(crate) fn reopens(&self) {
        let before = core::mem::take(&mut *self.reopened());
        before.set(Instant::now()).expect("it is set once");
    }

    fn reopened(&self) -> MutexGuard<'_, Arc<OnceLock<Instant>>> {
        self.reopened.lock().expect("no holder panics")
    }

    fn change<T>(&self, name: &str, change: impl FnOnce(&mut Attempt) -> T) -> T {
        let (token, attempt) = name.split_once('.').expect("a name of `begin`");
        let (token, attempt): (usize, usize) = (token.parse().expect("a token"), attempt.parse().expect("an attempt"));
        self.with(|tokens| change(&mut tokens[token].attempts[attempt]))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Vec<Token>) -> T) -> T {
        work(&mut self.tokens.lock().expect("no holder panics"))
    }
}

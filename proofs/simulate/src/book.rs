//! What everybody saw: the upstream, the clients, and those who watch the store. The audit reads it.

use crate::answer::Class;
use crate::meter::Had;
use crate::plan::What;
use http::HeaderMap;
use l402_core::ledger::AttemptId;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// What was seen in a run.
#[derive(Debug, Default)]
pub(crate) struct Book(Mutex<Pages>);

/// The pages of a [`Book`].
#[derive(Debug, Default)]
pub(crate) struct Pages {
    /// Each time that a caller asked.
    pub(crate) calls: BTreeMap<u64, Call>,
    /// For whom each attempt was made.
    pub(crate) attempts: BTreeMap<AttemptId, u64>,
    /// What should not be.
    pub(crate) breaches: Vec<String>,
    /// What happened how often.
    pub(crate) seen: BTreeMap<&'static str, u64>,
    /// What happened, in its order, as a number.
    pub(crate) digest: u64,
}

/// One time that a caller asked.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Call {
    pub(crate) what: What,
    pub(crate) is_delegate: bool,
    /// What the upstream would answer.
    pub(crate) class: Class,
    pub(crate) is_forwarded: bool,
    pub(crate) is_answered: bool,
    /// The client did not wait for the response.
    pub(crate) is_gone: bool,
    /// The gateway crashed meanwhile.
    pub(crate) is_orphaned: bool,
    /// Whether the store refused its attempt, and the gateway heard of it. A second copy of the same message may be granted all the same.
    pub(crate) is_refused: bool,
    pub(crate) told: Option<Told>,
    /// What the client has of a response that is metered, and how many tokens all of it says.
    pub(crate) had: Had,
    pub(crate) tokens: Option<u64>,
    pub(crate) answered_at: Option<Instant>,
}

/// What a client was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// What the upstream answered.
    Upstream,
    /// Something by the gateway itself, with this status.
    Gateway(u16),
}

impl Call {
    pub(crate) fn new(what: What, is_delegate: bool, class: Class) -> Self {
        let (is_forwarded, is_answered, is_gone, is_orphaned, is_refused) = (false, false, false, false, false);
        let (told, had, tokens, answered_at) = (None, Had::default(), None, None);
        Self {
            what,
            is_delegate,
            class,
            is_forwarded,
            is_answered,
            is_gone,
            is_orphaned,
            is_refused,
            told,
            had,
            tokens,
            answered_at,
        }
    }

    /// The client has what it paid for.
    pub(crate) fn is_delivered(&self) -> bool {
        self.what != What::Look && self.class == Class::Served && self.told == Some(Told::Upstream)
    }
}

impl Book {
    pub(crate) fn open(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request that comes, and numbers it.
    pub(crate) fn begin(&self, call: Call) -> u64 {
        let mut pages = self.open();
        let number = pages.calls.len() as u64;
        pages.calls.insert(number, call);
        pages.note("requests", number);
        number
    }

    pub(crate) fn change(&self, call: u64, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.open().calls.get_mut(&call) {
            change(call);
        }
    }

    pub(crate) fn breach(&self, breach: String) {
        self.open().breaches.push(breach);
    }

    /// The upstream has a request.
    pub(crate) fn forwarded(&self, call: u64, fields: &HeaderMap) {
        let mut pages = self.open();
        pages.note("requests that the upstream saw", call);
        let Some(known) = pages.calls.get_mut(&call) else { return };
        known.is_forwarded = true;
        let key = fields.get("idempotency-key").map(|key| key.as_bytes().len());
        let is_right = matches!((known.what, key), (What::Read | What::Look, _) | (_, Some(64)));
        if !is_right {
            pages
                .breaches
                .push(format!("call {call}: what may have an effect goes upstream with a key of {key:?} bytes"));
        }
    }

    /// The upstream has answered it.
    pub(crate) fn answered(&self, call: u64) {
        self.open().note("answers of the upstream", call);
        self.change(call, |call| (call.is_answered, call.answered_at) = (true, Some(Instant::now())));
    }
}

impl Pages {
    pub(crate) fn note(&mut self, what: &'static str, of: u64) {
        *self.seen.entry(what).or_default() += 1;
        for byte in what.bytes().map(u64::from).chain([of]) {
            self.digest = (self.digest ^ byte).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(5);
        }
    }

    /// The request that an attempt was made for.
    pub(crate) fn call_of(&self, attempt: &AttemptId) -> Option<(u64, Call)> {
        let number = self.attempts.get(attempt)?;
        Some((*number, *self.calls.get(number)?))
    }
}

//! Tokens of a language model: settled at the end, by what the response says.

use super::Cut;
use crate::policy::TokenTariff;
use crate::service::uses::Claim;
use crate::usage::UsageReader;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use l402_core::Msat;
use l402_core::ledger::{Event, Reply};
use tokio::task::JoinHandle;

/// A response that is charged when it has ended.
pub(crate) struct Tokens {
    claim: Claim,
    tariff: TokenTariff,
    /// What is held, in msat.
    reserved: u64,
    /// [`None`] where the body is nothing that says what was used.
    reader: Option<UsageReader>,
    /// Renews the lease.
    keep: JoinHandle<()>,
    /// How many bytes of the body have passed.
    bytes: u64,
    /// All of the body has passed.
    is_whole: bool,
    has_ended: bool,
    question: Option<Pin<Box<dyn Future<Output = Option<Reply>> + Send>>>,
    is_settled: bool,
}

impl Tokens {
    /// Begins with the head of a response.
    pub(in crate::service) fn new(claim: Claim, tariff: TokenTariff, reserved: u64, head: &HeaderMap) -> Self {
        let mut keeper = claim.clone();
        let keep = tokio::spawn(async move { keeper.keep().await });
        let (bytes, is_whole, has_ended, question, is_settled) = (0, false, false, None, false);
        let reader = reader(head);
        Self { claim, tariff, reserved, reader, keep, bytes, is_whole, has_ended, question, is_settled }
    }

    pub(super) fn passed(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if let Some(reader) = &mut self.reader {
            reader.read(bytes);
        }
    }

    pub(super) const fn all_passed(&mut self) {
        self.is_whole = true;
    }

    pub(super) fn idle(&mut self, context: &mut Context<'_>) -> Result<(), Cut> {
        match Pin::new(&mut self.keep).poll(context) {
            Poll::Ready(_) => Err(Cut::Ledger),
            Poll::Pending => Ok(()),
        }
    }

    pub(super) fn settle(&mut self, context: &mut Context<'_>) -> Poll<Option<u64>> {
        if !self.has_ended {
            self.has_ended = true;
            self.question = Some(Box::pin(self.claim.clone().insist(self.last())));
        }
        if let Some(question) = &mut self.question {
            let reply = ready!(question.as_mut().poll(context));
            self.question = None;
            if let Some(Reply::Committed { remaining, .. }) = reply {
                self.is_settled = true;
                return Poll::Ready(Some(remaining));
            }
        }
        Poll::Ready(None) // it is asked for again in the background
    }

    /// What ends it: what was used; where that is not known, what the operator has it estimated at, or else all that is held.
    fn last(&self) -> Event {
        let is_known = |reader: &&UsageReader| self.is_whole || self.has_ended || reader.is_complete();
        let usage = self.reader.as_ref().filter(is_known).and_then(UsageReader::usage);
        let cost = usage.map(|usage| self.tariff.cost(usage.input, usage.output));
        let cost = cost.or_else(|| self.tariff.estimated(self.bytes)).map_or(self.reserved, Msat::get);
        Event::Commit { amount: cost.min(self.reserved) }
    }
}

/// Reads what is neither compressed nor of another kind.
fn reader(head: &HeaderMap) -> Option<UsageReader> {
    let reader = head.get(CONTENT_TYPE).and_then(|kind| UsageReader::of_content_type(kind.as_bytes()))?;
    let mut codings = head.get_all(CONTENT_ENCODING).iter();
    match codings.find(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        None => Some(reader),
        Some(coding) => {
            warn_of_coding(coding);
            None
        }
    }
}

/// Says what each response costs the buyer: all that is held.
#[cold]
fn warn_of_coding(coding: &HeaderValue) {
    tracing::warn!(
        ?coding,
        "an upstream compresses a response that is metered by the token, though it is asked for `Accept-Encoding: identity`: its usage \
         cannot be read, and the buyer is charged the cost of `up_to` tokens; turn compression off for this route, at the upstream or \
         at the proxy before it"
    );
}

impl Drop for Tokens {
    fn drop(&mut self) {
        self.keep.abort();
        if !self.is_settled {
            self.claim.owe(self.last());
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tariff, reserved, reader, .. } = self;
        f.debug_struct("Tokens")
            .field("tariff", tariff)
            .field("reserved", reserved)
            .field("reader", reader)
            .finish_non_exhaustive()
    }
}

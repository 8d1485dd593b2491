//! Bytes and seconds: slices, each drawn before what it pays for is passed on.

use super::Cut;
use crate::policy::by_millisecond;
use crate::service::uses::Claim;
use core::fmt;
use core::future::poll_fn;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use l402_core::ledger::{Event, Reply, SKEW};
use l402_core::{Msat, Tariff};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

/// A response that is charged as it flows.
pub(crate) struct Flow {
    claim: Claim,
    tariff: Tariff,
    measure: Measure,
    /// What is drawn so far, in msat, and what was asked for last.
    drawn: u64,
    asked: u64,
    /// What is left of the balance.
    left: u64,
    question: Option<Question>,
    /// Rings when there is something to ask though no byte comes.
    timer: Pin<Box<Sleep>>,
    /// Whether the first slice is there; nothing passes before, and nothing is charged.
    has_begun: bool,
    /// What ends it, once it has ended.
    last: Option<Event>,
    is_settled: bool,
}

#[derive(Debug, Clone, Copy)]
enum Measure {
    /// Bytes that have passed, and those that are known to come.
    Bytes { used: u64, rest: Option<u64> },
    /// Milliseconds since then.
    Time { begun: Instant },
}

type Question = Pin<Box<dyn Future<Output = Option<Reply>> + Send>>;

impl Flow {
    /// Charges for bytes, of which so many are known to come. The attempt has committed so much already.
    pub(in crate::service) fn of_bytes(claim: Claim, tariff: Tariff, rest: Option<u64>, committed: u64) -> Self {
        Self::new(claim, tariff, Measure::Bytes { used: 0, rest }, committed)
    }

    /// Charges for the time from now on.
    pub(in crate::service) fn of_time(claim: Claim, tariff: Tariff, committed: u64) -> Self {
        Self::new(claim, by_millisecond(tariff), Measure::Time { begun: Instant::now() }, committed)
    }

    fn new(claim: Claim, tariff: Tariff, measure: Measure, committed: u64) -> Self {
        let timer = Box::pin(sleep(KEEP));
        let (drawn, asked, left) = (committed, committed, 0);
        let (question, has_begun, last, is_settled) = (None, false, None, false);
        Self { claim, tariff, measure, drawn, asked, left, question, timer, has_begun, last, is_settled }
    }

    /// Draws the first slice, and returns what is left of the balance. Nothing begins where others have taken what `was_left` when the
    /// request began, so that the slice is next to nothing, or where it is known to be too little.
    pub(in crate::service) async fn begin(&mut self, was_left: u64) -> Result<u64, Cut> {
        let committed = self.drawn;
        self.draw_from(0);
        poll_fn(|context| self.answered(context)).await?;
        let brought = self.drawn.saturating_sub(committed);
        let is_taken = brought < was_left;
        let is_little = match self.measure {
            Measure::Bytes { rest, .. } => brought == 0 && (is_taken || rest.is_some()),
            Measure::Time { .. } => is_taken && self.paid() < LITTLE_MILLIS,
        };
        if self.is_exhausted() && is_little {
            return Err(Cut::Balance);
        }
        self.has_begun = true;
        Ok(self.left)
    }

    /// Ends before anything has passed, and returns what is left of the balance.
    pub(in crate::service) async fn end(&mut self) -> Option<u64> {
        poll_fn(|context| self.settle(context)).await
    }

    pub(super) fn pass(&mut self, bytes: usize, context: &mut Context<'_>) -> Poll<Result<usize, Cut>> {
        loop {
            if let Measure::Time { .. } = self.measure {
                self.idle(context)?;
                let is_paid = self.used() < self.paid();
                return if is_paid { Poll::Ready(Ok(bytes)) } else { Poll::Pending };
            }
            let credit = self.paid().saturating_sub(self.used());
            if credit > 0 {
                return Poll::Ready(Ok(bytes.min(usize::try_from(credit).unwrap_or(usize::MAX))));
            }
            if self.question.is_none() {
                if self.is_exhausted() {
                    return Poll::Ready(Err(Cut::Balance));
                }
                self.draw_more();
            }
            ready!(self.answered(context))?;
        }
    }

    pub(super) fn passed(&mut self, bytes: usize) {
        if let Measure::Bytes { used, rest } = &mut self.measure {
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            *used = used.saturating_add(bytes);
            *rest = rest.map(|rest| rest.saturating_sub(bytes));
        }
    }

    pub(super) fn idle(&mut self, context: &mut Context<'_>) -> Result<(), Cut> {
        loop {
            if self.question.is_some() {
                match self.answered(context) {
                    Poll::Ready(answered) => answered?,
                    Poll::Pending => return Ok(()),
                }
            }
            if self.timer.as_mut().poll(context).is_pending() {
                return Ok(());
            }
            match self.measure {
                Measure::Bytes { .. } => self.draw(self.drawn), // so that the ledger remembers the attempt
                Measure::Time { .. } if self.is_exhausted() => return Err(Cut::Balance),
                Measure::Time { .. } => self.draw_more(),
            }
        }
    }

    pub(super) fn settle(&mut self, context: &mut Context<'_>) -> Poll<Option<u64>> {
        if self.last.is_none() {
            let last = self.end_now();
            self.last = Some(last);
            if self.is_even(last) {
                self.is_settled = true;
                return Poll::Ready(Some(self.left));
            }
            self.question = Some(Box::pin(self.claim.clone().insist(last)));
        }
        if let Some(question) = &mut self.question {
            let reply = ready!(question.as_mut().poll(context));
            self.question = None;
            if let Some(Reply::Drawn { remaining, .. }) = reply {
                self.is_settled = true;
                return Poll::Ready(Some(remaining));
            }
        }
        Poll::Ready(None) // it is asked for again in the background
    }

    /// Waits until the timer rings that ends what is paid for.
    pub(super) fn ended(&mut self, context: &mut Context<'_>) -> Poll<Cut> {
        match self.idle(context) {
            Ok(()) => Poll::Pending,
            Err(cut) => Poll::Ready(cut),
        }
    }

    fn draw_more(&mut self) {
        self.draw_from(self.used()); // behind what is used, so that a crash costs one slice at most
    }

    /// Asks for a slice behind so many units.
    fn draw_from(&mut self, units: u64) {
        let slice = match self.measure {
            Measure::Bytes { rest, .. } => rest.unwrap_or(BYTES).clamp(1, BYTES),
            Measure::Time { .. } => MILLIS,
        };
        self.draw(self.tariff.cost(units.saturating_add(slice)).get());
    }

    fn draw(&mut self, total: u64) {
        self.asked = total;
        self.question = Some(Box::pin(self.claim.clone().insist(Event::Draw { total, is_last: false })));
    }

    /// Takes the ledger's answer in.
    fn answered(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Cut>> {
        let Some(question) = &mut self.question else { return Poll::Ready(Ok(())) };
        let reply = ready!(question.as_mut().poll(context));
        self.question = None;
        let Some(Reply::Drawn { total, remaining }) = reply else { return Poll::Ready(Err(Cut::Ledger)) };
        (self.drawn, self.left) = (total, remaining);
        let rings = match self.measure {
            Measure::Bytes { .. } => Instant::now() + KEEP,
            Measure::Time { begun } => {
                let ahead = if self.is_exhausted() { Duration::ZERO } else { AHEAD };
                begun + Duration::from_millis(self.paid().min(LONGEST)).saturating_sub(ahead)
            }
        };
        self.timer = Box::pin(sleep_until(rings));
        Poll::Ready(Ok(()))
    }

    /// Tells whether the ledger need not hear of the end: all that was drawn is used, and nothing that was asked for can still take more.
    fn is_even(&self, last: Event) -> bool {
        let total = self.drawn;
        self.has_begun && self.asked == total && last == Event::Draw { total, is_last: true }
    }

    /// Tells whether the ledger gave less than was asked for.
    const fn is_exhausted(&self) -> bool {
        self.drawn < self.asked
    }

    /// How many units are paid for.
    fn paid(&self) -> u64 {
        self.tariff.units(Msat::new(self.drawn))
    }

    fn used(&self) -> u64 {
        match self.measure {
            Measure::Bytes { used, .. } => used,
            Measure::Time { begun } => u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// What ends it: all that was used, and never more than was paid for.
    fn end_now(&self) -> Event {
        let total = if self.has_begun { self.tariff.cost(self.used()).get().min(self.drawn) } else { 0 };
        Event::Draw { total, is_last: true }
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        if !self.is_settled {
            self.claim.owe(self.last.unwrap_or_else(|| self.end_now()));
        }
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tariff, measure, drawn, left, .. } = self;
        f.debug_struct("Flow")
            .field("tariff", tariff)
            .field("measure", measure)
            .field("drawn", drawn)
            .field("left", left)
            .finish_non_exhaustive()
    }
}

/// A slice of bytes, and of milliseconds.
const BYTES: u64 = 1 << 20;
const MILLIS: u64 = 5_000;

/// A time that is not worth beginning, where more may come back.
const LITTLE_MILLIS: u64 = 1_000;

/// How long before a slice of time ends the next one is drawn.
const AHEAD: Duration = Duration::from_secs(1);

/// How often the ledger hears of an attempt that passes nothing on: it forgets one after [`SKEW`].
const KEEP: Duration = Duration::from_secs(SKEW.as_secs() / 3);

/// A time in milliseconds that can be added to any other.
const LONGEST: u64 = 1 << 50;

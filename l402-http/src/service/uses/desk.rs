//! The way to the ledger: a deadline for each question, and a circuit breaker.

use super::breaker::{Breaker, News, Turn};
use super::clock::{Agreement, Comparison, Look};
use core::error::Error;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use l402_core::ledger::{AttemptId, Event, Reply};
use l402_core::{PaymentHash, UnixSeconds};
use l402_ledger::{Ledger, LedgerStore, PaymentUses, StoreError, StoreErrorKind};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// A ledger, and what its users share.
#[derive(Debug)]
pub(in crate::service) struct Desk {
    ledger: Ledger,
    deadline: Duration,
    breaker: Breaker,
    comparison: Comparison,
    /// Whether the ledger takes nothing more until it is opened again.
    is_closed: AtomicBool,
    /// Places for what is owed.
    pub(super) owed: Arc<Semaphore>,
    /// Places for requests that run on without their clients.
    pub(super) alone: Arc<Semaphore>,
}

/// Why there is no reply.
#[derive(Debug)]
pub(in crate::service) enum Away {
    /// Nothing was asked, because nothing answers.
    NotAsked,
    /// It has too much to do, and did nothing.
    Busy(StoreError),
    /// It failed, or its reply was lost.
    NoReply(StoreError),
    /// No reply in time.
    TooSlow,
    /// Its clock and the gateway's are too far apart.
    Clock,
    /// The system has no random bytes.
    Random(getrandom::Error),
}

/// Why nothing that is counted is sold.
#[derive(Debug)]
pub(in crate::service) enum Unsold {
    /// Its uses cannot be counted at the moment.
    Away,
    /// The ledger would refuse each use: its clock was ahead.
    TooEarly {
        /// After how long a token ends late enough.
        wait: Duration,
    },
}

impl Desk {
    /// Asks a ledger, and waits so long for each reply.
    pub(in crate::service) fn new(ledger: Ledger, deadline: Duration) -> Self {
        let (breaker, comparison) = (Breaker::default(), Comparison::default());
        let (owed, alone) = (Arc::new(Semaphore::new(OWED)), Arc::new(Semaphore::new(ALONE)));
        Self { ledger, deadline, breaker, comparison, is_closed: AtomicBool::new(false), owed, alone }
    }

    /// Replaces the ledger.
    pub(in crate::service) fn with_ledger(&self, ledger: Ledger) -> Self {
        Self::new(ledger, self.deadline)
    }

    /// Replaces the deadline.
    pub(in crate::service) fn with_deadline(&self, deadline: Duration) -> Self {
        Self::new(self.ledger.clone(), deadline)
    }

    /// Waits until no request runs on without its client, and nothing is owed.
    pub(in crate::service) async fn at_rest(&self) {
        for (places, all) in [(&self.alone, ALONE), (&self.owed, OWED)] {
            // What runs on may owe something in the end, so this comes first.
            drop(places.acquire_many(u32::try_from(all).unwrap_or(u32::MAX)).await);
        }
    }

    /// Tells whether the ledger takes nothing more until it is opened again: to ask once more is in vain.
    pub(in crate::service) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    /// How long a commit is asked for again.
    pub(in crate::service) const fn patience(&self) -> Duration {
        self.deadline.saturating_mul(COMMITS)
    }

    /// Looks whether uses can be counted at the moment. Returns the ledger's horizon.
    pub(in crate::service) async fn ready(&self, now: UnixSeconds) -> Result<UnixSeconds, Away> {
        self.compared(now, FRESH).await
    }

    /// Looks whether uses can be sold at the moment with a token that has this end. The look is a fresher one: nobody is to pay for
    /// what cannot be counted, or would be refused.
    ///
    /// A later sweep does not take it back: by a clock that is right, the horizon stays behind tokens that are valid.
    pub(in crate::service) async fn sells(&self, now: UnixSeconds, ends_at: UnixSeconds) -> Result<(), Unsold> {
        let horizon = self.compared(now, FRESH_FOR_A_SALE).await.map_err(|_| Unsold::Away)?;
        match horizon.get().checked_sub(ends_at.get()) {
            None => Ok(()),
            Some(early) => Err(Unsold::TooEarly { wait: Duration::from_secs(early.saturating_add(1)) }),
        }
    }

    async fn compared(&self, now: UnixSeconds, fresh: Duration) -> Result<UnixSeconds, Away> {
        let Look { agreement, horizon } = match self.comparison.known(fresh) {
            Ok(look) => look,
            Err(turn) => turn.compared(self.ask(self.ledger.now()).await?, now),
        };
        match agreement {
            Agreement::Close => Ok(horizon),
            Agreement::Apart => Err(Away::Clock),
        }
    }

    /// Asks for something on behalf of an attempt.
    pub(in crate::service) async fn apply(
        &self,
        payment: &PaymentHash,
        attempt: AttemptId,
        event: Event,
    ) -> Result<Reply, Away> {
        let turn = match event {
            Event::Commit { .. } | Event::Renew | Event::Draw { .. } => Some(self.breaker.pass()),
            _ => self.breaker.turn(),
        };
        self.ask_in(turn, self.ledger.apply(payment, attempt, event)).await
    }

    /// Looks what is left of a payment.
    pub(in crate::service) async fn uses(&self, payment: &PaymentHash) -> Result<Option<PaymentUses>, Away> {
        self.ask(self.ledger.uses(payment)).await
    }

    async fn ask<T>(&self, question: impl Future<Output = Result<T, StoreError>>) -> Result<T, Away> {
        self.ask_in(self.breaker.turn(), question).await
    }

    async fn ask_in<T>(
        &self,
        turn: Option<Turn<'_>>,
        question: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Away> {
        let turn = turn.ok_or(Away::NotAsked)?;
        let away = match timeout(self.deadline, question).await {
            Ok(Ok(reply)) => {
                if turn.answered() == News::Up {
                    tracing::info!("the ledger answers again");
                }
                return Ok(reply);
            }
            Ok(Err(error)) if error.kind() == StoreErrorKind::Busy => Away::Busy(error),
            Ok(Err(error)) if error.kind() == StoreErrorKind::Absent => Away::NotAsked,
            Ok(Err(error)) if error.kind() == StoreErrorKind::Failed => {
                self.is_closed.store(true, Ordering::Relaxed);
                Away::NoReply(error)
            }
            Ok(Err(error)) => Away::NoReply(error),
            Err(_) => Away::TooSlow,
        };
        if !matches!(away, Away::Busy(_)) {
            self.comparison.forget(); // whoever comes next looks again
        }
        if turn.failed() == News::Down {
            tracing::error!(
                error = &away as &dyn Error,
                "no answer from the ledger; requests with counted tokens get 503"
            );
        }
        Err(away)
    }
}

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAsked => "there is no ledger that answers",
            Self::Busy(_) => "the ledger has too much to do",
            Self::NoReply(_) => "the ledger failed",
            Self::TooSlow => "the ledger did not answer in time",
            Self::Random(_) => "the system has no random bytes",
            Self::Clock => "the clocks of gateway and ledger are more than five minutes apart",
        })
    }
}

impl Error for Away {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Busy(error) | Self::NoReply(error) => Some(error),
            Self::Random(error) => Some(error),
            Self::NotAsked | Self::TooSlow | Self::Clock => None,
        }
    }
}

/// For how long the last look at the ledger's clock holds.
const FRESH: Duration = Duration::from_secs(10);
const FRESH_FOR_A_SALE: Duration = Duration::from_secs(1);

/// For how many deadlines a commit is asked for again.
const COMMITS: u32 = 5;

/// Transitions that are asked for in the background.
const OWED: usize = 4_096;

/// Requests that run on.
const ALONE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use l402_ledger::testing::FakeStore;

    #[tokio::test(start_paused = true)]
    async fn s6_who_holds_a_use_asks_though_the_breaker_is_open() {
        let (store, payment) = (FakeStore::new(), PaymentHash::from_bytes([1; 32]));
        let desk = Desk::new(Ledger::new(store.clone()), Duration::from_secs(1));
        let apply = async |event| desk.apply(&payment, AttemptId::from_bytes([1; 16]), event).await;
        for event in [Event::Renew, Event::Commit { amount: 1 }, Event::Draw { total: 1, is_last: false }] {
            store.set_away(true);
            for _ in 0..3 {
                desk.uses(&payment).await.unwrap_err();
            }
            store.set_away(false);
            assert!(matches!(apply(Event::Doubt).await, Err(Away::NotAsked)), "the breaker is open");
            assert!(matches!(apply(event).await, Ok(Reply::Lost)), "{event:?}");
        }
    }
}

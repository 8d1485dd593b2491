//! The way of one gateway to the store.

use crate::book::Book;
use crate::chance::Chance;
use crate::plan::{Faults, StoreKind};
use crate::process::Process;
use crate::store::{Store, Write};
use core::future::pending;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use l402_core::PaymentHash;
use l402_core::ledger::{AttemptId, Event, Now, Reply};
use l402_ledger::{DoubtfulUse, LedgerStore, PaymentUses, Revocation, Revocations, StoreError, StoreErrorKind};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;
use tokio::time::sleep;

tokio::task_local! {
    /// For which call an attempt is made.
    pub(crate) static CALL: u64;
}

/// What stands between gateways and the store.
pub(crate) struct Network {
    pub(crate) kind: StoreKind,
    pub(crate) store: Store,
    pub(crate) book: Arc<Book>,
    pub(crate) faults: Faults,
    /// Nothing goes wrong any more.
    pub(crate) is_calm: AtomicBool,
    /// What is sent waits for an answer that does not come.
    pub(crate) is_silent: AtomicBool,
    pub(crate) chance: Mutex<Chance>,
}

/// The end of it that a gateway has.
#[derive(Clone)]
pub(crate) struct Link {
    pub(crate) network: Arc<Network>,
    pub(crate) process: Arc<Process>,
}

/// What becomes of a message.
#[derive(Debug, Clone, Copy, Default)]
struct Fate {
    is_lost: bool,
    is_unheard: bool,
    /// Whoever waits is told nothing, in place of an error.
    is_silent: bool,
    there: Duration,
    back: Duration,
    again: Option<Duration>,
}

impl Network {
    fn fate(&self) -> Fate {
        let mut chance = self.chance.lock().unwrap_or_else(PoisonError::into_inner);
        if self.kind == StoreKind::Embedded {
            return Fate::default();
        }
        let (there, back) = (chance.millis(0, 10), chance.millis(0, 10));
        if self.is_calm.load(Ordering::SeqCst) {
            return Fate { there, back, ..Fate::default() };
        }
        let Faults { lost, unheard, late, doubled } = self.faults;
        let late = chance.happens(late).then(|| chance.millis(500, 60_000));
        Fate {
            is_lost: chance.happens(lost),
            is_unheard: chance.happens(unheard),
            is_silent: chance.happens(500) || self.is_silent.load(Ordering::SeqCst),
            there: late.unwrap_or(there),
            back,
            again: chance.happens(doubled).then(|| chance.millis(1, 60_000)),
        }
    }
}

impl Link {
    /// Sends a question. What is under way arrives, whatever becomes of its sender.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl Fn(&Store) -> Result<(T, Option<Write>), StoreError> + Clone + Send + 'static,
    ) -> Result<T, StoreError> {
        self.process.step().await;
        let (fate, (tell, told)) = (self.network.fate(), oneshot::channel());
        if let Some(later) = fate.again {
            let (network, question) = (Arc::clone(&self.network), question.clone());
            tokio::spawn(async move {
                sleep(later).await;
                drop(question(&network.store)); // nobody waits for this reply
            });
        }
        let (network, life) = (Arc::clone(&self.network), self.network.store.life());
        tokio::spawn(async move {
            sleep(fate.there).await;
            if fate.is_lost || life != network.store.life() {
                return;
            }
            let replied = match question(&network.store) {
                Ok((reply, Some(write))) => network.store.sync(write).await.map(|()| reply),
                Ok((reply, None)) => Ok(reply),
                Err(error) => Err(error),
            };
            sleep(fate.back).await;
            if !fate.is_unheard && (replied.is_ok() || !fate.is_silent) {
                drop(tell.send(replied)); // whoever does not wait any more
            }
        });
        let reply = match told.await {
            Ok(reply) => reply,
            Err(_) if fate.is_silent => pending().await,
            Err(_) => Err(StoreError::new(StoreErrorKind::Unavailable)),
        };
        self.process.step().await;
        reply
    }
}

impl LedgerStore for Link {
    async fn apply(&self, payment: &PaymentHash, attempt: AttemptId, event: Event) -> Result<Reply, StoreError> {
        let is_reserve = matches!(event, Event::Reserve(_));
        if is_reserve {
            let call = CALL.with(|call| *call);
            self.network.book.open().attempts.insert(attempt, call);
        }
        let payment = *payment;
        let replied = self.ask(move |store| store.apply(&payment, &attempt, &event)).await;
        if is_reserve && matches!(replied, Ok(Reply::Refused(_))) {
            CALL.with(|call| self.network.book.change(*call, |call| call.is_refused = true));
        }
        replied
    }

    async fn now(&self) -> Result<Now, StoreError> {
        self.ask(|store| store.now().map(|now| (now, None))).await
    }

    async fn uses(&self, payment: &PaymentHash) -> Result<Option<PaymentUses>, StoreError> {
        let payment = *payment;
        self.ask(move |store| store.uses(&payment).map(|uses| (uses, None))).await
    }

    async fn doubtful(&self, most: usize) -> Result<Vec<DoubtfulUse>, StoreError> {
        self.ask(move |store| store.doubtful(most).map(|uses| (uses, None))).await
    }

    /// The simulated store has no deny-list.
    async fn revoke(&self, _: Revocation) -> Result<(), StoreError> {
        Err(StoreError::new(StoreErrorKind::Absent))
    }

    async fn revocations(&self, _: Option<u64>) -> Result<Option<Revocations>, StoreError> {
        Err(StoreError::new(StoreErrorKind::Absent))
    }

    async fn sweep(&self, most: usize) -> Result<usize, StoreError> {
        self.ask(move |store| store.sweep(most).map(|swept| (swept, None))).await
    }
}

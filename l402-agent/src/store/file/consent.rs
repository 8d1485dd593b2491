//! Waits for the owner's confirmation of a payment, where that is needed.

use super::{FileStore, Inner, POLL, StoreError};
use crate::confirm::Confirmer;
use crate::store::breaker::{self, Answer, Asked, Breakers, Question, Stand};
use crate::store::budget::{PolicyRefusal, Unconfirmed};
use crate::store::payments::PaymentsError;
use crate::store::record::Intent;
use core::time::Duration;
use l402_http::pay::{Consent, Origin, Token};
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

impl FileStore {
    /// Names those who are asked for confirmations, beside `l402 policy approve`; once.
    #[must_use]
    pub fn asking(self, confirmers: Arc<[Arc<dyn Confirmer>]>) -> Self {
        let _ = self.0.confirmers.set(confirmers); // the first ones stay
        self
    }

    /// Finds out whether somebody must be asked before a payment begins.
    pub(super) async fn consider(&self, origin: &Origin, token: &Token) -> Result<Option<Consent>, StoreError> {
        let (origin, token) = (origin.clone(), token.clone());
        let considered = self.blocking(move |inner| {
            let intent = Intent::new(&origin, &token, &inner.wallet);
            let considered = breaker::consider(inner.payments.database(), &inner.payer, &intent);
            considered.map_err(StoreError::database)?.map_err(refused)
        });
        let Some((asked, refusal)) = considered.await? else { return Ok(None) };
        let (store, is_own) = (self.clone(), matches!(asked, Asked::Own(_)));
        let (Asked::Own(question) | Asked::Other(question)) = asked else { return Ok(None) };
        let wait = Waiting { store, question, is_own };
        Ok(Some(Consent::new(async move {
            match wait.answer().await? {
                Ok(()) => Ok(()),
                Err(how) => Err(refused(Box::new(refusal.after_asking(how))).into()),
            }
        })))
    }
}

/// A question that is waited for. One of one's own is withdrawn where nobody waits any more.
struct Waiting {
    store: FileStore,
    question: Question,
    is_own: bool,
}

impl Waiting {
    async fn answer(&self) -> Result<Result<(), Unconfirmed>, StoreError> {
        let mut asked = JoinSet::new();
        let confirmers = self.store.0.confirmers.get().filter(|_| self.is_own);
        for confirmer in confirmers.map(|all| all.iter().cloned()).into_iter().flatten() {
            let question = self.question.clone();
            asked.spawn(async move { (confirmer.is_owner(), confirmer.ask(&question).await) });
        }
        let Question { asked_at, ends_at, .. } = self.question;
        let until = Instant::now() + Duration::from_secs(ends_at.get().saturating_sub(asked_at.get()));
        loop {
            match self.stand().await? {
                Stand::Answered(Answer::Yes) => return Ok(Ok(())),
                Stand::Answered(Answer::No) => return Ok(Err(Unconfirmed::Denied)),
                Stand::Open if Instant::now() < until => {}
                Stand::Open | Stand::Over => return Ok(Err(Unconfirmed::NoAnswer)),
            }
            tokio::select! {
                Some(Ok((is_owner, Some(answer)))) = asked.join_next() => self.record(is_owner, answer).await?,
                () = sleep(POLL) => {}
            }
        }
    }

    async fn stand(&self) -> Result<Stand, StoreError> {
        let id = self.question.id.clone();
        self.store.blocking(move |inner| inner.breakers().stand(&id).map_err(StoreError::database)).await
    }

    /// Writes down what somebody said. A yes counts only of those who may say it.
    async fn record(&self, is_owner: bool, answer: Answer) -> Result<(), StoreError> {
        let id = self.question.id.clone();
        let record = move |inner: &Inner| {
            let agent_may = inner.payments.database().guards().agent_may_confirm;
            if answer == Answer::No || is_owner || agent_may {
                let by = if is_owner { "hook" } else { "agent" };
                let _ = inner.breakers().answer(&id, answer, by); // somebody else was faster
            }
            Ok(())
        };
        self.store.blocking(record).await
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if self.is_own {
            let _ = self.store.0.breakers().answer(&self.question.id, Answer::No, "withdrawn"); // or it was answered
        }
    }
}

impl Inner {
    pub(super) fn breakers(&self) -> Breakers {
        Breakers::new(self.payments.database().clone())
    }
}

pub(super) fn refused(refusal: Box<PolicyRefusal>) -> StoreError {
    StoreError::Payments(PaymentsError::Refused(refusal))
}

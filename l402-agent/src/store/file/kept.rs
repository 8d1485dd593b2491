//! Answers that were paid for, and whose caller did not wait for them.

use super::{FileStore, Inner, POLL, Reuse, StoreError};
use crate::http::draft::Draft;
use crate::store::answers::{Answer, Waiting};
use core::time::Duration;
use tokio::time::{Instant, sleep};

impl FileStore {
    /// Returns the answer to the same request, with its number. One that is still to come is waited for, no longer than `patience`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) async fn answer(
        &self,
        draft: &Draft,
        patience: Duration,
    ) -> Result<Option<(i64, Box<Answer>)>, StoreError> {
        if self.0.reuse == Reuse::Isolated || draft.has_token() {
            return Ok(None);
        }
        let begun = Instant::now();
        loop {
            let draft = draft.clone();
            let find = move |inner: &Inner| inner.answers.find(&draft, inner.payer.budget).map_err(StoreError::Tokens);
            match self.blocking(find).await? {
                Waiting::Here(id, answer) => return Ok(Some((id, answer))),
                Waiting::Coming if begun.elapsed() < patience => sleep(POLL).await,
                Waiting::Coming | Waiting::Nothing => return Ok(None),
            }
        }
    }

    /// Says that this call goes on although its caller is gone. It waits for the disk: the same request may come at once.
    pub(crate) fn expect(&self, draft: &Draft) {
        let inner = &self.0;
        if inner.reuse == Reuse::Isolated || draft.has_token() || !self.is_committed() {
            return;
        }
        let expected = inner.answers.expect(draft, inner.payer.budget, inner.payer.call).ok().flatten();
        let mut state = inner.state();
        (state.expected, state.is_leasing) = (expected, true);
    }

    /// Tells whether an answer is expected of this call, although its caller is gone.
    pub(crate) fn is_expected(&self) -> bool {
        self.0.state().expected.is_some()
    }

    /// Keeps the answer that was expected, or says that there is none. Where that fails, the token is what is left.
    pub(crate) async fn keep(&self, answer: Option<Answer>) {
        let Some(id) = self.0.state().expected.take() else { return };
        let keep = move |inner: &Inner| match answer {
            Some(answer) => inner.answers.keep(id, &answer).map_err(StoreError::Tokens),
            None => inner.answers.remove(id).map_err(StoreError::Tokens),
        };
        let _ = self.blocking(keep).await; // else it ends by itself
    }

    /// Says that an answer was delivered.
    ///
    /// # Errors
    /// [`StoreError`], where the next call of the same request gets it once more.
    pub(crate) async fn remove_answer(&self, id: i64) -> Result<(), StoreError> {
        self.blocking(move |inner| inner.answers.remove(id).map_err(StoreError::Tokens)).await
    }

    /// Tells whether this call has begun to pay, or has shown a token that is counted: it goes on then without its caller.
    pub(crate) fn is_committed(&self) -> bool {
        self.0.state().is_committed
    }
}

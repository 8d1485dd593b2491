//! A call, which goes on where its caller is gone and it may have paid.
//!
//! 1. A call runs by itself; its caller waits for it. What a caller gives up before anything was paid for, or shown, ends at once.
//! 2. Afterwards it goes on to its answer, which is kept for the same request. Where the answer is too long, the token is.
//! 3. The end of the runtime, or of the process, ends a call too: its token is kept, and the next call finds out what became of its
//!    payment.

// Threats: A9.

use super::Agent;
use crate::fetch::{FetchFault, Fetched};
use crate::gate::Gate;
use crate::http::draft::Draft;
use crate::store::answers::{Answer, KEPT_FOR, MAX_BODY};
use crate::store::file::{FileStore, StoreError};
use crate::store::news::News;
use core::pin::pin;
use http_body_util::{BodyExt, Limited};
use l402_lightning::PaymentSource;
use tokio::select;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinError;
use tokio::time::timeout;

impl<W: PaymentSource + 'static> Agent<W> {
    /// Runs a call, and tells of each payment while it is waited for.
    pub(super) async fn run(&self, draft: Draft, mut tell: impl FnMut(News)) -> Result<Fetched, FetchFault> {
        let (store, gate) = self.begin().map_err(|fault| *fault)?;
        if let Some(found) = store.answer(&draft, self.terms.settings.patience).await.map_err(FetchFault::Store)? {
            return Ok(Fetched::kept(found, store));
        }
        let ((note, mut told), (answer, answered)) = (mpsc::channel(MOST_NEWS), oneshot::channel());
        let mut leash = Leash { store: store.clone(), draft: draft.clone(), is_held: true };
        let task = tokio::spawn(self.clone().go(draft, (store, gate), note, answer));
        while let Some(item) = told.recv().await {
            tell(item);
        }
        let result = answered.await;
        leash.is_held = false;
        match result {
            Ok(result) => result,
            Err(_) => match task.await.err().map(JoinError::try_into_panic) {
                Some(Ok(panic)) => std::panic::resume_unwind(panic),
                Some(Err(cancelled)) => Err(FetchFault::Store(StoreError::Ended(cancelled))),
                None => Err(FetchFault::Store(StoreError::Unanswered)),
            },
        }
    }

    /// Goes on to the answer, and hands it over, or keeps it.
    async fn go(
        self,
        draft: Draft,
        (store, gate): (FileStore, Gate),
        note: mpsc::Sender<News>,
        mut answer: oneshot::Sender<Result<Fetched, FetchFault>>,
    ) {
        let call = self.follow(draft.clone(), (store.clone(), gate), move |item| drop(note.try_send(item)));
        let mut call = pin!(call);
        let result = select! {
            biased;
            result = &mut call => Some(result),
            () = answer.closed() => None,
        };
        let result = match result {
            Some(result) => match answer.send(result) {
                Ok(()) => return,
                Err(result) => result,
            },
            None if !store.is_committed() => return,
            None => {
                store.renew();
                call.await
            }
        };
        let kept = match result {
            Ok(fetched) if store.is_expected() => keep(fetched).await,
            _ => None,
        };
        store.keep(kept).await;
    }
}

/// Held by the caller: when it is dropped before the answer, the call goes on where it may have paid.
struct Leash {
    store: FileStore,
    draft: Draft,
    is_held: bool,
}

impl Drop for Leash {
    fn drop(&mut self) {
        if self.is_held {
            self.store.expect(&self.draft); // before the call learns that its caller is gone
        }
    }
}

/// More than there is to tell of a call: 20 pauses, and what each of its redirects costs.
const MOST_NEWS: usize = 1024;

/// Reads an answer that may be kept.
async fn keep(fetched: Fetched) -> Option<Answer> {
    let Fetched { response, url, handover, .. } = fetched;
    if handover.is_open() {
        return None; // the same request asks for it again
    }
    let (head, body) = response.into_parts();
    let body = timeout(KEPT_FOR, Limited::new(body, MAX_BODY).collect()).await.ok()?.ok()?.to_bytes();
    handover.complete().await.ok()?;
    Some(Answer { url, status: head.status, headers: head.headers, body })
}

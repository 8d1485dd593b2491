//! Who is about to be answered under which name, in this process: a request that comes meanwhile waits.

use super::name::AnswerName;
use core::sync::atomic::{AtomicBool, Ordering};
use l402_core::ledger::Fingerprint;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The claims of all threads.
#[derive(Debug, Clone, Default)]
pub(super) struct Claims(Arc<Mutex<HashMap<AnswerName, Taken>>>);

#[derive(Debug)]
struct Taken {
    fingerprint: Fingerprint,
    is_answered: Arc<AtomicBool>,
    ends: watch::Receiver<()>,
}

/// A name that nobody else has, until this is dropped.
#[derive(Debug)]
pub(super) struct Claim {
    claims: Claims,
    name: AnswerName,
    is_answered: Arc<AtomicBool>,
    /// Closed when this is dropped.
    _end: watch::Sender<()>,
}

/// Somebody else's claim.
#[derive(Debug)]
pub(super) struct Others {
    pub(super) fingerprint: Fingerprint,
    /// Whether it has the head of its answer; before, nobody knows whether it gets one.
    pub(super) is_answered: bool,
    ends: watch::Receiver<()>,
}

impl Claims {
    /// Takes a name.
    pub(super) fn take(&self, name: AnswerName, fingerprint: Fingerprint) -> Result<Claim, Others> {
        match self.lock().entry(name) {
            Entry::Occupied(taken) => Err(Others::of(taken.get())),
            Entry::Vacant(place) => {
                let (is_answered, (end, ends)) = (Arc::default(), watch::channel(()));
                place.insert(Taken { fingerprint, is_answered: Arc::clone(&is_answered), ends });
                Ok(Claim { claims: self.clone(), name, is_answered, _end: end })
            }
        }
    }

    /// Looks who has a name.
    pub(super) fn find(&self, name: &AnswerName) -> Option<Others> {
        self.lock().get(name).map(Others::of)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AnswerName, Taken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// Says that the head of the answer is there.
    pub(super) fn answered(&self) {
        self.is_answered.store(true, Ordering::Relaxed);
    }
}

impl Others {
    fn of(taken: &Taken) -> Self {
        let is_answered = taken.is_answered.load(Ordering::Relaxed);
        Self { fingerprint: taken.fingerprint, is_answered, ends: taken.ends.clone() }
    }

    /// Waits until it ends.
    pub(super) async fn end(mut self) {
        while self.ends.changed().await.is_ok() {}
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.lock().remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn s4_a_name_is_one_requests_until_it_ends() {
        let (claims, name, one) =
            (Claims::default(), AnswerName::from_bytes([1; 32]), Fingerprint::from_bytes([1; 32]));
        let claim = claims.take(name, one).unwrap();
        let others = claims.take(name, Fingerprint::from_bytes([2; 32])).unwrap_err();
        assert_eq!((others.fingerprint, others.is_answered), (one, false));
        claim.answered();
        assert!(claims.find(&name).unwrap().is_answered);
        let waits = tokio::spawn(others.end());
        tokio::task::yield_now().await;
        assert!(!waits.is_finished());
        drop(claim);
        waits.await.unwrap();
        assert!(claims.find(&name).is_none() && claims.take(name, one).is_ok());
    }
}

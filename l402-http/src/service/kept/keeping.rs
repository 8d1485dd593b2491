//! One request on a route that keeps answers: whether it gets one again, and whether its own is kept.

use super::answer::Answer;
use super::claim::Claim;
use super::keep::Keep;
use super::rules;
use super::seal::{Lock, Presented};
use super::shelf::{Answers, Shelf};
use bytes::Bytes;
use core::time::Duration;
use http::header::{CONTENT_LENGTH, HeaderMap};
use http::{Method, Request, Response};
use http_body::Body;
use l402_core::UnixSeconds;
use l402_core::ledger::{Fingerprint, IdempotencyKey};
use l402_core::macaroon::RootKey;
use std::sync::Arc;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

/// The request, and where its answer is looked for and kept.
#[derive(Debug)]
pub(in crate::service) struct Keeping {
    shelf: Arc<Shelf>,
    lock: Lock,
    fingerprint: Fingerprint,
    method: Method,
    asked: HeaderMap,
    has_key: bool,
    claim: Option<Claim>,
}

/// What is kept for a request.
#[derive(Debug)]
pub(in crate::service) enum Found {
    /// Nothing.
    Nothing,
    /// An answer, which is given again.
    Again(Response<Bytes>),
    /// Another request is about to be answered, which may take some time.
    Waits,
    /// An answer that holds the client's key and cannot be given to this request, or not any more.
    Held,
}

impl Keeping {
    /// Looks at a request without credential whose path is canonical, as the inner service is to get it.
    pub(in crate::service) fn new<B>(
        answers: &Answers,
        (root, presented): (&RootKey, &Presented),
        key: Option<&IdempotencyKey>,
        fingerprint: Fingerprint,
        request: &Request<B>,
    ) -> Self {
        let lock = Lock::of(root, presented, key, &fingerprint);
        let (method, asked) = (request.method().clone(), request.headers().clone());
        Self { shelf: Arc::clone(&answers.0), lock, fingerprint, method, asked, has_key: key.is_some(), claim: None }
    }

    /// Looks before a use is reserved: the key of a kept use never takes another.
    pub(in crate::service) async fn before(&mut self, now: UnixSeconds) -> Found {
        if !self.has_key {
            return Found::Nothing;
        }
        let ends = Instant::now() + PATIENCE;
        loop {
            let others = match self.shelf.claims.take(self.lock.name, self.fingerprint) {
                Ok(claim) if self.shelf.store.knows(&self.lock.name, now) => match self.again(now).await {
                    Ok(response) => return Found::Again(response),
                    Err(Unread::NotForThis) => return Found::Held,
                    Err(Unread::Gone) => Ok(claim),
                },
                taken => taken,
            };
            match others {
                Ok(claim) => {
                    self.claim = Some(claim);
                    return Found::Nothing;
                }
                Err(others) if others.fingerprint != self.fingerprint => return Found::Held,
                Err(others) if !others.is_answered => return Found::Waits,
                Err(others) => {
                    if timeout_at(ends, others.end()).await.is_err() {
                        return Found::Waits;
                    }
                }
            }
        }
    }

    /// Looks when no use is left.
    pub(in crate::service) async fn once_spent(&self, now: UnixSeconds) -> Found {
        let ends = Instant::now() + PATIENCE;
        if self.has_key {
            return Found::Nothing; // it was looked for before
        }
        loop {
            // In this order: what ends between the two is known to the store.
            let others = self.shelf.claims.find(&self.lock.name);
            if self.shelf.store.knows(&self.lock.name, now)
                && let Ok(response) = self.again(now).await
            {
                return Found::Again(response);
            }
            match others {
                None => return Found::Nothing,
                Some(others) => {
                    if timeout_at(ends, others.end()).await.is_err() {
                        return Found::Waits;
                    }
                }
            }
        }
    }

    /// Says that the request has its use, and goes to the inner service.
    pub(in crate::service) fn goes_on(&mut self) {
        if self.claim.is_none() {
            self.claim = self.shelf.claims.take(self.lock.name, self.fingerprint).ok();
        }
    }

    /// Begins to collect an answer; [`None`] where it is not to be kept.
    pub(in crate::service) fn answered<R: Body>(
        self,
        response: &Response<R>,
        now: UnixSeconds,
        until: UnixSeconds,
    ) -> Option<Box<Keep>> {
        let Self { shelf, lock, fingerprint, method, asked, claim, .. } = self;
        let is_short = usize::try_from(response.body().size_hint().lower()).is_ok_and(|lower| lower <= shelf.size);
        if !is_short || !rules::is_asked_for(&method, &asked) || !rules::may_be_kept(response) {
            return None;
        }
        let (claim, selecting) = (claim?, rules::selecting(&asked, response.headers())?);
        let mut fields = response.headers().clone();
        rules::strip(&mut fields);
        let declared = fields.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let (status, room, body) = (response.status(), shelf.memory.room(), Vec::new());
        let answer = Answer { fingerprint, kept_at: now, status, selecting, fields, body: Bytes::new() };
        claim.answered();
        Some(Box::new(Keep { shelf, lock, until, answer, declared, body, room, claim }))
    }

    /// Reads what is kept, and counts that it is given again.
    async fn again(&self, now: UnixSeconds) -> Result<Response<Bytes>, Unread> {
        let (place, lock) = (Arc::clone(&self.shelf), self.lock.clone());
        let (fingerprint, asked) = (self.fingerprint, self.asked.clone());
        let read = spawn_blocking(move || {
            let sealed = place.store.read(&lock.name).ok_or(Unread::Gone)?;
            let opened = lock.open(&sealed.bytes, sealed.until).and_then(|plain| Answer::decode(&plain.into()));
            let answer = opened.filter(|answer| answer.is_for(&fingerprint, &asked)).map(Box::new);
            answer.filter(|_| place.store.give(&lock.name)).ok_or(Unread::NotForThis)
        });
        let answer = read.await.unwrap_or(Err(Unread::Gone))?; // the runtime may end
        Ok(answer.response(&self.method, &self.asked, now))
    }
}

/// Why nothing is given.
enum Unread {
    /// It is for another credential or request, or was given often enough.
    NotForThis,
    /// There is nothing any more.
    Gone,
}

/// For how long a request waits for an answer that is about to be kept.
const PATIENCE: Duration = Duration::from_secs(10);

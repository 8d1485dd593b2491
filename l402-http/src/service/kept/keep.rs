//! An answer that is being collected while the client gets it.

use super::answer::Answer;
use super::claim::Claim;
use super::parcel::Parcel;
use super::room::Room;
use super::seal::Lock;
use super::shelf::Shelf;
use core::fmt;
use l402_core::UnixSeconds;
use std::sync::Arc;

/// What there is of it.
pub(in crate::service) struct Keep {
    pub(super) shelf: Arc<Shelf>,
    pub(super) lock: Lock,
    pub(super) until: UnixSeconds,
    /// All of it but the body.
    pub(super) answer: Answer,
    /// What `Content-Length` says.
    pub(super) declared: Option<u64>,
    pub(super) body: Vec<u8>,
    pub(super) room: Room,
    pub(super) claim: Claim,
}

impl Keep {
    /// Adds bytes of the body; [`None`] where it becomes too long to be kept.
    ///
    /// They are copied: a piece of a read buffer would hold all of the buffer.
    pub(super) fn add(&mut self, bytes: &[u8]) -> Option<()> {
        if self.body.len().saturating_add(bytes.len()) > self.shelf.size {
            return None;
        }
        self.room.take(bytes.len())?;
        self.body.extend(bytes);
        Some(())
    }

    /// Hands it to the store: its body has come to its end.
    pub(super) fn end(self) {
        let Self { shelf, lock, until, mut answer, declared, body, room, claim } = self;
        if declared.is_some_and(|declared| u64::try_from(body.len()) != Ok(declared)) {
            return;
        }
        answer.body = body.into();
        shelf.store.keep(Parcel { lock, until, answer, _claim: claim, _room: room });
    }
}

impl fmt::Debug for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keep").field("collected", &self.body.len()).finish_non_exhaustive()
    }
}

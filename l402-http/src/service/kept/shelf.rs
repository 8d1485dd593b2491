//! What all requests share whose answers are kept.

use super::claim::Claims;
use super::room::Memory;
use super::store::AnswerStore;
use core::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Where answers are kept, and how long they may be.
///
/// One is shared by all paywalls of a server: its clones are the same. [`Sale::keep_answer`](crate::policy::Sale::keep_answer) says
/// whose answers are kept.
#[derive(Clone)]
pub struct Answers(pub(super) Arc<Shelf>);

/// What they share.
pub(super) struct Shelf {
    pub(super) store: Box<dyn AnswerStore>,
    /// The most bytes of a body.
    pub(super) size: usize,
    pub(super) claims: Claims,
    pub(super) memory: Memory,
    /// Places for bodies that are read on without their clients.
    pub(super) alone: Arc<Semaphore>,
}

impl Answers {
    /// The most bytes of a body that is kept, unless said otherwise: a mebibyte.
    pub const SIZE: usize = 1 << 20;

    /// Keeps answers in a store, as long as their bodies have no more than so many bytes.
    pub fn new(store: impl AnswerStore, size: usize) -> Self {
        let (claims, memory, alone) = (Claims::default(), Memory::default(), Arc::new(Semaphore::new(ALONE)));
        Self(Arc::new(Shelf { store: Box::new(store), size, claims, memory, alone }))
    }

    /// Waits until no body is read on without its client.
    pub(in crate::service) async fn at_rest(&self) {
        drop(self.0.alone.acquire_many(u32::try_from(ALONE).unwrap_or(u32::MAX)).await);
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Answers").field(&self.0).finish()
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("size", &self.size).finish_non_exhaustive()
    }
}

/// Bodies that are read on.
const ALONE: usize = 256;

//! The memory that answers take before they are written: all of them together have a bound.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// What is taken of it.
#[derive(Debug, Default)]
pub(super) struct Memory(Arc<AtomicUsize>);

impl Memory {
    /// Begins with nothing.
    pub(super) fn room(&self) -> Room {
        Room { taken: Arc::clone(&self.0), bytes: 0 }
    }
}

/// What one answer takes of it, until it is dropped.
#[derive(Debug)]
pub(super) struct Room {
    taken: Arc<AtomicUsize>,
    bytes: usize,
}

impl Room {
    /// Takes more; [`None`] where there is no more.
    pub(super) fn take(&mut self, bytes: usize) -> Option<()> {
        let more = |taken: usize| taken.checked_add(bytes).filter(|taken| *taken <= MOST);
        self.taken.try_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        self.bytes = self.bytes.saturating_add(bytes);
        Some(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Bytes of all of them.
const MOST: usize = 64 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s4_answers_that_are_not_written_yet_have_a_bound_together() {
        let memory = Memory::default();
        let (mut one, mut two) = (memory.room(), memory.room());
        assert!(one.take(MOST - 1).is_some() && two.take(2).is_none() && two.take(1).is_some());
        drop(one);
        assert!(two.take(MOST - 1).is_some() && two.take(1).is_none());
        drop(two);
        assert!(memory.room().take(MOST).is_some());
    }
}

//! The buckets of clients or payments: a table with a fixed number of entries.

use core::hash::Hash;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// When each bucket is full again, by key.
#[derive(Debug)]
pub(super) struct Table<K> {
    most: usize,
    newcomers: Newcomers,
    state: Mutex<State<K>>,
}

/// What becomes of those for whom there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newcomers {
    /// They share one bucket.
    ShareOne,
    /// They have no limit.
    Pass,
}

#[derive(Debug)]
struct State<K> {
    entries: HashMap<K, Nanos>,
    shared: Option<Nanos>,
}

impl<K> Table<K> {
    pub(super) fn new(most: usize, newcomers: Newcomers) -> Self {
        Self { most, newcomers, state: Mutex::new(State { entries: HashMap::new(), shared: None }) }
    }

    fn lock(&self) -> MutexGuard<'_, State<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Copy> StateStore for Table<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut state = self.lock();
        let State { entries, shared } = &mut *state;
        if let Some(full_at) = entries.get_mut(key) {
            let (outcome, next) = decide(Some(*full_at))?;
            *full_at = next;
            return Ok(outcome);
        }
        if entries.len() < self.most {
            let (outcome, next) = decide(None)?;
            entries.insert(*key, next);
            return Ok(outcome);
        }
        match self.newcomers {
            Newcomers::Pass => decide(None).map(|(outcome, _)| outcome),
            Newcomers::ShareOne => {
                let (outcome, next) = decide(*shared)?;
                *shared = Some(next);
                Ok(outcome)
            }
        }
    }
}

impl<K: Hash + Eq + Copy> ShrinkableKeyedStateStore<K> for Table<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.lock().entries.retain(|_, full_at| *full_at > drop_below);
    }

    fn len(&self) -> usize {
        self.lock().entries.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

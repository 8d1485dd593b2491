//! Deadlines that run whether or not anybody polls (P6): one task looks at all exchanges of an upstream.
//!
//! A body whose client takes nothing is not polled, over HTTP/2 not even once more, so that no timer inside it would ever be
//! asked. One task for all costs an exchange a place in a list, where a timer for each would cost it two locks of the
//! runtime's.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// What is looked at now and then.
pub(super) trait Watched: Send + Sync {
    /// Ends what is over its time. Returns whether to look again.
    fn look(&self, now: Instant) -> bool;
}

/// The list, and whether its task runs.
pub(super) struct Sweeper {
    every: Duration,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    list: Mutex<List>,
    runs: AtomicBool,
}

#[derive(Default)]
struct List {
    entries: Vec<Weak<dyn Watched>>,
    /// So many are let come before those that are gone are removed: most are gone long before they are looked at.
    full_at: usize,
}

impl Sweeper {
    /// Looks often enough for this idle time: what is over is found at most an eighth of it later.
    pub(super) fn new(idle: Duration) -> Self {
        Self { every: (idle / 8).clamp(SHORTEST, LONGEST), shared: Arc::default() }
    }

    /// Looks at this until it says that it is over, or is gone.
    pub(super) fn watch(&self, entry: Weak<dyn Watched>) {
        let mut list = self.shared.lock();
        if list.entries.len() >= list.full_at {
            list.entries.retain(|entry| entry.strong_count() > 0);
            list.full_at = list.entries.len().saturating_mul(2).max(FEW);
        }
        list.entries.push(entry);
        drop(list);
        if !self.shared.runs.swap(true, Ordering::AcqRel) {
            let running = Running { shared: Arc::clone(&self.shared), has_stopped: false };
            tokio::spawn(running.run(self.every));
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, List> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task's right to run; another may start when it is dropped, for one because the runtime of the first is gone.
struct Running {
    shared: Arc<Shared>,
    has_stopped: bool,
}

impl Running {
    async fn run(mut self, every: Duration) {
        let mut ticks = interval_at(Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.has_stopped {
            let now = ticks.tick().await;
            // Nothing is woken or closed under the lock.
            let mut entries = core::mem::take(&mut self.shared.lock().entries);
            entries.retain(|entry| entry.upgrade().is_some_and(|entry| entry.look(now)));
            let mut list = self.shared.lock();
            list.entries.append(&mut entries);
            if list.entries.is_empty() {
                // Under the lock: an entry that is added afterwards finds that no sweep runs.
                self.shared.runs.store(false, Ordering::Release);
                self.has_stopped = true;
            }
            drop(list);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_stopped {
            self.shared.runs.store(false, Ordering::Release);
        }
    }
}

const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_secs(1);
const FEW: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::AtomicUsize;
    use tokio::time::sleep;

    struct Looked(AtomicUsize);

    impl Watched for Looked {
        fn look(&self, _: Instant) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed) < 1
        }
    }

    #[tokio::test(start_paused = true)]
    async fn p6_the_task_runs_while_there_is_something_to_look_at() {
        let sweeper = Sweeper::new(Duration::from_secs(8));
        for _ in 0..2 {
            let (kept, gone) = (Arc::new(Looked(AtomicUsize::new(0))), Arc::new(Looked(AtomicUsize::new(0))));
            let both: [Weak<dyn Watched>; 2] =
                [Arc::<Looked>::downgrade(&kept) as _, Arc::<Looked>::downgrade(&gone) as _];
            drop(gone);
            for entry in both {
                sweeper.watch(entry);
            }
            sleep(Duration::from_mins(1)).await;
            assert_eq!(kept.0.load(Ordering::Relaxed), 2, "the second look was the last");
            assert!(!sweeper.shared.runs.load(Ordering::Relaxed));
        }
    }

    #[test]
    fn p6_another_task_begins_where_the_first_ended_with_its_runtime() {
        let sweeper = Sweeper::new(Duration::from_secs(8));
        let mut kept = Vec::new();
        for _ in 0..2 {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
            let entry = Arc::new(Looked(AtomicUsize::new(0)));
            kept.push(Arc::clone(&entry)); // so that the task has something to look at when it ends
            runtime.expect("a runtime").block_on(async {
                sweeper.watch(Arc::<Looked>::downgrade(&entry) as _);
                sleep(Duration::from_millis(1_500)).await;
            });
            assert_eq!(entry.0.load(Ordering::Relaxed), 1);
        }
    }

    #[tokio::test]
    async fn what_is_gone_takes_no_room() {
        let sweeper = Sweeper::new(Duration::from_hours(1));
        for _ in 0..10 * FEW {
            let entry: Arc<dyn Watched> = Arc::new(Looked(AtomicUsize::new(0)));
            sweeper.watch(Arc::downgrade(&entry));
        }
        assert!(sweeper.shared.lock().entries.len() <= FEW);
    }
}

//! Who waits until something is durable, and how they are told.
//!
//! To wake a task of another thread costs a system call, and often the thread's sleep. So all that wait in one runtime are handed to
//! one task there, which wakes them beside it.

use core::mem;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Somebody who waits. Dropped, it is not told: its receiver learns that nobody will.
#[derive(Debug)]
pub(super) struct Waiting {
    done: oneshot::Sender<()>,
    /// Where it waits, if that is a runtime.
    runtime: Option<Handle>,
}

impl Waiting {
    pub(super) fn new() -> (Self, oneshot::Receiver<()>) {
        let (done, receiver) = oneshot::channel();
        (Self { done, runtime: Handle::try_current().ok() }, receiver)
    }
}

/// Tells everybody.
pub(super) fn tell(all: Vec<Waiting>) {
    let mut batches: Vec<(Option<Handle>, Batch)> = Vec::new();
    for Waiting { done, runtime } in all {
        let id = runtime.as_ref().map(Handle::id);
        match batches.iter_mut().find(|(runtime, _)| runtime.as_ref().map(Handle::id) == id) {
            Some((_, batch)) => batch.0.push(done),
            None => batches.push((runtime, Batch(vec![done]))),
        }
    }
    for (runtime, batch) in batches {
        match runtime {
            Some(runtime) if batch.0.len() > 1 => drop(runtime.spawn(async move { drop(batch) })),
            _ => drop(batch),
        }
    }
}

/// They are told when it is dropped, so also where their runtime has ended.
struct Batch(Vec<oneshot::Sender<()>>);

impl Drop for Batch {
    fn drop(&mut self) {
        for done in mem::take(&mut self.0) {
            done.send(()).unwrap_or_default(); // whoever does not wait any more
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_told_also_those_of_no_runtime_and_of_one_that_has_ended() {
        let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (here, gone) = (runtime(), runtime());
        let mut waiting = vec![Waiting::new(), Waiting::new()];
        for runtime in [&here, &gone] {
            let _inside = runtime.enter();
            waiting.extend([Waiting::new(), Waiting::new()]);
        }
        drop(gone);
        let (waiting, receivers): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        tell(waiting);
        here.block_on(async {
            for receiver in receivers {
                receiver.await.unwrap();
            }
        });
    }

    #[test]
    fn who_is_dropped_is_not_told() {
        let (waiting, mut receiver) = Waiting::new();
        drop(waiting);
        assert_eq!(receiver.try_recv(), Err(oneshot::error::TryRecvError::Closed));
    }
}

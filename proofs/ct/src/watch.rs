//! The borders of what is proven: the instructions between two marks.
//!
//! Everything before the first mark (making keys, texts and buffers) and after the second (naming the verdict) may depend on
//! the secrets; nothing between them may.

use crate::request;
use nix::sys::signal::{Signal, raise};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};

/// Does the work between the marks and returns its answer, which is public from here on.
///
/// `work` must take its inputs out of [`black_box`] itself, so that no part of it is moved in front of the first mark.
#[inline(never)]
pub fn watch<T>(work: impl FnOnce() -> T) -> T {
    if TRACED.load(Ordering::Relaxed) {
        // The tracer steps from here on.
        raise(Signal::SIGSTOP).expect("a process may stop itself");
    }
    begin();
    let answer = black_box(work());
    end();
    request::defined(&answer);
    black_box(answer)
}

/// Lets [`watch`] stop this process in front of the first mark, for its tracer.
pub fn stop_at_marks() {
    TRACED.store(true, Ordering::Relaxed);
}

/// The addresses of the two marks in this process.
pub fn marks() -> [u64; 2] {
    [begin as *const () as u64, end as *const () as u64]
}

static TRACED: AtomicBool = AtomicBool::new(false);

// Two different bodies: equal ones would become one function.

#[inline(never)]
fn begin() {
    black_box(1);
}

#[inline(never)]
fn end() {
    black_box([2; 2]);
}

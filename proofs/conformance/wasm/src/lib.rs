//! Runs the vectors on wasm32, without an operating system and without imports.
//!
//! `run` runs all of them and returns how many bytes of text it wrote at `text`: a line for each case that failed or was left
//! out, and at last how many passed, failed, and were left out.
#![no_std]

use core::fmt::{self, Write};
use core::sync::atomic::{AtomicU8, Ordering};
use l402_conformance::{Outcome, Report, run_all};

/// The text, which the host reads. Atomic, so that it can be written without `unsafe`; there is one thread.
static TEXT: [AtomicU8; 1 << 16] = [const { AtomicU8::new(0) }; 1 << 16];

#[expect(unsafe_code, reason = "a function must keep its name to be an export; nothing else of these names is linked")]
mod exports {
    use super::{TEXT, write_report};

    /// Returns where the text stands.
    #[unsafe(no_mangle)]
    extern "C" fn text() -> *const u8 {
        TEXT.as_ptr().cast()
    }

    /// Runs every case; returns the length of the text.
    #[unsafe(no_mangle)]
    extern "C" fn run() -> usize {
        write_report()
    }
}

#[expect(clippy::large_stack_arrays, reason = "the build script makes the stack large enough")]
fn write_report() -> usize {
    let mut text = Text(0);
    let (mut passed, mut failed, mut left_out) = (0, 0, 0);
    run_all(&mut [0; 1 << 20], &mut |Report { kind, id, outcome, .. }| {
        let written = match outcome {
            Outcome::Passed => {
                passed += 1;
                Ok(())
            }
            Outcome::Failed(differs) => {
                failed += 1;
                writeln!(text, "failed: {kind} {id}: {differs}")
            }
            Outcome::LeftOut => {
                left_out += 1;
                writeln!(text, "left out: {kind} {id}")
            }
        };
        let _ = written; // what does not fit is counted all the same
    });
    match writeln!(text, "passed {passed}, failed {failed}, left out {left_out}") {
        Ok(()) => text.0,
        Err(_) => 0,
    }
}

/// What was written so far.
struct Text(usize);

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            TEXT.get(self.0).ok_or(fmt::Error)?.store(byte, Ordering::Relaxed);
            self.0 += 1;
        }
        Ok(())
    }
}

#[cfg(target_family = "wasm")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

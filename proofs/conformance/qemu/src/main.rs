//! Runs the vectors on a microcontroller, and ends QEMU with the outcome.
//!
//! The last line says how many cases passed, failed, and were left out for want of memory; every case of the latter two has a
//! line of its own.
#![no_std]
#![no_main]
#![allow(clippy::large_stack_arrays, reason = "the boards that lend more than a few KiB have 4 MiB of stack")]

use l402_conformance::{Outcome, Report};
use semihosting::{println, process};

#[cfg(target_arch = "arm")]
use cortex_m as _; // the critical section
#[cfg(target_arch = "arm")]
use cortex_m_rt::entry;
#[cfg(target_arch = "riscv32")]
use riscv as _; // the critical section
#[cfg(target_arch = "riscv32")]
use riscv_rt::entry;

include!(concat!(env!("OUT_DIR"), "/board.rs"));

#[entry]
fn main() -> ! {
    let mut room = [0; ROOM];
    let (mut passed, mut failed, mut left_out) = (0, 0, 0);
    let mut report = |Report { kind, id, outcome, .. }: Report| match outcome {
        Outcome::Passed => passed += 1,
        Outcome::Failed(differs) => {
            failed += 1;
            println!("failed: {kind} {id}: {differs}");
        }
        Outcome::LeftOut => {
            left_out += 1;
            println!("left out: {kind} {id}");
        }
    };
    for run in RUN {
        run(&mut room, &mut report);
    }
    println!("passed {passed}, failed {failed}, left out {left_out}");
    process::exit(i32::from(failed > 0 || passed == 0))
}

//! Holds the protocol crates against `spec-vectors`, on any machine that runs Rust.
//!
//! The build script turns the JSON files into static tables, so that nothing is read, parsed or allocated at run time: the
//! same cases run in a test, in Node on wasm32, and on a microcontroller. Every case goes through the public API of
//! `l402-core`, which re-exports `l402-macaroon`.
//!
//! 1. Each subject is a function that runs its cases ([`macaroon`], [`challenge`], …); [`run_all`] runs every one. A firmware
//!    that calls only some of them holds only their cases.
//! 2. The caller lends memory. A case that needs more is reported as left out, never as passed.
//! 3. A field, kind, verdict or error that this crate does not know fails: the first two its build, the others their case.
//!
//! ```
//! use l402_conformance::{Outcome, run_all};
//!
//! let (mut passed, mut failed) = (0, 0);
//! run_all(&mut vec![0; 1 << 20], &mut |report| match report.outcome {
//!     Outcome::Passed => passed += 1,
//!     Outcome::Failed(_) | Outcome::LeftOut => failed += 1,
//! });
//! assert!(passed > 0 && failed == 0);
//! ```
#![no_std]

mod bolt11;
mod caveat;
mod challenge;
mod check;
mod credential;
mod data;
mod exchange;
mod grpc;
mod identifier;
mod keys;
mod macaroon;
mod names;
mod room;
mod sold;
mod token_file;

pub use bolt11::bolt11;
pub use caveat::caveat;
pub use challenge::challenge;
pub use check::{Differs, FaultName};
pub use credential::credential;
pub use exchange::exchange;
pub use grpc::grpc;
pub use identifier::identifier;
pub use keys::keys;
pub use macaroon::macaroon;
pub use token_file::token_file;

use crate::check::Checked;
use crate::data::Case;
use crate::room::{NO_ROOM, Room};

/// Runs every case of every subject.
pub fn run_all(room: &mut [u8], report: &mut dyn FnMut(Report)) {
    for (_, run) in SUBJECTS {
        run(room, report);
    }
}

/// Runs the cases of one subject, with the memory that the caller lends, and reports each.
pub type Run = fn(&mut [u8], &mut dyn FnMut(Report));

/// Every subject, by the name of its folder.
pub const SUBJECTS: [(&str, Run); 10] = [
    ("bolt11", bolt11),
    ("caveat", caveat),
    ("challenge", challenge),
    ("credential", credential),
    ("exchange", exchange),
    ("grpc", grpc),
    ("identifier", identifier),
    ("keys", keys),
    ("macaroon", macaroon),
    ("token-file", token_file),
];

/// What became of one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The case's subject and file, as in `macaroon/decode`.
    pub kind: &'static str,
    /// The case's id in that file.
    pub id: &'static str,
    /// The rule that it tests.
    pub rule: &'static str,
    /// The verdict that it states.
    pub verdict: &'static str,
    /// How it went.
    pub outcome: Outcome,
}

/// How a case went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was as the case states it.
    Passed,
    /// Something was not.
    Failed(Differs),
    /// The case needs more memory than was lent.
    LeftOut,
}

/// Runs the cases of one file.
fn run<C: Case>(
    cases: &'static [C],
    check: fn(&C, Room<'_>) -> Checked,
    room: &mut [u8],
    report: &mut dyn FnMut(Report),
) {
    for case in cases {
        let outcome = match case.min_ram() {
            Some(needed) if needed > room.len() => Outcome::LeftOut,
            _ => match check(case, Room(room)) {
                Ok(()) => Outcome::Passed,
                Err(NO_ROOM) => Outcome::LeftOut,
                Err(differs) => Outcome::Failed(differs),
            },
        };
        report(Report { kind: C::KIND, id: case.id(), rule: case.rule(), verdict: case.verdict(), outcome });
    }
}

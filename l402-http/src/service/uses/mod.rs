//! What stands around a use on the gateway's side: the way to the ledger, the attempt that holds the use, and what is still to be
//! said about it when nobody waits any more.
//!
//! 1. Everything that decides is [`l402_core::ledger`]; here a question gets its deadline, and a lost reply its repetition.
//! 2. No lock is held while a store, a node or an inner service works.

mod asked;
mod attempt;
mod attended;
mod breaker;
mod claim;
mod clock;
mod desk;
mod owed;

pub use asked::{BodyDigest, Digested};

pub(super) use asked::{Asked, IDEMPOTENCY_KEY, fingerprint};
pub(super) use attempt::{Attempt, race};
pub(super) use attended::{Attended, Stays, Unclaimed};
pub(super) use breaker::{Breaker, News};
pub(super) use claim::Claim;
pub(super) use desk::{Away, Desk, Unsold};

//! Breakers, and what the owner is asked and told, in the database.
//!
//! 1. A payment begins only where the breaker of its origin and the common one let it, in the transaction that reserves it: what was
//!    tripped before stops it, in whatever process. [`l402_core::purchase::breaker`] decides; this module reads and writes the few rows.
//! 2. Where a payment needs a confirmation, that of its owner for the same invoice, origin, amount and call is used up with the
//!    reservation. No row is locked while somebody thinks about it.
//! 3. What trips a breaker is recorded with what happened: a purchase is refused and its breaker is tripped, or neither. An alert is
//!    written in the same step, and goes out later.
//! 4. A purchase that is refused is a loss once, however often it is refused.

// Threats: A5, A9.

mod admit;
mod alert;
mod confirmation;
mod consider;
mod guards;
mod happen;
mod owner;
mod price;
mod row;
mod tables;
mod why;

pub(super) use admit::{Look, admit, admit_again};
pub use alert::OpenAlert;
pub use confirmation::{Answer, Question};
pub(super) use confirmation::{Asked, Stand};
pub(super) use consider::consider;
pub use guards::Guards;
pub(super) use happen::{forgiven, marked};
pub use owner::{AnswerError, Breakers, ShownBreaker};
pub(super) use price::sold;
pub(super) use tables::TABLES;
pub(super) use why::named;
pub use why::{Because, WhyAsk};

#[cfg(test)]
mod tests;

//! Budgets, and what payments hold of them, in the database.
//!
//! 1. A payment is reserved in its budget and in all budgets above it, in the transaction that records its intent. Where one of them
//!    has no room, neither is written. [`l402_core::purchase`] decides; this module reads and writes the few rows.
//! 2. The attempt of a payment is its payment hash: the network lets its money move once. An event that comes again changes nothing.
//! 3. Budgets and entries are never deleted. A budget of a name that was removed is a new one.
//! 4. What was paid before there were budgets counts in the first budget, [`MAIN`], which every other one is below of.
//! 5. Where the wall clock is behind the stored time after a boot, budgets that depend on time pay nothing, until the owner accepts it.

// Threats: A5.

mod adopt;
mod clock;
mod entry;
mod judge;
mod limits;
mod line;
mod list;
mod payee;
mod refused;
mod reserve;
mod room;
mod service;
mod sharing;
mod tables;
mod wallet;

pub(super) use adopt::adopt;
pub use clock::ClockState;
pub(super) use clock::{column, note, pass};
pub use judge::Sale;
pub(super) use line::wrong;
pub use line::{BudgetId, MAIN};
pub use list::{BudgetError, Budgets, NewBudget, NewEnd, ShownBudget};
pub(super) use payee::{Node, begin as begin_payee, change as payee_change};
pub use refused::{PolicyRefusal, RefusalKind, Unconfirmed};
pub use reserve::{CallId, Payer};
pub(super) use reserve::{happen, intend, judge, raise, would_refuse_intent};
pub use room::Room;
pub(crate) use service::service;
pub(super) use sharing::shares;
pub(super) use tables::{ADDED_TABLES, NEXT_TABLES, TABLES};
pub use wallet::FeeLimit;

#[cfg(test)]
mod tests;

//! What a buyer spends, without I/O: budgets, payments, what becomes of a payment whose outcome is not known, and of what it bought.
//!
//! A payment is reserved in its budget and in every budget above it, before a wallet is asked:
//!
//! ```text
//!              send                 the wallet proves it
//!  intended ─────────▶ sent ───────────────────────────────▶ proven
//!      │                 │ ╲ it failed for certain        ╱
//!      │ abandon         │  ╲────────────▶ failed ◀──────╱
//!      ▼                 │ nobody can say              ╱
//!  abandoned             └──────────▶ unknown ────────╱
//!                                        └──────────────────▶ forgotten
//! ```
//!
//! 1. [`step`] takes one payment's [`Entry`] and one [`Event`]. It returns the entry that the store keeps, and the [`Command`] for
//!    the shell. Every event may come again. After a crash, `intended` counts as `sent`: nobody knows whether the wallet was asked.
//! 2. An entry holds the amount and the maximum fee until its outcome is recorded, and then what the wallet debited. `unknown` stays
//!    reserved, `forgotten` counts as spent. A success that comes late is booked, even above a limit: the money moved.
//! 3. [`reserve`] checks the limits of a budget and of all budgets above it. A child's limits are caps: they promise nothing. A
//!    budget that is frozen, removed or over stops those below it. What routing may cost and how long it may lock money is narrowed to
//!    the limits ([`Limits::narrow`]), and refused above them.
//! 4. An entry counts in every [`Window`] from its reservation until one window length after its outcome was recorded. What was
//!    spent in all ([`Account`]) never falls.
//! 5. Windows are measured by a [`Clock`] that never goes back.
//! 6. A [`breaker`] stops paying after what has happened, at one origin or altogether.
//! 7. [`Record`] decides what follows from what a wallet says about a payment.
//!
//! A store does a step in one transaction, all or nothing. Time is an argument.

mod account;
pub mod breaker;
mod budget;
mod clock;
mod delivery;
mod entry;
mod lookup;
mod reserve;
mod route;
mod share;
mod window;

pub use account::Account;
pub use budget::{Budget, BudgetStanding, Limit, Limits, MAX_DEPTH};
pub use clock::{BootId, Clock, Passage, Reading};
pub use delivery::{Delivery, DeliveryCommand, DeliveryEvent, DeliveryStanding};
pub use entry::{Command, Entry, Event, Standing, step};
pub use lookup::{Asked, Record, Status, Step, Unresolved};
pub use reserve::{Cost, Counted, Refusal, Refused, raise, reserve};
pub use route::Route;
pub use share::{Sold, Tally};
pub use window::{Window, WindowTime};

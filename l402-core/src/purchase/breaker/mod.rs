//! When to stop paying, after what has happened: one breaker for each origin, and one for all of them together.
//!
//! ```text
//!                     something trips it
//!  normal ─────────────────────────────────▶ require-confirmation, read-only or frozen
//!     ▲  the cool-down is over                         │                       │
//!     ├────────────────────────────────────────────────┘                       │
//!     └─────────────────────────── the owner resets it ────────────────────────┘
//! ```
//!
//! 1. [`step`] takes one breaker's [`Circuit`] and one [`Event`]. It returns the circuit that the store keeps, and the [`Verdict`]: which
//!    [`Mode`] holds from now on, and what there is to tell.
//! 2. An origin trips its own breaker and no other: by failures one after another, by a purchase that it refused, and by a price that is
//!    many times the [usual](usual_msat) one. The common breaker trips on what is spent in an hour, and on losses at several origins.
//! 3. A server that asks to come back later (409, 429, 503) trips nothing.
//! 4. A breaker never becomes laxer by what happens, only by time. The end of a cool-down never leaves [`Mode::Frozen`], nor what the owner
//!    has set; the owner does.
//! 5. After a cool-down, the next failure trips the breaker again.
//!
//! Of two breakers, the stricter [`Mode`] holds. Time is an argument.

// Threats: A5, A9.

mod circuit;
mod mode;
mod rules;
mod usual;

pub use circuit::{Cause, Change, Circuit, Event, Verdict, step};
pub use mode::{Act, Mode, NoMode, Permission};
pub use rules::Rules;
pub use usual::{MAX_PRICES, usual_msat};

#[cfg(test)]
mod tests;

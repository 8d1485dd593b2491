//! The paid service on one thread, in simulated time, between a store, an upstream and clients that a seed rules.
//!
//! 1. What is under test is real: `l402_http::service` with its gate, and [`l402_ledger::Account`] with `l402_core::ledger::step`. The
//!    network, the disk, the clocks, the upstream and the callers are simulated.
//! 2. A seed determines everything: what is sold, who asks when, what the upstream answers, which messages are lost, late or doubled,
//!    when the store is away, when gateways crash and clients go. Time is tokio's, paused: it passes when nobody has anything to do.
//! 3. A gateway crashes between any two of its steps, and a client goes away after any poll ([`Process`], [`cut`]).
//! 4. An embedded store crashes with its gateway. It keeps what was written, and any part of what was being written, in order.
//! 5. Each change of the record is watched as it happens. At rest, the audit holds the counters against what upstream and clients
//!    saw. Then the rest is used up, so that a use that nobody can have any more is noticed.

mod answer;
mod audit;
mod book;
mod chance;
mod gateway;
mod link;
mod meter;
mod plan;
mod process;
mod run;
mod store;
mod town;
mod upstream;
mod watch;

pub use answer::{Answer, Body, Class, Down};
pub use chance::Chance;
pub use meter::Metering;
pub use plan::{Caller, End, Faults, Plan, StoreKind, What};
pub use process::{Leaves, Process, cut};
pub use run::{Report, run};

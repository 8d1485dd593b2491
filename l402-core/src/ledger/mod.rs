//! The ledger of paid uses, without I/O: what a store does with a use, and what a gateway does with an attempt.
//!
//! A sale of 100 calls is a counter of 100. A request that presents the token *reserves* a use before it goes to the
//! upstream, and *commits* it before the head of the response leaves:
//!
//! ```text
//!              reserve                    commit
//!  available ───────────▶ reserved ─────────────────────▶ committed
//!      ▲                   │     │ lease ends, or the outcome is not known, and the request may have had an effect
//!      │  release, or      │     ▼
//!      │  its lease ends   │   in doubt ──▶ committed, or available: a person, the route's rule, or the same request again
//!      └───────────────────┘
//! ```
//!
//! 1. No counter is committed more often than its limit ([`Tally`]). A request takes one use from each counter that its token
//!    names, or from none.
//! 2. A use is committed only for an attempt that the upstream answered, by the third try that costs a use, or where a doubt is
//!    resolved so. [`transition`] is the table of outcomes.
//! 3. The store names the winner: [`step`] takes one payment's [`Record`] and one [`Event`], and says what became of it. Every
//!    event is idempotent by its [`AttemptId`], so that one whose reply was lost can be sent again.
//! 4. Only the store's clock ends a lease or a doubt.
//! 5. A counter of money, of a route that is metered, is the same with larger amounts. What is charged as it flows is committed in
//!    slices: an attempt that is committed [draws](Event::Draw) another before it goes on, and gives the rest of the last one back.
//! 6. [`Course`] is the other side: what a gateway does next with its attempt, replies lost and deadlines included.
//!
//! A store runs [`step`] itself, or does the same in its own language and passes the same suite (`l402-ledger`).

mod attempt;
mod course;
mod event;
mod outcome;
mod record;
mod request;
mod room;
mod step;
mod tally;
mod time;

pub use attempt::{
    Attempt, AttemptId, DoubtCause, DoubtRule, Fingerprint, Idempotence, IdempotencyKey, Resolution, Safety, Standing,
};
pub use course::{Command, Course, Input, Passed};
pub use event::{Counted, Event, Refused, Reply, Reserve};
pub use outcome::{Attempted, Transition, transition};
pub use record::Record;
pub use request::{Content, UpstreamKeys};
pub use room::room;
pub use step::{pass, step};
pub use tally::Tally;
pub use time::{Now, StoreTime};

use core::time::Duration;

/// How long a reservation lasts unless it is renewed.
pub const LEASE: Duration = Duration::from_secs(30);

/// How often a reservation is renewed.
pub const RENEW: Duration = Duration::from_secs(10);

/// An attempt that was not renewed ends so long before its lease, by the gateway's monotonic clock.
pub const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// How long a record outlives its token, and how long a settled attempt is remembered for a request that is sent again.
pub const SKEW: Duration = Duration::from_secs(600);

/// The most counters that holders of one payment's tokens can add.
pub const MAX_BRANCHES: usize = 1_000;

/// The tries that failed by the client's own doing after which one costs a use.
pub const TRIES: u8 = 3;

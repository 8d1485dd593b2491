//! What a gateway asks of a store, and what it is told.

use super::attempt::{DoubtRule, Fingerprint, Idempotence, IdempotencyKey, Resolution, Safety};
use crate::counter::Counters;
use crate::unix_seconds::UnixSeconds;

/// What a gateway asks for one of its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "without an allocator there is no box")]
pub enum Event {
    /// A use, before the request goes to the upstream.
    Reserve(Reserve),
    /// A longer lease.
    Renew,
    /// The upstream has answered.
    Commit {
        /// How much of the reserved amount is used; 1 for a use.
        amount: u64,
    },
    /// The use is given back.
    Release(Counted),
    /// The outcome is not known.
    Doubt,
    /// No byte of the response has left: an attempt that only reads gives its use back, even where it is committed already.
    /// Any other is in doubt.
    TakeBack,
    /// A person has decided about a doubt.
    Resolve(Resolution),
    /// What is metered goes on: an attempt that is committed takes more, as far as there is more, or ends.
    Draw {
        /// How much it takes in all.
        total: u64,
        /// Whether it takes nothing any more. What it has taken above the total is then given back.
        is_last: bool,
    },
}

/// Whether a release counts as a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// The client could not help it.
    No,
    /// Each third one costs a use.
    Yes,
}

/// A request for a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reserve {
    /// The counters of the token.
    pub counters: Counters,
    /// How much to take from each; 1 for a use.
    pub amount: u64,
    /// When the sale ends ([`CountedGrant::sale_ends_at`](crate::CountedGrant::sale_ends_at)).
    pub ends_at: UnixSeconds,
    /// Whether the request may have an effect.
    pub safety: Safety,
    /// Whether it may be made again while its outcome is in doubt.
    pub idempotence: Idempotence,
    /// What it asks for, where all of it is known.
    pub fingerprint: Option<Fingerprint>,
    /// The client's key for it.
    pub key: Option<IdempotencyKey>,
    /// What becomes of it, should it fall into doubt.
    pub doubt: DoubtRule,
}

/// What a store says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// The attempt holds a use.
    Reserved {
        /// The number of the use.
        number: u32,
        /// How much is left of the counter that has least.
        remaining: u64,
    },
    /// It does not.
    Refused(Refused),
    /// The lease is longer.
    Renewed,
    /// The use is gone.
    Committed {
        /// How much is left of the counter that has least.
        remaining: u64,
        /// Whether one of the counters is used up.
        is_spent: bool,
    },
    /// The use is available.
    Released {
        /// Whether this try cost a use.
        cost_a_use: bool,
        /// How much is left of the counter that has least.
        remaining: u64,
    },
    /// The use is in doubt.
    InDoubt,
    /// A person's decision is carried out.
    Resolved,
    /// The attempt has taken more, or has ended.
    Drawn {
        /// How much it has taken in all.
        total: u64,
        /// How much is left of the counter that has least.
        remaining: u64,
    },
    /// The attempt holds no use (any more): its lease ended, and the use went to another.
    Lost,
}

/// Why there is no use for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refused {
    /// All of it is used.
    Spent,
    /// Other requests hold what is left. Some of it may come back.
    Busy,
    /// What is left is in doubt, or this very request is.
    InDoubt,
    /// Another request holds the client's `Idempotency-Key`.
    KeyHeld,
    /// The token has ended, or its record was deleted.
    Ended,
    /// Holders of the payment's tokens have added too many counters.
    TooManyBranches,
    /// The attempt was given up before it was asked for.
    Cancelled,
}

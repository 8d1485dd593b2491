//! An attempt: one request that holds a use, or held one.

use super::time::StoreTime;
use crate::counter::CounterKey;
use core::fmt;
use core::time::Duration;
use l402_macaroon::hex;

macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Wraps the bytes.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// Returns the bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            /// Writes hexadecimal digits, lower case.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; 2 * $len];
                f.write_str(hex::encode_into(&self.0, &mut text).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

bytes! {
    /// Names an attempt: random, different for all attempts of all gateways.
    AttemptId, 16
}

bytes! {
    /// Says what a request asks for: a hash over method, path, query, and the client's `Idempotency-Key` or the body.
    /// Two requests with one fingerprint are the same request.
    Fingerprint, 32
}

bytes! {
    /// A hash of the `Idempotency-Key` that a client sent.
    IdempotencyKey, 32
}

/// One attempt, as a store remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attempt {
    /// The counters that it takes from, in the order of the token.
    pub counters: [Option<CounterKey>; crate::counter::Counters::MAX],
    /// How much it takes from each.
    pub amount: u64,
    /// The number of the use among those of the payment. A use that was given back keeps its number for the next attempt.
    pub number: u32,
    /// Whether it may have an effect.
    pub safety: Safety,
    /// What it asks for; [`None`] where the gateway does not know all of it.
    pub fingerprint: Option<Fingerprint>,
    /// The client's key for it.
    pub key: Option<IdempotencyKey>,
    /// What becomes of it, should it fall into doubt.
    pub doubt: DoubtRule,
    /// Where it stands.
    pub standing: Standing,
}

/// Whether a request may have an effect (RFC 9110 §9.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Safety {
    /// It only reads. If its outcome is lost, it can be made again.
    Safe,
    /// It may have an effect.
    Unsafe,
}

/// Whether a route's requests may be made again while the outcome of the first is in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Idempotence {
    /// They may not.
    #[default]
    Once,
    /// They may: the upstream keeps the promise of the `Idempotency-Key`.
    Repeatable,
}

/// Where an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It holds its use until its lease ends.
    Reserved {
        /// When the lease ends.
        lease_ends: StoreTime,
    },
    /// Nothing is known of its outcome.
    InDoubt {
        /// Why.
        cause: DoubtCause,
        /// When the route's rule resolves it, and how.
        resolves: Option<(StoreTime, Resolution)>,
    },
    /// Its use is gone.
    Committed {
        /// When that was.
        at: StoreTime,
    },
    /// It holds no use, and never will again.
    Cancelled {
        /// When that was.
        at: StoreTime,
    },
}

/// Why an attempt is in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DoubtCause {
    /// Its lease ended. Its gateway may still know the outcome.
    Lapsed,
    /// Its gateway does not know the outcome.
    Unknown,
}

/// What a doubt comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// The use counts as used.
    Used,
    /// The use is available again.
    Unused,
}

/// What a route does with a doubt by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DoubtRule {
    /// A person resolves it.
    #[default]
    Hold,
    /// After that time it is resolved.
    After(Duration, Resolution),
}

impl DoubtRule {
    /// When a doubt that begins now is resolved, and how.
    pub(super) fn from(self, now: StoreTime) -> Option<(StoreTime, Resolution)> {
        match self {
            Self::Hold => None,
            Self::After(time, resolution) => Some((now.after(time), resolution)),
        }
    }
}

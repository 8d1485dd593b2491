//! What a paid service tells its subscribers: one typed event at the end of each phase.
//!
//! 1. [`Phase::Routed`] comes exactly once for each request, first. [`Phase::Ended`] comes exactly once, last, even where the
//!    client goes away (but not where the service panics). Every other phase comes at most once, or not at all where the
//!    request does not get there. Where no subscriber [wants all](super::Observe::sees_all), only the phases from `Settled` or
//!    `Priced` to `Challenged` are told. Where the client has gone from a request that may have an effect, `Forwarded` and
//!    `Committed` come after `Ended`, when it is known what became of the use.
//! 2. The events of one request have one [`RequestId`] and come in the order of the phases.
//! 3. An event tells no secret: no token, no preimage, no query, no header. The path is canonical; one that was refused is
//!    not told, because the client chose what it is made of.
//!
//! | outcome | events, in order |
//! |---|---|
//! | admitted | `Routed`, `Judged`, `Forwarded`, `Ended` |
//! | admitted under strict settlement | `Routed`, `Judged`, `Settled`, `Forwarded`, `Ended` |
//! | admitted with a token that is counted | as above, with `Reserved` before `Forwarded` and `Committed` after it |
//! | charged | `Routed`, `Judged`, `Priced`, `Invoiced`, `Minted`, `Challenged`, `Ended` |
//! | refused by the judge | `Routed`, `Judged`, `Ended` |
//! | free, or a preflight for the inner service | `Routed`, `Forwarded`, `Ended` |
//! | no such route, a preflight that is answered here | `Routed`, `Ended` |
//! | nothing to sell at the moment | `Routed`, `Judged`, `Priced`, `Ended` |
//! | above a [rate](super::RateLimits) | `Routed`, `Judged`, `Ended` |
//! | no use left | `Routed`, `Judged`, `Reserved`, then as charged |
//! | no use free, or no ledger | `Routed`, `Judged`, `Reserved`, `Ended` |
//! | no invoice | `Routed`, `Judged`, `Priced`, `Invoiced`, `Ended` |
//! | the node cannot say whether it was paid | `Routed`, `Judged`, `Settled`, `Ended` |

use crate::policy::RouteId;
use crate::response::Rejection;
use core::error::Error;
use core::fmt;
use core::time::Duration;
use http::{Method, StatusCode};
use l402_core::ledger::Refused;
use l402_core::{Decision, Msat, Name, PaymentHash, UnixSeconds};

/// One event: which request it belongs to, and what came out of a phase.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Event<'a> {
    /// The request.
    pub request: RequestId,
    /// The time since the request came to the paid service, by the clock of
    /// [`Paywall::stopwatch`](super::Paywall::stopwatch).
    pub elapsed: Duration,
    /// The method of the request.
    pub method: &'a Method,
    /// The canonical path without its query, or the prefix of one that is forwarded as it came; [`None`] where the path is
    /// refused.
    pub path: Option<&'a str>,
    /// The route; [`None`] where no route takes the method and the path.
    pub route: Option<RouteId>,
    /// The service that the route belongs to.
    pub service: Option<&'a Name>,
    /// The phase that has ended, and its outcome.
    pub phase: Phase<'a>,
}

/// The number of a request, different for all requests of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub(super) u64);

impl RequestId {
    /// Returns the number, which begins at 1.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A phase that has ended, with its outcome.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Phase<'a> {
    /// The route is known. Exactly once, first.
    Routed(Routed),
    /// The credential was judged. For priced routes only.
    Judged(Decision),
    /// It is known whether the payment arrived. Under strict settlement only.
    Settled(Settled<'a>),
    /// The ledger was asked for a use. For tokens that are counted only.
    Reserved(Reserved<'a>),
    /// There is a price.
    Priced(Priced),
    /// The node has made an invoice.
    Invoiced(Invoiced<'a>),
    /// There is a token for the invoice.
    Minted(Minted<'a>),
    /// The challenge is written.
    Challenged(Challenged),
    /// The inner service has answered.
    Forwarded(Forwarded),
    /// It is known what became of the use. For tokens that are counted only.
    Committed(Committed),
    /// The head of the response leaves, or never will. Exactly once, last.
    Ended(Ended),
}

/// Makes the kinds of events from one table, which `docs/reference.md` is printed from too.
macro_rules! kinds {
    ($($name:ident => $meaning:literal,)+) => {
        /// The kind of an event: the phase that has ended.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum PhaseKind {
            $(#[doc = $meaning] $name,)+
        }

        impl PhaseKind {
            /// Every kind, in the order of the phases.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Returns the name, such as `Routed`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// Returns what the event means, in a sentence or two.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$name => $meaning,)+
                }
            }
        }

        impl Phase<'_> {
            /// Returns the kind of the event, without its outcome.
            pub const fn kind(&self) -> PhaseKind {
                match self {
                    $(Self::$name(_) => PhaseKind::$name,)+
                }
            }
        }
    };
}

kinds! {
    Routed => "The route is known. Exactly once, first.",
    Judged => "The credential was judged. For priced routes only.",
    Settled => "It is known whether the payment arrived. Under strict settlement only.",
    Reserved => "The ledger was asked for a use. For tokens that are counted only.",
    Priced => "The price is known, or the route cannot be served at the moment.",
    Invoiced => "The node has created an invoice, or it failed.",
    Minted => "The token for the invoice is minted, or that failed.",
    Challenged => "The challenge is written.",
    Forwarded => "The inner service has responded.",
    Committed => "It is known what became of the use. For tokens that are counted only.",
    Ended => "The head of the response leaves, or never will. Exactly once, last.",
}

/// What a request means to the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Routed {
    /// The route is sold.
    Priced,
    /// The route costs nothing.
    Free,
    /// A preflight, which the inner service answers.
    Preflight,
    /// A preflight that was answered here.
    Answered(StatusCode),
    /// The request is refused.
    Refused(Rejection),
}

/// Whether the payment behind a token arrived.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Settled<'a> {
    /// At least the price arrived.
    Paid {
        /// How much.
        received_msat: Msat,
    },
    /// Less than the price arrived. The request is charged.
    Underpaid {
        /// How much.
        received_msat: Msat,
    },
    /// Nothing has arrived yet.
    Pending,
    /// The node cannot say.
    Unknown {
        /// Why, with its causes.
        error: &'a (dyn Error + 'static),
    },
}

/// What the ledger said to a request for a use.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Reserved<'a> {
    /// The request holds one.
    Held {
        /// Its number among those of the payment.
        number: u32,
    },
    /// There is none for it.
    Refused(Refused),
    /// It needs none: it gets an answer that was kept.
    Answered,
    /// The ledger cannot say.
    Unavailable {
        /// Why, with its causes.
        error: &'a (dyn Error + 'static),
    },
}

/// What became of a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Committed {
    /// It is gone.
    Used {
        /// How much is left of the counter that has least.
        remaining: u64,
        /// Whether a counter is used up.
        is_spent: bool,
    },
    /// It is available again.
    Unused {
        /// Whether this try cost a use.
        cost_a_use: bool,
        /// How much is left of the counter that has least.
        remaining: u64,
    },
    /// It is in doubt.
    InDoubt,
    /// The ledger has not confirmed that it was given back. It goes on being asked.
    Unconfirmed,
    /// It went to another request, because the lease had ended. The response was dropped.
    Lost,
    /// The ledger has not confirmed that it is gone. The response was dropped, and the use is taken back.
    Unavailable,
}

/// What the request costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Priced {
    /// It is for sale.
    At {
        /// The price.
        price_msat: Msat,
    },
    /// The route cannot be served at the moment, so nothing is sold.
    Undeliverable {
        /// After how long another attempt makes sense.
        retry_after: Duration,
    },
    /// The key that signs new tokens was revoked, so nothing is sold: each token would be refused.
    KeyRevoked,
}

/// What became of an invoice.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Invoiced<'a> {
    /// The node made it, and it says what was asked for.
    Made {
        /// Its payment hash.
        payment_hash: PaymentHash,
        /// Its amount.
        price_msat: Msat,
        /// When it ends, in Unix seconds.
        expires_at: u64,
    },
    /// There is none.
    Failed {
        /// Why, with its causes.
        error: &'a (dyn Error + 'static),
    },
    /// The node was not asked, because too many requests wait for an invoice.
    Busy,
    /// The node was not asked, because too many invoices are open.
    Crowded,
    /// The node was not asked, because the ledger that would count the uses does not answer.
    Uncounted,
    /// The node was not asked, because the ledger would refuse each use of the token: its clock was ahead, and it has deleted records of
    /// tokens that end later.
    TooEarly {
        /// After how long a token ends late enough.
        wait: Duration,
    },
}

/// What became of a token.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Minted<'a> {
    /// It is minted.
    Token {
        /// The hash of the payment that it is for.
        payment_hash: PaymentHash,
        /// When it ends.
        valid_until: UnixSeconds,
    },
    /// There is none.
    Failed {
        /// Why, with its causes.
        error: &'a (dyn Error + 'static),
    },
}

/// A challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenged {
    /// The status and the reason.
    pub rejection: Rejection,
    /// The hash of the payment that it asks for.
    pub payment_hash: PaymentHash,
}

/// A response of the inner service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forwarded {
    /// What was forwarded.
    pub kind: ForwardedKind,
    /// The status of the response; [`None`] where the inner service failed.
    pub status: Option<StatusCode>,
}

/// What was forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedKind {
    /// A request that was paid for.
    Paid,
    /// A request for a free route.
    Free,
    /// A preflight, which is not paid for.
    Preflight,
}

/// The end of a request, as far as the head of its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// The status that the client gets; [`None`] where the client went away first, or the inner service failed.
    pub status: Option<StatusCode>,
    /// Why the response does not come from the inner service; for a gRPC client it holds the status that counts.
    pub rejection: Option<Rejection>,
}

//! The table of outcomes: what the upstream did with a request, and what that does to the use.
//!
//! | outcome | safe | unsafe |
//! |---|---|---|
//! | nothing was sent | release | release |
//! | 503, 429; gRPC 14, 8 | release | release |
//! | any other 5xx; no answer; gRPC 1, 2, 4, 13, 15 | release | in doubt, or release where the route is idempotent |
//! | 4xx; any other gRPC error; a redirect to the gateway itself; the client has gone | release, which counts as a try | the same |
//! | any other status; a gRPC message | commit | commit |

use super::attempt::{Idempotence, Safety};
use super::event::{Counted, Event};

/// What became of a request that was forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attempted {
    /// No byte of it reached the upstream.
    NotSent,
    /// It was sent, and the head of the response never came.
    Unanswered,
    /// The upstream answered with this status.
    Answered(u16),
    /// The upstream sent the client back to this gateway.
    RedirectedHere,
    /// A gRPC upstream answered with this status and no message.
    GrpcStatus(u32),
    /// A gRPC upstream sent a message.
    GrpcMessage,
    /// The client went away before the head of the response, and the request was stopped.
    ClientGone,
}

/// What an outcome does to a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transition {
    /// The use is gone.
    Commit,
    /// The use is available.
    Release(Counted),
    /// The use is in doubt.
    Doubt,
}

impl Transition {
    /// Returns what to ask of the store. `amount` is what was used.
    pub const fn event(self, amount: u64) -> Event {
        match self {
            Self::Commit => Event::Commit { amount },
            Self::Release(counted) => Event::Release(counted),
            Self::Doubt => Event::Doubt,
        }
    }
}

/// Looks an outcome up.
///
/// ```
/// use l402_core::ledger::{Attempted, Counted, Idempotence, Safety, Transition, transition};
///
/// let of = |attempted, safety| transition(attempted, safety, Idempotence::Once);
/// assert_eq!(of(Attempted::Answered(200), Safety::Safe), Transition::Commit);
/// assert_eq!(of(Attempted::Answered(404), Safety::Safe), Transition::Release(Counted::Yes));
/// assert_eq!(of(Attempted::Unanswered, Safety::Safe), Transition::Release(Counted::No));
/// assert_eq!(of(Attempted::Unanswered, Safety::Unsafe), Transition::Doubt);
/// ```
pub const fn transition(attempted: Attempted, safety: Safety, idempotence: Idempotence) -> Transition {
    let unknown = match (safety, idempotence) {
        (Safety::Unsafe, Idempotence::Once) => Transition::Doubt,
        _ => Transition::Release(Counted::No),
    };
    match attempted {
        Attempted::NotSent | Attempted::Answered(503 | 429) | Attempted::GrpcStatus(14 | 8) => {
            Transition::Release(Counted::No)
        }
        Attempted::Unanswered | Attempted::Answered(500..) | Attempted::GrpcStatus(1 | 2 | 4 | 13 | 15) => unknown,
        Attempted::GrpcStatus(0) | Attempted::GrpcMessage => Transition::Commit,
        Attempted::Answered(400..) | Attempted::GrpcStatus(_) | Attempted::RedirectedHere | Attempted::ClientGone => {
            Transition::Release(Counted::Yes)
        }
        Attempted::Answered(_) => Transition::Commit,
    }
}

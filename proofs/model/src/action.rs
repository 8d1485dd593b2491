//! What can happen.

use crate::request::Call;
use l402_core::ledger::{Attempted, Input, Resolution, Safety};

/// One thing that happens. Requests are named by their position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A request comes to a gateway, which asks for a use.
    Come(usize, Safety, Way),
    /// The call that a gateway waits for is under way.
    Call(usize, Way),
    /// A call of which nobody awaits the reply arrives.
    Arrive(usize, Call),
    /// The upstream answers, or its gateway learns that it does not, and tells the store.
    Outcome(usize, Attempted, Way),
    /// A gateway sees something else.
    Happen(usize, Happening),
    /// The gateway of a request crashes.
    Crash(usize),
    /// The store's clock passes the end of a lease.
    Lapse(usize),
    /// A person decides about a doubt.
    Resolve(usize, Resolution),
    /// The sale has ended, its record is deleted, and the store's clock is stepped back.
    Sweep,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// It reaches the store, and the reply comes back. It may arrive once more.
    Reach,
    /// Its gateway has waited long enough for it, and asks again; it may still arrive.
    Late,
    /// The client has waited long enough too.
    Deadline,
    /// Its gateway crashes before it arrives.
    Crash,
    /// Its gateway sees something else before it arrives.
    Meanwhile(Happening),
}

/// What a gateway sees beside the upstream and the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Happening {
    /// The client goes away.
    ClientGone,
    /// The lease ends soon.
    LeaseEnds,
}

impl Happening {
    pub(crate) const fn input(self) -> Input {
        match self {
            Self::ClientGone => Input::ClientGone,
            Self::LeaseEnds => Input::LeaseEnds,
        }
    }
}

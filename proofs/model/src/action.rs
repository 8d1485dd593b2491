//! What can happen.

use l402_core::ledger::{Attempted, Input, Resolution, Safety};

/// One thing that happens. Requests are named by their position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// A request comes to a gateway, which asks for a use.
    Come(usize, Safety, Way),
    /// The call that a gateway waits for is under way.
    Call(usize, Way),
    /// A call of which nobody awaits the reply arrives.
    Arrive(usize, usize),
    /// Such a call is lost.
    Lose(usize, usize),
    /// The upstream answers, or its gateway learns that it does not.
    Outcome(usize, Attempted),
    /// A gateway sees something else.
    Happen(usize, Happening),
    /// A gateway crashes, with the requests of these bits; at that moment it may have called for one that had just come.
    Crash(u8, Option<(usize, Safety)>),
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
    /// It reaches the store, and the reply comes back.
    Reach,
    /// Its gateway has waited long enough for it, and asks again; it may still arrive.
    Late,
    /// The client has waited long enough too.
    Deadline,
    /// It reaches the store twice, the second time later.
    Double,
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

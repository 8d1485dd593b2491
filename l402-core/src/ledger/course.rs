//! The course of one attempt, as its gateway sees it: what to do next, whatever reply is lost.
//!
//! 1. The upstream is called only after the store has granted a use.
//! 2. The head of a response is passed on only after its commit.
//! 3. A commit without a reply is asked for again until the deadline. Then the client is told 503, and the use is taken back:
//!    no byte of the response has left.
//! 4. What is still to be said to the store when the client has its response is [owed](Course::owes): it is asked for until there
//!    is a reply, and no request waits for it.

use super::attempt::{Idempotence, Safety};
use super::event::{Counted, Event, Refused, Reply, Reserve};
use super::outcome::{Attempted, Transition, transition};

/// One attempt.
///
/// ```
/// use l402_core::ledger::{Attempted, Command, Course, Event, Input, Passed, Reply};
/// # use l402_core::{Counter, CounterKey, Counters, UnixSeconds};
/// # use l402_core::ledger::{DoubtRule, Idempotence, Reserve, Safety};
/// # let mut counters = Counters::default();
/// # counters.add(Counter { key: CounterKey::SALE, limit: 1 }).unwrap();
/// # let reserve = Reserve { counters, amount: 1, ends_at: UnixSeconds::new(1), safety: Safety::Safe,
/// #     idempotence: Idempotence::Once, fingerprint: None, key: None, doubt: DoubtRule::Hold };
///
/// let mut course = Course::begin(&reserve); // first, ask the store for `Event::Reserve(reserve)`
/// let command = course.next(Input::Reply(Reply::Reserved { number: 0, remaining: 0 }));
/// assert_eq!(command, Command::Forward { number: 0 });
/// let command = course.next(Input::Attempted(Attempted::Answered(200)));
/// assert_eq!(command, Command::Ask(Event::Commit { amount: 1 }));
/// let command = course.next(Input::Reply(Reply::Committed { remaining: 0, is_spent: true }));
/// assert_eq!(command, Command::PassOn(Passed::Committed { remaining: 0, is_spent: true }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Course {
    stage: Stage,
    safety: Safety,
    idempotence: Idempotence,
    amount: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Stage {
    Reserving,
    Forwarding,
    Settling(Transition),
    Owing(Owed),
    Over,
}

/// What the store is still to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Owed {
    Settle(Transition),
    TakeBack,
}

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The store has replied to what was asked.
    Reply(Reply),
    /// It has not, or the reply was lost.
    NoReply,
    /// It is known what became of the request that was forwarded.
    Attempted(Attempted),
    /// The lease ends soon and could not be renewed.
    LeaseEnds,
    /// The client has waited long enough.
    Deadline,
    /// The client went away before the head of the response.
    ClientGone,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "without an allocator there is no box")]
pub enum Command {
    /// Ask the store.
    Ask(Event),
    /// Call the upstream.
    Forward {
        /// The number of the use.
        number: u32,
    },
    /// Let the request that was forwarded run on without its client.
    RunOn,
    /// Pass the upstream's response on.
    PassOn(Passed),
    /// Answer that there is no use.
    Refuse(Refused),
    /// Drop the upstream's response, and answer that the use went to another (409).
    Lost,
    /// Stop the request, drop its response, and answer that the store cannot be reached (503).
    Unavailable,
    /// Nothing: no client waits.
    Stop,
}

/// What a response says of its use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passed {
    /// It is gone.
    Committed {
        /// How much is left.
        remaining: u64,
        /// Whether a counter is used up.
        is_spent: bool,
    },
    /// It is available.
    Released {
        /// Whether this try cost a use.
        cost_a_use: bool,
        /// How much is left.
        remaining: u64,
    },
    /// It is in doubt.
    InDoubt,
    /// The store has not confirmed what became of it.
    Unconfirmed,
}

impl Course {
    /// Begins. The first thing to ask the store for is the reservation.
    pub const fn begin(reserve: &Reserve) -> Self {
        let Reserve { safety, idempotence, amount, .. } = *reserve;
        Self { stage: Stage::Reserving, safety, idempotence, amount }
    }

    /// Says how much of the reserved amount was used, before its commit; all of it unless said.
    pub const fn used(&mut self, amount: u64) {
        self.amount = amount;
    }

    /// Takes in what has happened.
    pub fn next(&mut self, input: Input) -> Command {
        let (stage, command) = match self.stage {
            Stage::Reserving => Self::reserving(input),
            Stage::Forwarding => self.forwarding(input),
            Stage::Settling(transition) => self.settling(transition, input),
            Stage::Owing(owed) => match input {
                Input::Reply(_) => (Stage::Over, Command::Stop),
                _ => (Stage::Owing(owed), Command::Stop),
            },
            Stage::Over => (Stage::Over, Command::Stop),
        };
        self.stage = stage;
        command
    }

    /// Returns what to ask the store for until there is a reply; [`None`] where nothing is left to say.
    pub const fn owes(&self) -> Option<Event> {
        match self.stage {
            Stage::Owing(Owed::Settle(transition)) => Some(transition.event(self.amount)),
            Stage::Owing(Owed::TakeBack) => Some(Event::TakeBack),
            _ => None,
        }
    }

    /// Returns what to ask the store for, now that the attempt ends in the middle: its request was dropped.
    pub fn dropped(&mut self) -> Option<Event> {
        if self.next(Input::ClientGone) == Command::RunOn {
            self.next(Input::Attempted(Attempted::Unanswered));
            self.next(Input::Deadline);
        }
        self.owes()
    }

    fn reserving(input: Input) -> (Stage, Command) {
        let give_back = Stage::Owing(Owed::Settle(Transition::Release(Counted::No)));
        match input {
            Input::Reply(Reply::Reserved { number, .. }) => (Stage::Forwarding, Command::Forward { number }),
            Input::Reply(Reply::Refused(refused)) => (Stage::Over, Command::Refuse(refused)),
            Input::ClientGone => (give_back, Command::Stop),
            // It may have been granted. A release that overtakes it cancels it.
            _ => (give_back, Command::Unavailable),
        }
    }

    fn forwarding(&self, input: Input) -> (Stage, Command) {
        let lookup = |attempted| transition(attempted, self.safety, self.idempotence);
        match input {
            Input::Attempted(attempted) => {
                let transition = lookup(attempted);
                (Stage::Settling(transition), Command::Ask(transition.event(self.amount)))
            }
            Input::LeaseEnds | Input::Deadline => {
                (Stage::Owing(Owed::Settle(lookup(Attempted::Unanswered))), Command::Unavailable)
            }
            Input::ClientGone if self.safety == Safety::Unsafe => (Stage::Forwarding, Command::RunOn),
            Input::ClientGone => (Stage::Owing(Owed::Settle(lookup(Attempted::ClientGone))), Command::Stop),
            Input::Reply(_) | Input::NoReply => (Stage::Forwarding, Command::Stop), // of a renewal
        }
    }

    fn settling(&self, transition: Transition, input: Input) -> (Stage, Command) {
        let owed = match transition {
            Transition::Commit => Owed::TakeBack,
            _ => Owed::Settle(transition),
        };
        let passed = match (transition, input) {
            (_, Input::Reply(Reply::Committed { remaining, is_spent })) => Passed::Committed { remaining, is_spent },
            (_, Input::Reply(Reply::Released { cost_a_use, remaining })) => Passed::Released { cost_a_use, remaining },
            (_, Input::Reply(Reply::InDoubt)) => Passed::InDoubt,
            (Transition::Commit, Input::Reply(_)) => return (Stage::Over, Command::Lost),
            (_, Input::Reply(_)) => Passed::Unconfirmed,
            (_, Input::ClientGone) => return (Stage::Owing(owed), Command::Stop),
            (Transition::Commit, Input::Deadline | Input::LeaseEnds) => {
                return (Stage::Owing(owed), Command::Unavailable);
            }
            (_, Input::Deadline | Input::LeaseEnds) => {
                return (Stage::Owing(owed), Command::PassOn(Passed::Unconfirmed));
            }
            (_, Input::NoReply | Input::Attempted(_)) => {
                return (Stage::Settling(transition), Command::Ask(transition.event(self.amount)));
            }
        };
        (Stage::Over, Command::PassOn(passed))
    }
}

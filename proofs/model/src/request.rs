//! One request: its gateway's attempt, what it asks of the store, and what came of it.

use l402_core::ledger::{Counted, Course, Event, Reserve, Resolution, Safety};

/// One request, which is one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// Whether it presents the branch's token.
    pub of_branch: bool,
    /// Whether it may have an effect; chosen when it comes.
    pub safety: Safety,
    /// Where it stands.
    pub phase: Phase,
    /// Its attempt, while a gateway has it.
    pub(crate) course: Option<Course>,
    /// The call to the store that its gateway waits for.
    pub(crate) call: Option<Call>,
    /// Calls that were sent, and may arrive without anybody who awaits the reply.
    pub(crate) sent: Calls,
    /// What really happened.
    pub(crate) facts: Facts,
}

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It has not come yet.
    Idle,
    /// Its gateway asks for a use.
    Reserving,
    /// The upstream has it.
    Forwarding,
    /// Its gateway tells the store what became of it.
    Settling,
    /// The client has its response, or has gone; its gateway still tells the store.
    Owing,
    /// It is over.
    Over,
    /// Its gateway has crashed.
    Crashed,
    /// It is over, nothing of it is under way, and its use is committed or not: nothing can change that any more.
    Done,
}

/// What is asked of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Call {
    /// A use.
    Reserve,
    /// The use is gone.
    Commit,
    /// The use is given back.
    Release,
    /// The same, and it counts as a try.
    ReleaseTry,
    /// The outcome is not known.
    Doubt,
    /// No byte of the response has left.
    TakeBack,
}

/// Calls, each once: to send one again changes nothing, since it may arrive again anyway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Calls(u8);

/// What really happened, whoever knows it.
#[expect(clippy::struct_excessive_bools, reason = "each of them may or may not have happened")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Facts {
    /// The upstream was called.
    pub(crate) is_forwarded: bool,
    /// It may have had an effect that nobody took back.
    pub(crate) has_effect: bool,
    /// The upstream answered so that the use is gone.
    pub(crate) is_answered: bool,
    /// The store committed a use for it.
    pub(crate) is_committed: bool,
    /// The store did, since it was the third try.
    pub(crate) is_third_try: bool,
    /// A person has decided about it.
    pub(crate) resolved: Option<Resolution>,
    /// What the client was told.
    pub(crate) told: Option<Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Told {
    /// The upstream's response, with its use committed.
    Committed,
    /// The upstream's response, with its use given back, in doubt, or not confirmed.
    Other,
    /// That there is no use, or that it went to another.
    Refused,
    /// That the store cannot be reached.
    Unavailable,
    /// Nothing: it had gone.
    Nothing,
}

impl Request {
    pub(crate) fn new(of_branch: bool) -> Self {
        Self {
            of_branch,
            safety: Safety::Safe,
            phase: Phase::Idle,
            course: None,
            call: None,
            sent: Calls::default(),
            facts: Facts::default(),
        }
    }

    /// Tells whether a gateway has it.
    pub fn is_live(&self) -> bool {
        self.course.is_some()
    }

    /// Whoever waited for a call does so no longer; it may still arrive.
    pub(crate) fn abandon_call(&mut self) {
        if let Some(call) = self.call.take() {
            self.sent.add(call);
        }
    }
}

impl Calls {
    pub(crate) const fn add(&mut self, call: Call) {
        self.0 |= 1 << call as u8;
    }

    pub(crate) const fn remove(&mut self, call: Call) {
        self.0 &= !(1 << call as u8);
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Call> {
        Call::ALL.into_iter().filter(move |call| self.0 & 1 << *call as u8 != 0)
    }
}

impl Call {
    const ALL: [Self; 6] = [Self::Reserve, Self::Commit, Self::Release, Self::ReleaseTry, Self::Doubt, Self::TakeBack];

    /// What it says to a store.
    pub(crate) fn event(self, reserve: Reserve) -> Event {
        match self {
            Self::Reserve => Event::Reserve(reserve),
            Self::Commit => Event::Commit { amount: 1 },
            Self::Release => Event::Release(Counted::No),
            Self::ReleaseTry => Event::Release(Counted::Yes),
            Self::Doubt => Event::Doubt,
            Self::TakeBack => Event::TakeBack,
        }
    }

    pub(crate) fn of(event: &Event) -> Self {
        match event {
            Event::Reserve(_) => Self::Reserve,
            Event::Commit { .. } => Self::Commit,
            Event::Release(Counted::No) => Self::Release,
            Event::Release(Counted::Yes) => Self::ReleaseTry,
            Event::Doubt => Self::Doubt,
            Event::TakeBack => Self::TakeBack,
            Event::Renew | Event::Draw { .. } | Event::Resolve(_) => unreachable!("no course asks for it"),
        }
    }
}

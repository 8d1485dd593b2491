//! A state, and what an action makes of it.

use crate::action::{Action, Way};
use crate::guard::Guard;
use crate::request::{Call, Facts, Phase, Request, Told};
use crate::scenario::{Bounds, Scenario};
use crate::store::Store;
use core::hash::{Hash, Hasher};
use l402_core::ledger::{
    AttemptId, Attempted, Command, Course, Event, Input, Passed, Reply, Resolution, Safety, Standing,
};
use std::hash::DefaultHasher;

/// The store, the requests, and what may still go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub(crate) store: Store,
    /// The requests; the position of one is the id of its attempt.
    pub requests: Vec<Request>,
    /// What may still go wrong.
    pub left: Bounds,
    /// The tries since one cost a use, with the sale's token or that of the branch.
    pub(crate) tries: i8,
    /// Whether a request is done of which the client was told what is not so.
    pub(crate) has_lied: bool,
    /// Whether one is done that may have had an effect for which no use is taken.
    pub(crate) has_served_for_free: bool,
    /// Whether one is in doubt that nobody forwarded.
    pub(crate) doubts_nothing: bool,
}

impl State {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let of = |of_branch, count| core::iter::repeat_n(Request::new(of_branch), count);
        let requests = of(false, scenario.requests).chain(of(true, scenario.branch_requests)).collect();
        let (left, tries, flag) = (scenario.bounds, 0, false);
        let (has_lied, has_served_for_free, doubts_nothing) = (flag, flag, flag);
        Self { store: Store::new(), requests, left, tries, has_lied, has_served_for_free, doubts_nothing }
    }

    /// Where an attempt stands in the store.
    pub(crate) fn standing(&self, at: usize) -> Option<Standing> {
        self.store.attempt(&id(at)).map(|attempt| attempt.standing)
    }

    pub(crate) fn take(&mut self, scenario: &Scenario, action: Action) {
        match action {
            Action::Come(at, safety, way) => {
                self.come(scenario, at, safety);
                self.call(scenario, at, way);
            }
            Action::Call(at, way) => self.call(scenario, at, way),
            Action::Arrive(at, nth) => {
                let call = self.requests[at].late.remove(nth);
                self.apply(scenario, at, call);
            }
            Action::Lose(at, nth) => {
                self.requests[at].late.remove(nth);
            }
            Action::Outcome(at, outcome) => self.outcome(scenario, at, outcome),
            Action::Happen(at, happening) => {
                self.requests[at].abandon_call();
                self.tell(scenario, at, happening.input());
            }
            Action::Crash(bits, coming) => {
                self.left.crashes -= 1;
                let coming = coming.map(|(at, safety)| {
                    self.come(scenario, at, safety);
                    1 << at
                });
                self.crash(bits | coming.unwrap_or_default());
            }
            Action::Lapse(at) => self.store.lapse(scenario, &id(at)),
            Action::Resolve(at, resolution) => self.resolve(scenario, at, resolution),
            Action::Sweep => {
                self.left.sweeps -= 1;
                self.store.sweep(scenario);
            }
        }
        self.hurry(scenario);
    }

    fn come(&mut self, scenario: &Scenario, at: usize, safety: Safety) {
        let request = &mut self.requests[at];
        (request.safety, request.phase) = (safety, Phase::Reserving);
        request.course = Some(Course::begin(&scenario.reserve(request.of_branch, safety)));
        request.call = Some(Call::Reserve);
        if !scenario.keeps(Guard::ReserveFirst) {
            (request.facts.is_forwarded, request.facts.has_effect) = (true, safety == Safety::Unsafe);
        }
    }

    /// What a gateway waits for goes its way.
    fn call(&mut self, scenario: &Scenario, at: usize, way: Way) {
        let Some(call) = self.requests[at].call else { return };
        if matches!(way, Way::Late | Way::Deadline | Way::Double) {
            self.requests[at].abandon_call();
        }
        self.left.losses -= u8::from(way != Way::Reach);
        self.requests[at].call = None;
        let reply = match way {
            Way::Reach | Way::Double => Input::Reply(self.apply(scenario, at, call)),
            Way::Late => Input::NoReply,
            Way::Deadline => Input::Deadline,
        };
        self.tell(scenario, at, reply);
    }

    /// A call reaches the store. What it does for good is noted, whoever hears of it.
    fn apply(&mut self, scenario: &Scenario, at: usize, call: Call) -> Reply {
        let before = self.standing(at);
        let request = &mut self.requests[at];
        let reply = self.store.apply(scenario, &id(at), call, scenario.reserve(request.of_branch, request.safety));
        let held = !matches!(before, None | Some(Standing::Cancelled { .. } | Standing::Committed { .. }));
        self.tries += i8::from(call == Call::ReleaseTry && held);
        let facts = &mut request.facts;
        match reply {
            Reply::Committed { .. } => facts.is_committed = true,
            Reply::Released { cost_a_use: true, .. } => {
                self.tries -= 3;
                (facts.is_committed, facts.is_third_try) = (true, true);
            }
            Reply::InDoubt => facts.is_committed = false,
            Reply::Released { .. } if call == Call::TakeBack && facts.resolved.is_none() => facts.is_committed = false,
            _ => {}
        }
        reply
    }

    fn outcome(&mut self, scenario: &Scenario, at: usize, outcome: Attempted) {
        let facts = &mut self.requests[at].facts;
        facts.is_answered = outcome == Attempted::Answered(200);
        facts.is_forwarded = outcome != Attempted::NotSent;
        facts.has_effect &= !matches!(outcome, Attempted::NotSent | Attempted::Answered(404));
        self.tell(scenario, at, Input::Attempted(outcome));
        if self.requests[at].call == Some(Call::Commit) && !scenario.keeps(Guard::CommitFirst) {
            self.requests[at].facts.told.get_or_insert(Told::Committed);
            self.requests[at].abandon_call();
            self.end(at, Phase::Over);
        }
    }

    /// A gateway takes in what has happened to its attempt, and does what that comes to.
    fn tell(&mut self, scenario: &Scenario, at: usize, input: Input) {
        let request = &mut self.requests[at];
        let Some(course) = &mut request.course else { return };
        let command = course.next(input);
        let facts = &mut request.facts;
        match command {
            Command::Forward { .. } => {
                request.phase = Phase::Forwarding;
                (facts.is_forwarded, facts.has_effect) = (true, request.safety == Safety::Unsafe);
                return;
            }
            Command::RunOn => {
                facts.told = Some(Told::Nothing);
                return;
            }
            Command::Ask(event) => {
                request.phase = Phase::Settling;
                request.call = Some(Call::of(&event));
                return;
            }
            Command::PassOn(Passed::Committed { .. }) => facts.told.get_or_insert(Told::Committed),
            Command::PassOn(_) => facts.told.get_or_insert(Told::Other),
            Command::Refuse(_) | Command::Lost => facts.told.get_or_insert(Told::Refused),
            Command::Unavailable => facts.told.get_or_insert(Told::Unavailable),
            Command::Stop => facts.told.get_or_insert(Told::Nothing),
        };
        let owed = course.owes().filter(|event| *event != Event::TakeBack || scenario.keeps(Guard::TakeBack));
        match owed {
            Some(event) => {
                request.phase = Phase::Owing;
                request.call = Some(Call::of(&event));
            }
            None => self.end(at, Phase::Over),
        }
    }

    fn end(&mut self, at: usize, phase: Phase) {
        let request = &mut self.requests[at];
        (request.phase, request.course) = (phase, None);
    }

    fn crash(&mut self, bits: u8) {
        for at in (0..self.requests.len()).filter(|at| bits & 1 << at != 0) {
            self.requests[at].abandon_call();
            self.end(at, Phase::Crashed);
        }
    }

    fn resolve(&mut self, scenario: &Scenario, at: usize, resolution: Resolution) {
        self.left.resolutions -= 1;
        if self.store.resolve(scenario, &id(at), resolution) == Reply::Resolved {
            let facts = &mut self.requests[at].facts;
            facts.resolved = Some(resolution);
            facts.is_committed = resolution == Resolution::Used;
            facts.has_effect = false; // whoever says so answers for it
        }
    }

    /// Where nothing can be lost any more, a call reaches the store at once.
    fn hurry(&mut self, scenario: &Scenario) {
        if self.left.losses > 0 || self.left.crashes > 0 || self.left.with_clients {
            return;
        }
        for at in 0..self.requests.len() {
            while self.requests[at].call.is_some() {
                self.call(scenario, at, Way::Reach);
            }
        }
    }

    /// Forgets what can make no difference any more, and orders requests that present one token, so that states which differ in
    /// names only are one.
    pub(crate) fn canonical(&mut self, scenario: &Scenario) {
        for at in 0..self.requests.len() {
            if self.is_finished(at) {
                self.has_lied |= !self.was_told_truth(scenario, at);
                self.has_served_for_free |= self.has_effect_for_free(scenario, at);
                self.doubts_nothing |= self.is_doubted_for_nothing(at);
                let Request { of_branch, facts: Facts { is_committed, resolved, .. }, .. } = self.requests[at];
                let facts = Facts { is_committed, resolved, ..Facts::default() };
                self.requests[at] = Request { phase: Phase::Done, facts, ..Request::new(of_branch) };
                self.store.finish(&id(at));
            }
        }
        let mut order: Vec<_> = (0..self.requests.len()).collect();
        order.sort_by_cached_key(|at| (self.requests[*at].of_branch, self.fingerprint(*at)));
        let position: Vec<_> =
            (0..order.len()).map(|old| order.iter().position(|at| *at == old).unwrap_or(old)).collect();
        self.store.renew(|attempt| id(position[usize::from(attempt.as_bytes()[0])]));
        self.requests = order.iter().map(|at| self.requests[*at].clone()).collect();
    }

    /// Nobody will ask anything for it again, and time changes nothing; a person may decide about a doubt.
    fn is_finished(&self, at: usize) -> bool {
        let request = &self.requests[at];
        let settled = !matches!(self.standing(at), Some(Standing::Reserved { .. }));
        matches!(request.phase, Phase::Over | Phase::Crashed) && request.late.is_empty() && settled
    }

    /// A number for all that tells a request apart, except its name.
    fn fingerprint(&self, at: usize) -> u64 {
        let mut hasher = DefaultHasher::new();
        (&self.requests[at], self.store.attempt(&id(at)).map(|attempt| attempt.standing)).hash(&mut hasher);
        hasher.finish()
    }
}

/// The id of the attempt at a position.
pub(crate) const fn id(at: usize) -> AttemptId {
    AttemptId::from_bytes([at.to_le_bytes()[0]; 16])
}

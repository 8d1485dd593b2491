//! A state, and what an action makes of it.

use crate::action::{Action, Way};
use crate::guard::Guard;
use crate::request::{Call, Calls, Facts, Phase, Request, Told};
use crate::scenario::Scenario;
use crate::store::Store;
use core::hash::{Hash, Hasher};
use l402_core::ledger::{
    AttemptId, Attempted, Command, Course, DoubtCause, Event, Input, Passed, Reply, Resolution, Safety, Standing, TRIES,
};
use std::hash::DefaultHasher;

/// The store, the requests, and what may still go wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub(crate) store: Store,
    /// The requests; the position of one is the id of its attempt.
    pub requests: Vec<Request>,
    /// The sweeps that are left.
    pub(crate) sweeps: u8,
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
        let (sweeps, tries, flag) = (scenario.faults.sweeps, 0, false);
        let (has_lied, has_served_for_free, doubts_nothing) = (flag, flag, flag);
        Self { store: Store::new(), requests, sweeps, tries, has_lied, has_served_for_free, doubts_nothing }
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
            Action::Arrive(at, call) => {
                if !scenario.faults.losses {
                    self.requests[at].sent.remove(call);
                }
                self.apply(scenario, at, call);
            }
            Action::Outcome(at, outcome, way) => {
                self.outcome(scenario, at, outcome);
                self.call(scenario, at, way);
            }
            Action::Happen(at, happening) => {
                self.requests[at].abandon_call();
                self.tell(scenario, at, happening.input());
            }
            Action::Crash(at) => self.crash(at),
            Action::Lapse(at) => self.store.lapse(scenario, &id(at)),
            Action::Resolve(at, resolution) => self.resolve(scenario, at, resolution),
            Action::Sweep => {
                self.sweeps -= 1;
                self.store.sweep(scenario);
            }
        }
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
        let request = &mut self.requests[at];
        let Some(call) = request.call.take() else { return };
        if scenario.faults.losses || way != Way::Reach {
            request.sent.add(call);
        }
        let input = match way {
            Way::Reach => Input::Reply(self.apply(scenario, at, call)),
            Way::Late => Input::NoReply,
            Way::Deadline => Input::Deadline,
            Way::Crash => return self.crash(at),
            Way::Meanwhile(happening) => happening.input(),
        };
        self.tell(scenario, at, input);
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

    fn crash(&mut self, at: usize) {
        self.requests[at].abandon_call();
        self.end(at, Phase::Crashed);
    }

    fn resolve(&mut self, scenario: &Scenario, at: usize, resolution: Resolution) {
        if self.store.resolve(scenario, &id(at), resolution) == Reply::Resolved {
            let facts = &mut self.requests[at].facts;
            facts.resolved = Some(resolution);
            facts.is_committed = resolution == Resolution::Used;
            facts.has_effect = false; // whoever says so answers for it
        }
    }

    /// Forgets what can make no difference any more, and orders requests that present one token, so that states which differ in
    /// names only are one.
    pub(crate) fn canonical(&mut self, scenario: &Scenario) {
        for at in 0..self.requests.len() {
            if !scenario.is_complete {
                self.hurry(scenario, at);
                self.forget(at);
            }
            if self.is_finished(at) {
                self.has_lied |= !self.was_told_truth(scenario, at);
                self.has_served_for_free |= self.has_effect_for_free(scenario, at);
                self.doubts_nothing |= self.is_doubted_for_nothing(at);
                let Request { of_branch, facts: Facts { is_committed, resolved, .. }, .. } = self.requests[at];
                let facts = Facts { is_committed, resolved, ..Facts::default() };
                self.requests[at] = Request { phase: Phase::Done, facts, ..Request::new(of_branch) };
            }
            if self.requests[at].phase == Phase::Done {
                self.store.finish(&id(at));
            }
        }
        if !scenario.is_complete {
            self.forget_tries();
        }
        let mut order: Vec<_> = (0..self.requests.len()).collect();
        order.sort_by_cached_key(|at| (self.requests[*at].of_branch, self.fingerprint(*at)));
        let position: Vec<_> =
            (0..order.len()).map(|old| order.iter().position(|at| *at == old).unwrap_or(old)).collect();
        self.store.renew(|attempt| id(position[usize::from(attempt.as_bytes()[0])]));
        self.requests = order.iter().map(|at| self.requests[*at].clone()).collect();
    }

    /// Takes at once what makes no difference when. A call that its gateway waits for may be under way already, or still be made. One
    /// for a use that was given back changes nothing: its reply may as well come now, and whatever the client is told is so.
    fn hurry(&mut self, scenario: &Scenario, at: usize) {
        let may_change = self.sweeps > 0 || !matches!(self.standing(at), Some(Standing::Cancelled { .. }));
        let request = &mut self.requests[at];
        match request.call {
            Some(_) if !may_change => self.call(scenario, at, Way::Reach),
            Some(call) if scenario.faults.losses => request.sent.add(call),
            _ => {}
        }
    }

    /// Forgets the calls that can change nothing, however often they still arrive: a use that was given back stays so, an attempt
    /// that is known is not granted again, one that is committed or doubtful cannot be committed by an older call. Where the record
    /// may still be deleted, all of them are kept. Of a gateway that has crashed, nobody asks what it had done before.
    fn forget(&mut self, at: usize) {
        let standing = self.standing(at);
        let request = &mut self.requests[at];
        if request.phase == Phase::Crashed {
            (request.facts.told, request.facts.is_forwarded) = (None, true);
        }
        if request.facts.told == Some(Told::Other) {
            request.facts.told = Some(Told::Unavailable); // either client pays nothing
        }
        if self.sweeps > 0 {
            return;
        }
        match standing {
            None => return,
            Some(Standing::Cancelled { .. }) => request.sent = Calls::default(),
            Some(Standing::Committed { .. }) => request.sent.remove(Call::Commit),
            Some(Standing::InDoubt { cause: DoubtCause::Unknown, .. }) => {
                request.sent.remove(Call::Commit);
                request.sent.remove(Call::Doubt);
            }
            Some(_) => {}
        }
        request.sent.remove(Call::Reserve);
    }

    /// Forgets the tries where too few requests are left to make three. Each makes one at most.
    fn forget_tries(&mut self) {
        let open = self.requests.iter().filter(|request| request.phase != Phase::Done).count();
        if usize::try_from(self.tries).is_ok_and(|tries| tries + open < usize::from(TRIES)) {
            self.tries = 0;
            self.store.forget_tries();
        }
    }

    /// It is over, and nothing that was sent can change anything; a person may decide about a doubt.
    fn is_finished(&self, at: usize) -> bool {
        self.is_over(at) && self.requests[at].sent.is_empty()
    }

    /// Nobody will ask anything for it again, and time changes nothing.
    pub(crate) fn is_over(&self, at: usize) -> bool {
        let is_settled = !matches!(self.standing(at), Some(Standing::Reserved { .. }));
        matches!(self.requests[at].phase, Phase::Over | Phase::Crashed) && is_settled
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
